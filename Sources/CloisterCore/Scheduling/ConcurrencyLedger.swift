/// Counts invocations and tenant environments against the limits. Every `begin` has exactly one `end`.
struct ConcurrencyLedger {
    private struct FunctionCount {
        var reserved: Int?
        var active = 0
        var environments = 0
        var activeByTenant: [TenantID: Int] = [:]

        var isUnused: Bool { reserved == nil && active == 0 && environments == 0 }
    }

    private var functions: [FunctionKey: FunctionCount] = [:]
    private var activeUnreserved = 0
    private var reservedSum = 0
    /// Invocations that run or wait, over all functions.
    private(set) var active = 0

    mutating func setReserved(_ reserved: Int?, for function: FunctionKey) {
        var count = functions[function] ?? FunctionCount()
        reservedSum += (reserved ?? 0) - (count.reserved ?? 0)
        if (count.reserved == nil) != (reserved == nil) {
            activeUnreserved += reserved == nil ? count.active : -count.active
        }
        count.reserved = reserved
        functions[function] = count.isUnused ? nil : count
    }

    /// Nil if one more invocation is allowed.
    func refusal(
        function: FunctionKey, owner: EnvironmentOwner, configuration: SchedulerConfiguration
    ) -> Throttle? {
        let count = functions[function]
        if let reserved = count?.reserved {
            if (count?.active ?? 0) >= reserved { return .reservedConcurrency }
        } else if activeUnreserved >= configuration.accountConcurrencyMax - reservedSum {
            return .accountConcurrency
        }
        if let tenantMax = configuration.tenantConcurrencyMax, let tenant = owner.tenant,
            (count?.activeByTenant[tenant] ?? 0) >= tenantMax
        {
            return .tenantConcurrency
        }
        return nil
    }

    mutating func begin(function: FunctionKey, owner: EnvironmentOwner) {
        active += 1
        functions[function, default: FunctionCount()].active += 1
        if functions[function]?.reserved == nil { activeUnreserved += 1 }
        if let tenant = owner.tenant {
            functions[function, default: FunctionCount()].activeByTenant[tenant, default: 0] += 1
        }
    }

    mutating func end(function: FunctionKey, owner: EnvironmentOwner) {
        guard var count = functions.removeValue(forKey: function) else { return }
        active -= 1
        count.active -= 1
        if count.reserved == nil { activeUnreserved -= 1 }
        if let tenant = owner.tenant {
            let left = (count.activeByTenant[tenant] ?? 1) - 1
            count.activeByTenant[tenant] = left > 0 ? left : nil
        }
        if !count.isUnused { functions[function] = count }
    }

    /// Counts one more environment of `function`; false, and nothing counted, when the limit is reached.
    mutating func addEnvironment(
        function: FunctionKey, isTenantIsolated: Bool, configuration: SchedulerConfiguration
    ) -> Bool {
        var count = functions[function] ?? FunctionCount()
        let concurrency = count.reserved ?? configuration.accountConcurrencyMax
        let limit = concurrency * configuration.tenantEnvironmentsPerThousand / 1_000
        if isTenantIsolated, count.environments >= limit { return false }
        count.environments += 1
        functions[function] = count
        return true
    }

    mutating func removeEnvironment(function: FunctionKey) {
        guard var count = functions[function] else { return }
        count.environments -= 1
        functions[function] = count.isUnused ? nil : count
    }

    /// Invocations of one function that run or wait.
    func active(function: FunctionKey) -> Int { functions[function]?.active ?? 0 }
    func environments(function: FunctionKey) -> Int { functions[function]?.environments ?? 0 }
}
