import CloisterCore

/// A scheduler with a clock in milliseconds; every call returns the effects it had.
struct SchedulerHarness: ~Copyable {
    var scheduler: Scheduler
    var milliseconds: Int64 = 0
    private var lastInvocation = 0
    private var revision = 0

    init(_ change: (inout SchedulerConfiguration) -> Void = { _ in }) {
        var configuration = SchedulerConfiguration()
        change(&configuration)
        scheduler = Scheduler(configuration: configuration)
    }

    static func owner(_ name: String) -> EnvironmentOwner { EnvironmentOwner(TenantID(name)) }

    private var now: Moment { Moment(nanoseconds: milliseconds * 1_000_000) }

    mutating func open(_ name: String = "f", memoryMiB: Int = 128, isolated: Bool = true) -> PoolNumber {
        revision += 1
        let version = FunctionVersionKey(function: FunctionKey(region: "r", name: name), version: .latest)
        return scheduler.openPool(
            PoolKey(version: version, revision: "\(revision)"), memoryMiB: memoryMiB, isTenantIsolated: isolated)
    }

    /// Invokes for a tenant; the invocation's number is `last`.
    mutating func invoke(_ pool: PoolNumber, _ tenant: String?) -> [SchedulerEffect] {
        lastInvocation += 1
        let number = last
        return effects { scheduler, now, effects in
            scheduler.invoke(
                number, pool: pool, owner: tenant.map(Self.owner) ?? .function, now: now,
                into: &effects)
        }
    }

    var last: InvocationNumber { InvocationNumber(lastInvocation) }

    mutating func ready(_ number: Int) -> [SchedulerEffect] {
        effects { $0.environmentReady(EnvironmentNumber(number), now: $1, into: &$2) }
    }

    mutating func answered(_ number: Int) -> [SchedulerEffect] {
        effects { $0.invocationAnswered(by: EnvironmentNumber(number), now: $1, into: &$2) }
    }

    mutating func released(_ number: Int) -> [SchedulerEffect] {
        effects { $0.environmentReleased(EnvironmentNumber(number), now: $1, into: &$2) }
    }

    mutating func recovering(_ number: Int) -> [SchedulerEffect] {
        effects { $0.environmentRecovering(EnvironmentNumber(number), now: $1, into: &$2) }
    }

    mutating func lost(_ number: Int) -> [SchedulerEffect] {
        effects { $0.environmentLost(EnvironmentNumber(number), now: $1, into: &$2) }
    }

    mutating func holds(_ number: Int, _ memoryMiB: Int) -> [SchedulerEffect] {
        effects { $0.environmentHolds(EnvironmentNumber(number), memoryMiB: memoryMiB, now: $1, into: &$2) }
    }

    mutating func provision(_ pool: PoolNumber, _ count: Int) -> [SchedulerEffect] {
        effects { $0.setProvisioned(pool, count, now: $1, into: &$2) }
    }

    mutating func reserve(_ tenant: TenantID, _ pool: PoolNumber, _ count: Int) -> [SchedulerEffect] {
        effects { $0.setReservation(tenant, pool, count, now: $1, into: &$2) }
    }

    mutating func suspend(_ tenant: TenantID) -> [SchedulerEffect] {
        effects { $0.suspend(tenant, now: $1, into: &$2) }
    }

    mutating func reinstate(_ tenant: TenantID) -> [SchedulerEffect] {
        effects { $0.reinstate(tenant, now: $1, into: &$2) }
    }

    mutating func retire(_ pool: PoolNumber) -> [SchedulerEffect] {
        effects { $0.retire(pool, now: $1, into: &$2) }
    }

    /// Answers and releases.
    mutating func done(_ number: Int) -> [SchedulerEffect] {
        let first = answered(number)
        return first + released(number)
    }

    mutating func reserve(_ reserved: Int?, _ name: String = "f") {
        scheduler.setReservedConcurrency(reserved, for: FunctionKey(region: "r", name: name))
    }

    /// Lets time pass, stopping at every deadline on the way.
    mutating func pass(_ span: Int64) -> [SchedulerEffect] {
        let end = milliseconds + span
        var all: [SchedulerEffect] = []
        while let next = scheduler.nextDeadline, next.nanoseconds <= end * 1_000_000 {
            milliseconds = max(milliseconds, (next.nanoseconds + 999_999) / 1_000_000)
            all += effects { $0.advance(to: $1, into: &$2) }
        }
        milliseconds = end
        return all
    }

    private mutating func effects(
        _ call: (inout Scheduler, Moment, inout [SchedulerEffect]) -> Void
    ) -> [SchedulerEffect] {
        var effects: [SchedulerEffect] = []
        call(&scheduler, now, &effects)
        return effects
    }
}

/// What an effect is about, short enough to compare in a test.
func short(_ effects: [SchedulerEffect]) -> [String] {
    effects.map { effect in
        switch effect {
        case .start(let number, _): "start \(number)"
        case .run(let invocation, let bound, let isFrozen):
            "run \(invocation.rawValue) on \(bound.number) of \(bound.owner.tenant?.rawValue ?? "function")"
                + (isFrozen ? " frozen" : "")
        case .refuse(let invocation, let throttle): "refuse \(invocation.rawValue) \(throttle)"
        case .failStart(let invocation, let number): "fail \(invocation.rawValue) with \(number)"
        case .freeze(let number): "freeze \(number)"
        case .bind(let bound): "bind \(bound.number) to \(bound.owner.tenant?.rawValue ?? "function")"
        case .hibernate(let number): "hibernate \(number)"
        case .resume(let number): "resume \(number)"
        case .destroy(let number, let reason): "destroy \(number) \(reason)"
        }
    }
}
