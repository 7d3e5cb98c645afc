import BasicContainers
import DequeModule
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
            /// On behalf of the owner with this queue.
            case starting(queue: Int)
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
        /// The function's slot in the ledger.
        let function: Int
        /// The most it may use.
        let limitMiB: Int
        var state: State
        var bound: BoundEnvironment?
        /// The number of its owner's queue, once bound.
        var queue: Int?
        var idleSince = Moment(nanoseconds: 0)
        var finishingSince = Moment(nanoseconds: 0)
        var isFrozen = false
        /// What it is counted with: its limit while it may use it, what it holds once frozen.
        var countedMiB: Int
        var hasKeepAliveTimer = false

        var isEvictable: Bool { state == .idle || state == .unbound }
        var evictableMiB: Int { isEvictable ? countedMiB : 0 }

        /// Changes itself; returns by how much what it counts for has grown.
        mutating func apply(_ change: (inout Environment) -> Void) -> (countedMiB: Int, evictableMiB: Int) {
            let before = (countedMiB, evictableMiB)
            change(&self)
            return (countedMiB - before.0, evictableMiB - before.1)
        }
    }

    struct Invocation {
        let pool: PoolNumber
        /// The function's slot in the ledger.
        let function: Int
        let owner: EnvironmentOwner
        /// The number of its owner's queue.
        let queue: Int
        let waitingSince: Moment
        var isWaiting = false
    }

    struct Timer: Comparable {
        enum Kind: Equatable {
            case keepAlive(EnvironmentNumber)
            case wait(PoolNumber)
        }

        let at: Moment
        let kind: Kind

        static func < (lhs: Timer, rhs: Timer) -> Bool { lhs.at < rhs.at }
    }

    /// Timers that all have the same delay are queues: the first one in is the first one due. One whose cause is
    /// over is ignored.
    struct DelayEntry {
        let at: Moment
        let number: EnvironmentNumber
    }

    struct IdleEntry {
        let number: EnvironmentNumber
        let since: Moment
    }

    public let configuration: SchedulerConfiguration
    var pools: [PoolNumber: Pool] = [:]
    var queues = Slots<OwnerQueue>()
    var environments: [EnvironmentNumber: Environment] = [:]
    var invocations: [InvocationNumber: Invocation] = [:]
    var unbound = UniqueArray<UnboundEnvironment>()
    /// Longest idle first; may hold ones that are idle no longer, or again.
    var idleOrder = Deque<IdleEntry>()
    var ledger: ConcurrencyLedger
    var starts = StartQueue()
    var startsInProgress = 0
    var memoryMiB = 0
    var evictableMiB = 0
    var waitingCount = 0
    var timers = Heap<Timer>()
    var freezeTimers = Deque<DelayEntry>()
    var finishingTimers = Deque<DelayEntry>()
    var recoveringTimers = Deque<DelayEntry>()
    private var lastPool = 0
    private var lastEnvironment = 0

    public init(configuration: SchedulerConfiguration) {
        self.configuration = configuration
        self.ledger = ConcurrencyLedger(configuration: configuration)
    }

    // MARK: Functions

    /// Opens the pool of one function version at one revision.
    public mutating func openPool(_ key: PoolKey, memoryMiB: Int, isTenantIsolated: Bool) -> PoolNumber {
        lastPool += 1
        let number = PoolNumber(lastPool)
        pools[number] = Pool(
            key: key, memoryMiB: memoryMiB, isTenantIsolated: isTenantIsolated,
            function: ledger.open(key.version.function))
        return number
    }

    /// Nil takes the reservation away; 0 throttles everything.
    public mutating func setReservedConcurrency(_ reserved: Int?, for function: FunctionKey) {
        ledger.setReserved(reserved, for: function)
    }

    /// Ends the pool: idle environments go now, busy ones after their invocation; invocations that wait are served,
    /// new ones are refused.
    public mutating func retire(_ number: PoolNumber, now: Moment, into effects: inout [SchedulerEffect]) {
        guard let queueNumbers = pools[number]?.queues.values else { return }
        pools[number]?.isRetired = true
        var free = queueNumbers.flatMap { queues[$0]?.idle ?? [] }
        for index in 0..<unbound.count where environments[unbound[index].number]?.pool == number {
            free.append(unbound[index].number)
        }
        for environment in free.sorted() { destroy(environment, .retired, into: &effects) }
        pumpStarts(now: now, into: &effects)
        closeIfUnused(number)
    }

    // MARK: Invocations

    /// A request to run `invocation` for `owner`. Ends in `run`, `refuse` or `failStart`, at once or later.
    /// A pool that is retired, or whose environments are larger than all memory, refuses it.
    public mutating func invoke(
        _ invocation: InvocationNumber, pool number: PoolNumber, owner: EnvironmentOwner, now: Moment,
        into effects: inout [SchedulerEffect]
    ) {
        guard let function = openFunction(of: number) else {
            effects.append(.refuse(invocation, .capacity))
            return
        }
        if let refusal = ledger.refusal(function, owner: owner) {
            effects.append(.refuse(invocation, refusal))
            return
        }
        ledger.begin(function, owner: owner)
        let queue = queueNumber(of: owner, in: number)
        invocations[invocation] = Invocation(
            pool: number, function: function, owner: owner, queue: queue, waitingSince: now)
        if let idle = queues[queue]?.idle.popLast() {
            run(invocation, on: idle, into: &effects)
        } else if let ready = bindUnbound(in: number, queue: queue) {
            run(invocation, on: ready, into: &effects)
        } else {
            wait(invocation, now: now, into: &effects)
        }
    }

    /// The environment has answered its invocation (or the invocation failed without harm to the environment).
    public mutating func invocationAnswered(
        by number: EnvironmentNumber, now: Moment, into effects: inout [SchedulerEffect]
    ) {
        guard let environment = environments[number], case .busy(let invocation) = environment.state else { return }
        end(invocation)
        joinFinishing(environment)
        update(number) {
            $0.state = .finishing
            $0.finishingSince = now
        }
        finishingTimers.append(DelayEntry(at: now + configuration.finishingMax, number: number))
    }

    /// The invocation is over, but the environment's processes must be restarted before the next one. An environment
    /// that serves nobody yet isn't worth it and is destroyed.
    public mutating func environmentRecovering(
        _ number: EnvironmentNumber, now: Moment, into effects: inout [SchedulerEffect]
    ) {
        guard let environment = environments[number] else { return }
        switch environment.state {
        case .busy(let invocation):
            end(invocation)
            joinFinishing(environment)
        case .idle:
            leaveIdle(number, environment)
            joinFinishing(environment)
        case .lingering: joinFinishing(environment)
        case .finishing, .recovering: break
        case .starting: return
        case .unbound:
            destroy(number, .failed, into: &effects)
            pumpStarts(now: now, into: &effects)
            return
        }
        update(number) {
            $0.state = .recovering
            $0.finishingSince = now
            $0.isFrozen = false
            $0.countedMiB = $0.limitMiB
        }
        recoveringTimers.append(DelayEntry(at: now + configuration.recoveringMax, number: number))
        startForWaiting(environment, now: now, into: &effects)
    }

    /// The environment asks for its next invocation.
    public mutating func environmentReleased(
        _ number: EnvironmentNumber, now: Moment, into effects: inout [SchedulerEffect]
    ) {
        guard let environment = environments[number], let queue = environment.queue else { return }
        switch environment.state {
        case .finishing, .recovering: leaveFinishing(environment)
        case .lingering: break
        case .starting, .unbound, .idle, .busy: return
        }
        if let next = takeWaiting(queue) {
            run(next, on: number, into: &effects)
            return
        }
        if pools[environment.pool]?.isRetired == true {
            update(number) { $0.state = .lingering }
            destroy(number, .retired, into: &effects)
            closeIfUnused(environment.pool)
        } else {
            queues[queue]?.idle.append(number)
            becomeIdle(number, .idle, now: now)
        }
        pumpStarts(now: now, into: &effects)
    }

    // MARK: Environments

    /// An environment that was to be started is initialised and asks for its first invocation.
    public mutating func environmentReady(
        _ number: EnvironmentNumber, now: Moment, into effects: inout [SchedulerEffect]
    ) {
        guard let environment = environments[number], case .starting(let queue) = environment.state else { return }
        endStart(queue: queue)
        let ready = UnboundEnvironment(number)
        if let next = takeWaiting(preferring: queue, in: environment.pool) {
            bind(ready, queue: next.queue)
            run(next.invocation, on: number, into: &effects)
        } else if pools[environment.pool]?.isRetired == true {
            _ = consume ready
            destroy(number, .retired, into: &effects)
        } else {
            unbound.append(ready)
            pools[environment.pool]?.unboundCount += 1
            becomeIdle(number, .unbound, now: now)
        }
        dropIfUnused(queue)
        pumpStarts(now: now, into: &effects)
        closeIfUnused(environment.pool)
    }

    /// The environment is gone: it failed to start, its sandbox died, or the shell gave it up. Its invocation, if it
    /// had one, has been answered by the shell.
    public mutating func environmentLost(
        _ number: EnvironmentNumber, now: Moment, into effects: inout [SchedulerEffect]
    ) {
        guard let environment = environments[number] else { return }
        if case .starting(let queue) = environment.state {
            endStart(queue: queue)
            if queues[queue]?.uncovered ?? 0 > 0, let waiting = takeWaiting(queue) {
                end(waiting)
                effects.append(.failStart(waiting, number))
            }
            dropIfUnused(queue)
        }
        remove(number)
        startForWaiting(environment, now: now, into: &effects)
        closeIfUnused(environment.pool)
    }

    /// What a frozen environment really holds; it is counted with that until it runs again.
    public mutating func environmentHolds(
        _ number: EnvironmentNumber, memoryMiB held: Int, now: Moment, into effects: inout [SchedulerEffect]
    ) {
        guard let environment = environments[number], environment.isFrozen, environment.isEvictable else { return }
        update(number) { $0.countedMiB = min(max(held, 0), $0.limitMiB) }
        pumpStarts(now: now, into: &effects)
    }

    // MARK: Time

    /// Does what has fallen due.
    public mutating func advance(to now: Moment, into effects: inout [SchedulerEffect]) {
        while let first = finishingTimers.first, first.at <= now {
            finishingTimers.removeFirst()
            lingerIfDue(first.number, now: now, into: &effects)
        }
        while let first = recoveringTimers.first, first.at <= now {
            recoveringTimers.removeFirst()
            lingerIfDue(first.number, now: now, into: &effects)
        }
        while let first = freezeTimers.first, first.at <= now {
            freezeTimers.removeFirst()
            freezeIfDue(first.number, now: now, into: &effects)
        }
        while let timer = timers.min, timer.at <= now {
            timers.removeMin()
            switch timer.kind {
            case .keepAlive(let number): reapIfDue(number, now: now, into: &effects)
            case .wait(let number): expireWaiting(in: number, now: now, into: &effects)
            }
        }
    }

    /// When `advance` has something to do next; nil for never.
    public var nextDeadline: Moment? {
        let delays = earlier(finishingTimers.first?.at, recoveringTimers.first?.at)
        return earlier(timers.min?.at, earlier(freezeTimers.first?.at, delays))
    }

    private func earlier(_ one: Moment?, _ other: Moment?) -> Moment? {
        guard let one, let other else { return one ?? other }
        return min(one, other)
    }

    mutating func nextEnvironmentNumber() -> EnvironmentNumber {
        lastEnvironment += 1
        return EnvironmentNumber(lastEnvironment)
    }
}
