/// Counts invocations and environments against the limits. Every `begin` has exactly one `end`.
///
/// A function's counts live in a slot, so that the way of an invocation hashes no names.
struct ConcurrencyLedger {
    private struct FunctionCount {
        let function: FunctionKey
        var reserved: Int?
        var pools = 0
        var active = 0
        var environments = 0
        /// Kept only where there is a limit for it.
        var activeByTenant: [TenantID: Int] = [:]

        var isUnused: Bool { reserved == nil && pools == 0 && active == 0 && environments == 0 }
    }

    private let accountConcurrencyMax: Int
    private let tenantConcurrencyMax: Int?
    private let tenantEnvironmentsPerThousand: Int
    private var counts = Slots<FunctionCount>()
    private var slots: [FunctionKey: Int] = [:]
    private(set) var activeUnreserved = 0
    private(set) var reservedSum = 0
    /// Invocations that run or wait, over all functions.
    private(set) var active = 0

    init(configuration: SchedulerConfiguration) {
        accountConcurrencyMax = configuration.accountConcurrencyMax
        tenantConcurrencyMax = configuration.tenantConcurrencyMax
        tenantEnvironmentsPerThousand = configuration.tenantEnvironmentsPerThousand
    }

    var functionCount: Int { counts.count }

    // MARK: Functions

    /// The slot of `function`, for one pool of it; `close` gives it back.
    mutating func open(_ function: FunctionKey) -> Int {
        let slot = self.slot(of: function)
        counts[slot]?.pools += 1
        return slot
    }

    /// True when that was the function's last pool, so that its slot may become another's.
    @discardableResult
    mutating func close(_ slot: Int) -> Bool {
        counts[slot]?.pools -= 1
        let isLast = counts[slot]?.pools ?? 0 == 0
        dropIfUnused(slot)
        return isLast
    }

    mutating func setReserved(_ reserved: Int?, for function: FunctionKey) {
        let slot = self.slot(of: function)
        guard let count = counts[slot] else { return }
        reservedSum += (reserved ?? 0) - (count.reserved ?? 0)
        if (count.reserved == nil) != (reserved == nil) {
            activeUnreserved += reserved == nil ? count.active : -count.active
        }
        counts[slot]?.reserved = reserved
        dropIfUnused(slot)
    }

    private mutating func slot(of function: FunctionKey) -> Int {
        if let slot = slots[function] { return slot }
        let slot = counts.insert(FunctionCount(function: function))
        slots[function] = slot
        return slot
    }

    private mutating func dropIfUnused(_ slot: Int) {
        guard let count = counts[slot], count.isUnused else { return }
        slots[count.function] = nil
        counts.remove(slot)
    }

    // MARK: Invocations

    /// Nil if one more invocation is allowed.
    func refusal(_ slot: Int, owner: EnvironmentOwner) -> Throttle? {
        if let reserved = counts[slot]?.reserved {
            if active(slot) >= reserved { return .reservedConcurrency }
        } else if activeUnreserved >= accountConcurrencyMax - reservedSum {
            return .accountConcurrency
        }
        if let tenantConcurrencyMax, let tenant = owner.tenant,
            (counts[slot]?.activeByTenant[tenant] ?? 0) >= tenantConcurrencyMax
        {
            return .tenantConcurrency
        }
        return nil
    }

    mutating func begin(_ slot: Int, owner: EnvironmentOwner) {
        active += 1
        counts[slot]?.active += 1
        if counts[slot]?.reserved == nil { activeUnreserved += 1 }
        guard tenantConcurrencyMax != nil, let tenant = owner.tenant else { return }
        counts[slot]?.activeByTenant[tenant, default: 0] += 1
    }

    mutating func end(_ slot: Int, owner: EnvironmentOwner) {
        active -= 1
        counts[slot]?.active -= 1
        if counts[slot]?.reserved == nil { activeUnreserved -= 1 }
        if tenantConcurrencyMax != nil, let tenant = owner.tenant {
            let left = (counts[slot]?.activeByTenant[tenant] ?? 1) - 1
            counts[slot]?.activeByTenant[tenant] = left > 0 ? left : nil
        }
    }

    // MARK: Environments

    /// Counts one more environment; false, and nothing counted, when the limit is reached.
    mutating func addEnvironment(_ slot: Int, isTenantIsolated: Bool) -> Bool {
        let concurrency = (counts[slot]?.reserved ?? nil) ?? accountConcurrencyMax
        let limit = concurrency * tenantEnvironmentsPerThousand / 1_000
        if isTenantIsolated, environments(slot) >= limit { return false }
        counts[slot]?.environments += 1
        return true
    }

    mutating func removeEnvironment(_ slot: Int) { counts[slot]?.environments -= 1 }

    /// Invocations of one function that run or wait.
    func active(_ slot: Int) -> Int { counts[slot]?.active ?? 0 }
    func environments(_ slot: Int) -> Int { counts[slot]?.environments ?? 0 }
}
