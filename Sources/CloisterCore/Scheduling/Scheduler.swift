import BasicContainers
import HeapModule

/// Decides which environment serves which invocation. Pure: events come in with the time, effects come out; no
/// clock, no I/O, no randomness. The server, the tests and the simulation run this same code.
///
/// An environment's way:
///
///     starting ──ready──> unbound ──bind──> busy ──answered──> finishing ──released──> idle
///        │                   │               ^ │                   │(too slow)           │
///        │                   │               │ └─broken─> recovering  lingering          │
///        │                   │               └───────────────────────────────────────────┘
///        └─lost──> gone <────┴── lost, evicted, idle too long, retired
///
/// Binding consumes an `UnboundEnvironment`; a bound environment serves its owner until it is gone.
public struct Scheduler: ~Copyable {
    struct Environment {
        enum State: Equatable {
            case starting(for: EnvironmentOwner)
            case unbound
            case idle
            case busy(InvocationNumber)
            /// Has answered; will ask for its next invocation in a moment.
            case finishing
            /// Has answered, but takes its time; nobody counts on it.
            case lingering
            /// Its processes are being restarted after a failure.
            case recovering
        }

        let pool: PoolNumber
        var state: State
        var bound: BoundEnvironment?
        var idleSince = Moment(nanoseconds: 0)
        var isFrozen = false
        /// What it is counted with: its limit while it may use it, what it holds once frozen.
        var countedMiB: Int
        var hasFreezeTimer = false
        var hasKeepAliveTimer = false
        var hasFinishingTimer = false
    }

    struct Invocation {
        let pool: PoolNumber
        let owner: EnvironmentOwner
        let waitingSince: Moment
    }

    struct Timer: Comparable {
        enum Kind: Equatable {
            case freeze(EnvironmentNumber)
            case keepAlive(EnvironmentNumber)
            case finishing(EnvironmentNumber)
            case wait(PoolNumber)
        }

        let at: Moment
        let kind: Kind

        static func < (lhs: Timer, rhs: Timer) -> Bool { lhs.at < rhs.at }
    }

    public let configuration: SchedulerConfiguration
    var pools: [PoolNumber: Pool] = [:]
    var environments: [EnvironmentNumber: Environment] = [:]
    var invocations: [InvocationNumber: Invocation] = [:]
    var unbound = UniqueArray<UnboundEnvironment>()
    var ledger = ConcurrencyLedger()
    var starts = StartQueue()
    var startsInProgress = 0
    var memoryMiB = 0
    var waitingCount = 0
    var timers = Heap<Timer>()
    private var lastPool = 0
    private var lastEnvironment = 0

    public init(configuration: SchedulerConfiguration) {
        self.configuration = configuration
    }

    // MARK: Functions

    /// Opens the pool of one function version at one revision.
    public mutating func openPool(_ key: PoolKey, memoryMiB: Int, isTenantIsolated: Bool) -> PoolNumber {
        lastPool += 1
        let number = PoolNumber(lastPool)
        pools[number] = Pool(key: key, memoryMiB: memoryMiB, isTenantIsolated: isTenantIsolated)
        return number
    }

    /// Nil takes the reservation away; 0 throttles everything.
    public mutating func setReservedConcurrency(_ reserved: Int?, for function: FunctionKey) {
        ledger.setReserved(reserved, for: function)
    }

    /// Ends the pool: idle environments go now, busy ones after their invocation; invocations that wait are served.
    public mutating func retire(_ number: PoolNumber, now: Moment, into effects: inout [SchedulerEffect]) {
        guard pools[number] != nil else { return }
        pools[number]?.isRetired = true
        let free = environments.filter { $0.value.pool == number && ($0.value.state == .idle || $0.value.state == .unbound) }
        for environment in free.keys.sorted() { destroy(environment, .retired, into: &effects) }
        pumpStarts(now: now, into: &effects)
        closeIfUnused(number)
    }

    // MARK: Invocations

    /// A request to run `invocation` for `owner`. Ends in `run`, `refuse` or `failStart`, at once or later.
    public mutating func invoke(
        _ invocation: InvocationNumber, pool number: PoolNumber, owner: EnvironmentOwner, now: Moment,
        into effects: inout [SchedulerEffect]
    ) {
        guard let function = pools[number]?.function else {
            effects.append(.refuse(invocation, .capacity))
            return
        }
        if let refusal = ledger.refusal(function: function, owner: owner, configuration: configuration) {
            effects.append(.refuse(invocation, refusal))
            return
        }
        ledger.begin(function: function, owner: owner)
        invocations[invocation] = Invocation(pool: number, owner: owner, waitingSince: now)
        if let idle = pools[number]?.takeIdle(of: owner) {
            run(invocation, on: idle, into: &effects)
        } else if let bound = bindUnbound(in: number, to: owner) {
            run(invocation, on: bound.number, into: &effects)
        } else {
            wait(invocation, now: now, into: &effects)
        }
    }

    /// The environment has answered its invocation (or the invocation failed without harm to the environment).
    public mutating func invocationAnswered(
        by number: EnvironmentNumber, now: Moment, into effects: inout [SchedulerEffect]
    ) {
        guard let environment = environments[number], let owner = endInvocation(of: environment) else { return }
        environments[number]?.state = .finishing
        pools[environment.pool]?.changeFinishing(of: owner, by: 1)
        guard !environment.hasFinishingTimer else { return }
        environments[number]?.hasFinishingTimer = true
        timers.insert(Timer(at: now + configuration.finishingMax, kind: .finishing(number)))
    }

    /// The invocation is over, but the environment's processes must be restarted before the next one.
    public mutating func environmentRecovering(
        _ number: EnvironmentNumber, now: Moment, into effects: inout [SchedulerEffect]
    ) {
        guard let environment = environments[number] else { return }
        switch environment.state {
        case .busy: _ = endInvocation(of: environment)
        case .finishing: leaveFinishing(environment)
        case .idle:
            if let owner = environment.bound?.owner { pools[environment.pool]?.removeIdle(number, owner: owner) }
        case .lingering, .recovering: break
        case .starting, .unbound: return
        }
        environments[number]?.state = .recovering
        startForWaiting(environment, now: now, into: &effects)
    }

    /// The environment asks for its next invocation.
    public mutating func environmentReleased(
        _ number: EnvironmentNumber, now: Moment, into effects: inout [SchedulerEffect]
    ) {
        guard let environment = environments[number], let owner = environment.bound?.owner else { return }
        switch environment.state {
        case .finishing: leaveFinishing(environment)
        case .lingering, .recovering: break
        case .starting, .unbound, .idle, .busy: return
        }
        environments[number]?.state = .idle
        if let next = takeWaiting(in: environment.pool, owner: owner) {
            run(next, on: number, into: &effects)
        } else if pools[environment.pool]?.isRetired == true {
            destroy(number, .retired, into: &effects)
            closeIfUnused(environment.pool)
        } else {
            pools[environment.pool]?.owners[owner, default: Pool.Owner()].idle.append(number)
            becomeIdle(number, now: now)
        }
    }

    // MARK: Environments

    /// An environment that was to be started is initialised and asks for its first invocation.
    public mutating func environmentReady(
        _ number: EnvironmentNumber, now: Moment, into effects: inout [SchedulerEffect]
    ) {
        guard let environment = environments[number], case .starting(let owner) = environment.state else { return }
        endStart(of: owner, in: environment.pool)
        environments[number]?.state = .unbound
        let ready = UnboundEnvironment(number)
        if let next = takeWaitingPreferring(owner, in: environment.pool) {
            let bound = ready.bind(to: next.owner)
            environments[number]?.bound = bound
            run(next.invocation, on: number, into: &effects)
        } else if pools[environment.pool]?.isRetired == true {
            _ = consume ready
            destroy(number, .retired, into: &effects)
        } else {
            unbound.append(ready)
            pools[environment.pool]?.unboundCount += 1
            becomeIdle(number, now: now)
        }
        pumpStarts(now: now, into: &effects)
        closeIfUnused(environment.pool)
    }

    /// The environment is gone: it failed to start, its sandbox died, or the shell gave it up. Its invocation, if it
    /// had one, has been answered by the shell.
    public mutating func environmentLost(
        _ number: EnvironmentNumber, now: Moment, into effects: inout [SchedulerEffect]
    ) {
        guard let environment = environments[number] else { return }
        if case .starting(let owner) = environment.state {
            endStart(of: owner, in: environment.pool)
            if pools[environment.pool]?.uncovered(owner) ?? 0 > 0,
                let waiting = takeWaiting(in: environment.pool, owner: owner)
            {
                end(waiting)
                effects.append(.failStart(waiting, number))
            }
        }
        remove(number)
        startForWaiting(environment, now: now, into: &effects)
        pumpStarts(now: now, into: &effects)
        closeIfUnused(environment.pool)
    }

    /// What a frozen environment really holds; it is counted with that until it runs again.
    public mutating func environmentHolds(_ number: EnvironmentNumber, memoryMiB held: Int, now: Moment, into effects: inout [SchedulerEffect]) {
        guard let environment = environments[number], environment.state == .idle || environment.state == .unbound,
            let limit = pools[environment.pool]?.memoryMiB
        else { return }
        count(number, as: min(max(held, 0), limit))
        pumpStarts(now: now, into: &effects)
    }

    // MARK: Time

    /// Does what has fallen due.
    public mutating func advance(to now: Moment, into effects: inout [SchedulerEffect]) {
        while let timer = timers.min, timer.at <= now {
            timers.removeMin()
            switch timer.kind {
            case .freeze(let number): freezeIfDue(number, now: now, into: &effects)
            case .keepAlive(let number): reapIfDue(number, now: now, into: &effects)
            case .finishing(let number): lingerIfDue(number, now: now, into: &effects)
            case .wait(let number): expireWaiting(in: number, now: now, into: &effects)
            }
        }
    }

    /// When `advance` has something to do next; nil for never.
    public var nextDeadline: Moment? { timers.min?.at }

    mutating func nextEnvironmentNumber() -> EnvironmentNumber {
        lastEnvironment += 1
        return EnvironmentNumber(lastEnvironment)
    }
}
