import CloisterCore

/// An account of what must be true, kept from the scheduler's effects alone and apart from its own books.
struct Witness {
    enum EnvironmentState: Equatable {
        case starting, unbound, idle
        case busy(Int)
        case finishing, recovering, gone
    }

    struct Environment {
        let pool: Int
        let limitMiB: Int
        var machine = EnvironmentStateMachine()
        var state = EnvironmentState.starting
        var owner: EnvironmentOwner?
        var isFrozen = false
        var isHibernated = false
        var countedMiB: Int
        var idleSince = Moment(nanoseconds: 0)
        /// Changes with every change of state, so that what was planned for an earlier state is dropped.
        var epoch = 0
        /// Whether the owner's invocations still count on it (it has answered a moment ago).
        var isExpected = false

        var isEvictable: Bool { state == .idle || state == .unbound }
    }

    enum InvocationState: Equatable { case waiting, running, ended }

    struct Invocation {
        let pool: Int
        let owner: EnvironmentOwner
        let since: Moment
        var state = InvocationState.waiting
        /// The accepted event that it delivers.
        var event: RequestID?
    }

    struct Pool {
        let function: Int
        let isIsolated: Bool
        let memoryMiB: Int
        var isRetired = false
        var waiting = 0
        var unbound = 0
        var provisioned = 0
    }

    struct OwnerKey: Hashable {
        let pool: Int
        let owner: EnvironmentOwner
    }

    struct Owner {
        var idle: [Int] = []
        var reserved = 0
        var waiting = 0
    }

    struct Function {
        let key: FunctionKey
        let isIsolated: Bool
        var memoryMiB: Int
        var pool: Int?
        var reserved: Int?
        var active = 0
        var activeByOwner: [EnvironmentOwner: Int] = [:]
        var environments = 0
        /// Whether its limit was lowered while it had environments, so that it may have more than it allows.
        var wasReservationChanged = false
    }

    struct Tenant {
        var isSuspended = false
        var limits: TenantLimits?
        var active = 0
        /// Calls of the last while that were let in, for the rate.
        var rateDue: Int64 = .min
    }

    var tenants: [EnvironmentOwner: Tenant] = [:]
    /// By number; number 0 is unused.
    var environments: [Environment] = [Environment(pool: 0, limitMiB: 0, countedMiB: 0)]
    var invocations: [Invocation] = []
    /// By number; number 0 is unused.
    var pools: [Pool] = [Pool(function: 0, isIsolated: false, memoryMiB: 0, isRetired: true)]
    var owners: [OwnerKey: Owner] = [:]
    var functions: [Function] = []
    var environmentCount = 0
    var unboundCount = 0
    var startsInProgress = 0
    var memoryMiB = 0
    var evictableMiB = 0
    var active = 0
    var activeUnreserved = 0
    var reservedSum = 0
    var waiting = 0
    var expected = 0

    mutating func set(_ number: Int, _ state: EnvironmentState) {
        let before = environments[number]
        if before.isEvictable { evictableMiB -= before.countedMiB }
        if before.state == .unbound {
            unboundCount -= 1
            pools[before.pool].unbound -= 1
        }
        if before.state == .starting { startsInProgress -= 1 }
        expect(number, false)
        environments[number].state = state
        environments[number].epoch += 1
        if state == .unbound {
            unboundCount += 1
            pools[before.pool].unbound += 1
        }
        if environments[number].isEvictable { evictableMiB += before.countedMiB }
        if state == .gone {
            count(number, as: 0)
            environmentCount -= 1
            functions[pools[before.pool].function].environments -= 1
        }
    }

    mutating func expect(_ number: Int, _ isExpected: Bool) {
        guard environments[number].isExpected != isExpected else { return }
        environments[number].isExpected = isExpected
        expected += isExpected ? 1 : -1
    }

    mutating func count(_ number: Int, as countedMiB: Int) {
        let change = countedMiB - environments[number].countedMiB
        environments[number].countedMiB = countedMiB
        memoryMiB += change
        if environments[number].isEvictable { evictableMiB += change }
    }

    mutating func begin(_ number: Int) {
        let invocation = invocations[number]
        let function = pools[invocation.pool].function
        active += 1
        if functions[function].reserved == nil { activeUnreserved += 1 }
        functions[function].active += 1
        functions[function].activeByOwner[invocation.owner, default: 0] += 1
        tenants[invocation.owner, default: Tenant()].active += 1
        changeWaiting(invocation, by: 1)
    }

    mutating func end(_ number: Int) {
        let invocation = invocations[number]
        let function = pools[invocation.pool].function
        if invocation.state == .waiting { changeWaiting(invocation, by: -1) }
        invocations[number].state = .ended
        active -= 1
        tenants[invocation.owner, default: Tenant()].active -= 1
        if functions[function].reserved == nil { activeUnreserved -= 1 }
        functions[function].active -= 1
        let left = functions[function].activeByOwner[invocation.owner, default: 0] - 1
        functions[function].activeByOwner[invocation.owner] = left > 0 ? left : nil
    }

    mutating func changeWaiting(_ invocation: Invocation, by change: Int) {
        waiting += change
        pools[invocation.pool].waiting += change
        owners[OwnerKey(pool: invocation.pool, owner: invocation.owner), default: Owner()].waiting += change
    }

    mutating func reserve(_ reserved: Int?, function: Int) {
        let before = functions[function].reserved
        reservedSum += (reserved ?? 0) - (before ?? 0)
        if (before == nil) != (reserved == nil) {
            activeUnreserved += reserved == nil ? functions[function].active : -functions[function].active
        }
        functions[function].reserved = reserved
        functions[function].wasReservationChanged = true
    }

    /// What the limits say to one more invocation.
    mutating func refusal(
        pool: Int, owner: EnvironmentOwner, now: Moment, _ configuration: SchedulerConfiguration
    ) -> Throttle? {
        if pools[pool].isRetired || pools[pool].memoryMiB > configuration.memoryMiBMax { return .capacity }
        let function = functions[pools[pool].function]
        if let reserved = function.reserved {
            if function.active >= reserved { return .reservedConcurrency }
        } else if activeUnreserved + reservedSum >= configuration.accountConcurrencyMax {
            return .accountConcurrency
        }
        if let most = configuration.tenantConcurrencyMax, owner.tenant != nil,
            function.activeByOwner[owner, default: 0] >= most
        {
            return .tenantConcurrency
        }
        return owner.tenant == nil ? nil : tenantRefusal(owner, now: now)
    }

    private mutating func tenantRefusal(_ owner: EnvironmentOwner, now: Moment) -> Throttle? {
        var tenant = tenants[owner] ?? Tenant()
        if tenant.isSuspended { return .tenantSuspended }
        guard let limits = tenant.limits else { return nil }
        if let most = limits.concurrencyMax, tenant.active >= most { return .tenantConcurrency }
        guard let rate = limits.ratePerSecondMax else { return nil }
        let interval = Int64(1e9 / rate)
        let due = max(tenant.rateDue, now.nanoseconds)
        if due - now.nanoseconds > interval * Int64(limits.rateBurst - 1) { return .tenantRate }
        tenant.rateDue = due + interval
        tenants[owner] = tenant
        return nil
    }
}
