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
/// Binding consumes an `UnboundEnvironment`; a bound environment serves its owner until it is gone. Idle environments
/// are frozen, then hibernated where the keep-alive policy says so; both end with the next invocation.
///
/// Environments are started for invocations that wait, and ahead of them: for provisioned concurrency (unbound), for a
/// tenant's reservation and for a call that is expected (both bound as soon as they are ready).
public struct Scheduler: ~Copyable {
    struct Environment {
        enum State: Equatable {
            case starting(StartPurpose)
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
        /// Whose memory this is, as a slot among the holders: the function's until it is bound, then its owner's.
        var holder: Int
        var startedAt: Moment
        var state: State
        var bound: BoundEnvironment?
        /// The number of its owner's queue, once bound.
        var queue: Int?
        var idleSince = Moment(nanoseconds: 0)
        var finishingSince = Moment(nanoseconds: 0)
        var isFrozen = false
        /// What it is counted with: its limit while it may use it, what it holds once frozen.
        var countedMiB: Int
        /// When its keep-alive is looked at next; a timer for another moment is stale.
        var keepAliveAt: Moment?
        var hasEvictionEntry = false
        /// Always frozen too.
        var isHibernated = false
        /// Neither evicted nor reaped nor hibernated, while it is idle: provisioned concurrency, or a reservation.
        var isKept = false
        /// Counted among the pool's provisioned ones.
        var isProvisioned = false
        /// Began as one of them.
        var wasProvisioned = false
        /// Made ready for a call that was expected at this moment.
        var expectedUntil: Moment?
        /// Where it is among `unbound`.
        var unboundIndex = 0
        /// Invocations so far.
        var uses = 0
        /// What it costs to start another one, in milliseconds.
        var startCost: Float = 1
        /// The evictions' clock when it last became idle, and its priority: the lowest one is evicted first.
        var clock = 0.0
        var priority = 0.0

        var isResting: Bool { state == .idle || state == .unbound }
        var isEvictable: Bool { isResting && !isKept }
        var evictableMiB: Int { isEvictable ? countedMiB : 0 }

        /// Greedy-Dual with frequency, cost and size, as FaasCache orders what it keeps.
        mutating func prioritise() {
            let value = Double(uses) * Double(startCost) / Double(max(countedMiB, 1))
            priority = max(priority, clock + value)
        }

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
        let holder: Int
        let waitingSince: Moment
        var isWaiting = false
    }

    struct Timer: Comparable {
        enum Kind: Equatable {
            case keepAlive(EnvironmentNumber)
            case wait(PoolNumber)
            /// An environment that may take longer than usual to return.
            case linger(EnvironmentNumber)
            case replenish(PoolNumber)
            /// The owner with this history is expected to call; unless it has called since.
            case predict(pool: PoolNumber, owner: EnvironmentOwner, last: Moment)
            /// Starts that found no room are looked at again.
            case pump
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

    struct EvictionEntry: Comparable {
        /// Its priority when the entry was made; it may have grown.
        let priority: Double
        let number: EnvironmentNumber

        static func < (lhs: EvictionEntry, rhs: EvictionEntry) -> Bool {
            (lhs.priority, lhs.number) < (rhs.priority, rhs.number)
        }
    }

    /// What is remembered of one owner of one function, whatever its versions.
    struct HistoryKey: Hashable {
        /// The function's slot in the ledger.
        let function: Int
        let owner: EnvironmentOwner
    }

    struct HistoryEntry {
        let key: HistoryKey
        var history = ArrivalHistory()
        /// Queues that refer to it.
        var links = 0
    }

    public let configuration: SchedulerConfiguration
    var pools: [PoolNumber: Pool] = [:]
    var queues = Slots<OwnerQueue>()
    var environments: [EnvironmentNumber: Environment] = [:]
    var invocations: [InvocationNumber: Invocation] = [:]
    var unbound = UniqueArray<UnboundEnvironment>()
    /// At most one entry an environment; ones of environments that are gone or not idle are ignored.
    var evictions = Heap<EvictionEntry>()
    /// The priority of what was evicted last: what is used now outlives what is as old as that.
    var evictionClock = 0.0
    var holders = Slots<Holder>()
    var holderSlots: [StartQueue.Claimant: Int] = [:]
    /// Holders that hold memory.
    var holdingCount = 0
    var histories = Slots<HistoryEntry>()
    var historySlots: [HistoryKey: Int] = [:]
    var historyHand = 0
    var hasPumpTimer = false
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
        let function = ledger.open(key.version.function)
        let holder = openHolder(.function(function))
        pools[number] = Pool(
            key: key, memoryMiB: memoryMiB, isTenantIsolated: isTenantIsolated, function: function, holder: holder)
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
        for queue in pools[number]?.reservedQueues ?? [] { dropReservation(queue) }
        pools[number]?.reservedQueues = []
        pools[number]?.provisioned.requested = 0
        let free = queueNumbers.flatMap { queues[$0]?.idle ?? [] } + (pools[number]?.unbound ?? [])
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
        let queue = queueNumber(of: owner, in: number)
        guard let holder = queues[queue]?.holder else { return }
        if let refusal = ledger.refusal(function, owner: owner) ?? admit(holder, now: now) {
            effects.append(.refuse(invocation, refusal))
            return dropIfUnused(queue)
        }
        ledger.begin(function, owner: owner)
        holders[holder]?.active += 1
        if let history = queues[queue]?.history { histories[history]?.history.arrived(now: now) }
        invocations[invocation] = Invocation(
            pool: number, function: function, owner: owner, queue: queue, holder: holder, waitingSince: now)
        if let idle = queues[queue]?.idle.popLast() {
            run(invocation, on: idle, into: &effects)
        } else if let ready = bindUnbound(in: number, queue: queue) {
            run(invocation, on: ready, into: &effects)
            if lacksProvisioned(number) { replenish(number, now: now, into: &effects) }
        } else {
            countSpillover(in: number)
            wait(invocation, now: now, into: &effects)
        }
    }

    /// The environment has answered its invocation (or the invocation failed without harm to the environment).
    public mutating func invocationAnswered(
        by number: EnvironmentNumber, now: Moment, into effects: inout [SchedulerEffect]
    ) {
        guard let environment = environments[number], case .busy(let invocation) = environment.state else { return }
        end(invocation)
        leaveProvisioned(environment)
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
            leaveProvisioned(environment)
            joinFinishing(environment)
        case .idle:
            leaveIdle(number, environment)
            joinFinishing(environment)
        case .lingering: joinFinishing(environment)
        case .finishing, .recovering: break
        case .starting: return
        case .unbound:
            destroy(number, .failed, into: &effects)
            replenish(environment.pool, now: now, into: &effects)
            pumpStarts(now: now, into: &effects)
            return
        }
        update(number) {
            $0.state = .recovering
            $0.finishingSince = now
            $0.isFrozen = false
            $0.isHibernated = false
            $0.isKept = false
            $0.countedMiB = $0.limitMiB
        }
        recoveringTimers.append(DelayEntry(at: now + configuration.recoveringMax, number: number))
        startForWaiting(environment.queue, now: now, into: &effects)
    }

    /// The environment asks for its next invocation.
    public mutating func environmentReleased(
        _ number: EnvironmentNumber, now: Moment, into effects: inout [SchedulerEffect]
    ) {
        guard let environment = environments[number], let queue = environment.queue else { return }
        switch environment.state {
        case .finishing:
            leaveFinishing(environment)
            queues[queue]?.returned(in: now - environment.finishingSince)
        case .recovering: leaveFinishing(environment)
        case .lingering: queues[queue]?.returned(in: now - environment.finishingSince)
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
            rest(number, in: queue, now: now)
        }
        pumpStarts(now: now, into: &effects)
    }

    // MARK: Environments

    /// An environment that was to be started is initialised and asks for its first invocation.
    public mutating func environmentReady(
        _ number: EnvironmentNumber, now: Moment, into effects: inout [SchedulerEffect]
    ) {
        guard let environment = environments[number], case .starting(let purpose) = environment.state else { return }
        endStart(environment.pool, purpose)
        let took = now - environment.startedAt
        pools[environment.pool]?.started(in: took)
        pools[environment.pool]?.failures = 0
        pools[environment.pool]?.provisioned.failedStarts = 0
        update(number) { $0.startCost = Float(max(took.milliseconds, 1)) }
        place(UnboundEnvironment(number), purpose, in: environment.pool, now: now, into: &effects)
        if let queue = purpose.queue { dropIfUnused(queue) }
        if lacksProvisioned(environment.pool) { replenish(environment.pool, now: now, into: &effects) }
        pumpStarts(now: now, into: &effects)
        closeIfUnused(environment.pool)
    }

    /// Gives a new environment to whom it is for, or to who waits, or to nobody.
    private mutating func place(
        _ ready: consuming UnboundEnvironment, _ purpose: StartPurpose, in pool: PoolNumber, now: Moment,
        into effects: inout [SchedulerEffect]
    ) {
        let number = ready.number
        if let queue = purpose.queue, let next = takeWaiting(queue) {
            bind(ready, queue: queue)
            run(next, on: number, into: &effects)
        } else if pools[pool]?.isRetired != true, let queue = ownerAhead(purpose) {
            bind(ready, queue: queue)
            if let bound = environments[number]?.bound { effects.append(.bind(bound)) }
            if case .predicted = purpose { expectCall(number, queue: queue, now: now) }
            rest(number, in: queue, now: now)
        } else if let next = takeLongestWaiting(in: pool) {
            bind(ready, queue: next.queue)
            run(next.invocation, on: number, into: &effects)
        } else if pools[pool]?.isRetired == true {
            _ = consume ready
            destroy(number, .retired, into: &effects)
        } else {
            shelve(ready, in: pool, now: now)
        }
    }

    /// The environment is gone: it failed to start, its sandbox died, or the shell gave it up. Its invocation, if it
    /// had one, has been answered by the shell.
    public mutating func environmentLost(
        _ number: EnvironmentNumber, now: Moment, into effects: inout [SchedulerEffect]
    ) {
        guard let environment = environments[number] else { return }
        if case .starting(let purpose) = environment.state {
            if let holder = pools[environment.pool]?.holder { transfer(number, to: holder) }
            endStart(environment.pool, purpose)
            startFailed(environment.pool, purpose, number, now: now, into: &effects)
            if let queue = purpose.queue { dropIfUnused(queue) }
        }
        remove(number)
        startForWaiting(environment.queue, now: now, into: &effects)
        replenish(environment.pool, now: now, into: &effects)
        closeIfUnused(environment.pool)
    }

    /// What a frozen environment really holds; it is counted with that until it runs again.
    public mutating func environmentHolds(
        _ number: EnvironmentNumber, memoryMiB held: Int, now: Moment, into effects: inout [SchedulerEffect]
    ) {
        guard let environment = environments[number], environment.isFrozen, environment.isResting else { return }
        update(number) {
            $0.countedMiB = min(max(held, 0), $0.limitMiB)
            $0.prioritise()
        }
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
            case .keepAlive(let number): reapIfDue(number, at: timer.at, now: now, into: &effects)
            case .wait(let number): expireWaiting(in: number, now: now, into: &effects)
            case .linger(let number): lingerIfDue(number, now: now, into: &effects)
            case .replenish(let number): replenishIfDue(number, now: now, into: &effects)
            case .predict(let pool, let owner, let last):
                predicted(owner, in: pool, last: last, now: now, into: &effects)
            case .pump:
                hasPumpTimer = false
                pumpStarts(now: now, into: &effects)
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
