import BasicContainers
import DequeModule
import HeapModule

/// Where invocations and environments meet.
extension Scheduler {
    mutating func run(
        _ invocation: InvocationNumber, on number: EnvironmentNumber, into effects: inout [SchedulerEffect]
    ) {
        guard let environment = environments[number], let bound = environment.bound else { return }
        precondition(
            invocations[invocation]?.owner == bound.owner, "an invocation must not enter another's environment")
        update(number) {
            $0.state = .busy(invocation)
            $0.isFrozen = false
            $0.countedMiB = $0.limitMiB
        }
        effects.append(.run(invocation, bound, isFrozen: environment.isFrozen))
    }

    // MARK: Binding

    /// Binds one of the pool's unbound environments, if it has any.
    mutating func bindUnbound(in pool: PoolNumber, queue: Int) -> EnvironmentNumber? {
        guard let ready = takeUnbound(in: pool) else { return nil }
        let number = ready.number
        bind(ready, queue: queue)
        return number
    }

    mutating func bind(_ ready: consuming UnboundEnvironment, queue: Int) {
        guard let owner = queues[queue]?.owner else { return }
        let bound = ready.bind(to: owner)
        queues[queue]?.environments += 1
        update(bound.number) {
            precondition($0.bound == nil, "an environment must not be bound twice")
            $0.bound = bound
            $0.queue = queue
        }
    }

    private mutating func takeUnbound(in pool: PoolNumber) -> UnboundEnvironment? {
        guard pools[pool]?.unboundCount ?? 0 > 0 else { return nil }
        for index in stride(from: unbound.count - 1, through: 0, by: -1)
        where environments[unbound[index].number]?.pool == pool {
            pools[pool]?.unboundCount -= 1
            return unbound.remove(at: index)
        }
        return nil
    }

    // MARK: Waiting

    mutating func wait(_ invocation: InvocationNumber, now: Moment, into effects: inout [SchedulerEffect]) {
        guard let waiting = invocations[invocation] else { return }
        guard waitingCount < configuration.waitingMax else {
            end(invocation)
            dropIfUnused(waiting.queue)
            effects.append(.refuse(invocation, .capacity))
            return
        }
        invocations[invocation]?.isWaiting = true
        queues[waiting.queue]?.waiting.append(invocation)
        pools[waiting.pool]?.arrivals.append(invocation)
        pools[waiting.pool]?.waitingCount += 1
        waitingCount += 1
        if pools[waiting.pool]?.hasWaitTimer == false {
            pools[waiting.pool]?.hasWaitTimer = true
            timers.insert(Timer(at: now + configuration.waitMax, kind: .wait(waiting.pool)))
        }
        guard queues[waiting.queue]?.uncovered ?? 0 > 0 else { return }
        if !requestStart(queue: waiting.queue) {
            refuseWaiting(invocation, .tenantEnvironments, into: &effects)
            return
        }
        pumpStarts(now: now, into: &effects)
    }

    mutating func refuseWaiting(
        _ invocation: InvocationNumber, _ throttle: Throttle, into effects: inout [SchedulerEffect]
    ) {
        guard let waiting = invocations[invocation], waiting.isWaiting else { return }
        if let index = queues[waiting.queue]?.waiting.firstIndex(of: invocation) {
            queues[waiting.queue]?.waiting.remove(at: index)
        }
        leaveWaiting(invocation, in: waiting.pool)
        end(invocation)
        dropIfUnused(waiting.queue)
        effects.append(.refuse(invocation, throttle))
    }

    /// The owner's longest-waiting invocation, which then no longer waits.
    mutating func takeWaiting(_ queue: Int) -> InvocationNumber? {
        guard let pool = queues[queue]?.pool, let invocation = queues[queue]?.waiting.popFirst() else { return nil }
        leaveWaiting(invocation, in: pool)
        return invocation
    }

    /// The longest-waiting invocation of this owner, else of whoever waits longest in this pool.
    mutating func takeWaiting(
        preferring queue: Int, in pool: PoolNumber
    ) -> (invocation: InvocationNumber, queue: Int)? {
        if let invocation = takeWaiting(queue) { return (invocation, queue) }
        guard let first = pools[pool]?.arrivals.first, let other = invocations[first]?.queue,
            let invocation = takeWaiting(other)
        else { return nil }
        return (invocation, other)
    }

    private mutating func leaveWaiting(_ invocation: InvocationNumber, in pool: PoolNumber) {
        invocations[invocation]?.isWaiting = false
        waitingCount -= 1
        pools[pool]?.waitingCount -= 1
        while let first = pools[pool]?.arrivals.first, invocations[first]?.isWaiting != true {
            _ = pools[pool]?.arrivals.popFirst()
        }
    }

    // MARK: Starting

    /// Asks for a new environment; false when the limit of tenant environments forbids it.
    mutating func requestStart(queue: Int) -> Bool {
        guard let owner = queues[queue]?.owner, let number = queues[queue]?.pool,
            let function = pools[number]?.function, let isTenantIsolated = pools[number]?.isTenantIsolated,
            ledger.addEnvironment(function, isTenantIsolated: isTenantIsolated)
        else { return false }
        queues[queue]?.starting += 1
        let claimant: StartQueue.Claimant = owner.tenant.map { .tenant($0) } ?? .function(function)
        starts.push(StartQueue.Request(pool: number, queue: queue), claimant: claimant)
        return true
    }

    /// Starts what the start slots and the memory allow, evicting idle environments for it where needed.
    mutating func pumpStarts(now: Moment, into effects: inout [SchedulerEffect]) {
        while startsInProgress < configuration.startsMax, let request = starts.next {
            if queues[request.queue]?.uncovered ?? 0 < 0 {
                _ = starts.pop()
                cancel(request)
                continue
            }
            guard let needed = pools[request.pool]?.memoryMiB, makeRoom(for: needed, into: &effects) else { return }
            _ = starts.pop()
            start(request, into: &effects)
        }
    }

    /// Whoever asked for this environment has been served otherwise.
    private mutating func cancel(_ request: StartQueue.Request) {
        queues[request.queue]?.starting -= 1
        if let function = pools[request.pool]?.function { ledger.removeEnvironment(function) }
        dropIfUnused(request.queue)
        closeIfUnused(request.pool)
    }

    private mutating func start(_ request: StartQueue.Request, into effects: inout [SchedulerEffect]) {
        guard let pool = pools[request.pool] else { return }
        let (key, memory, function) = (pool.key, pool.memoryMiB, pool.function)
        let number = nextEnvironmentNumber()
        environments[number] = Environment(
            pool: request.pool, function: function, limitMiB: memory, state: .starting(queue: request.queue),
            countedMiB: memory)
        memoryMiB += memory
        startsInProgress += 1
        pools[request.pool]?.environmentCount += 1
        effects.append(.start(number, key))
    }

    mutating func endStart(queue: Int) {
        startsInProgress -= 1
        queues[queue]?.starting -= 1
    }

    /// Evicts the longest-idle environments until `needed` MiB fit; false, with nothing evicted, if they can't.
    private mutating func makeRoom(for needed: Int, into effects: inout [SchedulerEffect]) -> Bool {
        let missing = memoryMiB + needed - configuration.memoryMiBMax
        guard missing > 0 else { return true }
        guard evictableMiB >= missing else { return false }
        while memoryMiB + needed > configuration.memoryMiBMax, let oldest = idleOrder.popFirst() {
            guard let environment = environments[oldest.number], environment.isEvictable,
                environment.idleSince == oldest.since
            else { continue }
            destroy(oldest.number, .evicted, into: &effects)
        }
        return true
    }

    /// After an environment is no longer to be counted on: a new one for whoever waited for it.
    mutating func startForWaiting(_ environment: Environment, now: Moment, into effects: inout [SchedulerEffect]) {
        if let queue = environment.queue {
            while queues[queue]?.uncovered ?? 0 > 0, !requestStart(queue: queue) {
                guard let last = queues[queue]?.waiting.last else { break }
                refuseWaiting(last, .tenantEnvironments, into: &effects)
            }
        }
        pumpStarts(now: now, into: &effects)
    }

    // MARK: Bookkeeping

    /// The ledger's slot of the pool's function; nil where nothing new may run.
    func openFunction(of number: PoolNumber) -> Int? {
        guard let pool = pools[number], !pool.isRetired, pool.memoryMiB <= configuration.memoryMiBMax else {
            return nil
        }
        return pool.function
    }

    mutating func queueNumber(of owner: EnvironmentOwner, in pool: PoolNumber) -> Int {
        if let queue = pools[pool]?.queues[owner] { return queue }
        let queue = queues.insert(OwnerQueue(owner: owner, pool: pool))
        pools[pool]?.queues[owner] = queue
        return queue
    }

    mutating func dropIfUnused(_ queue: Int) {
        guard queues[queue]?.isUnused == true, let owner = queues[queue]?.owner, let pool = queues[queue]?.pool else {
            return
        }
        pools[pool]?.queues[owner] = nil
        queues.remove(queue)
    }

    /// Ends the invocation in the ledger.
    mutating func end(_ number: InvocationNumber) {
        guard let invocation = invocations.removeValue(forKey: number) else { return }
        ledger.end(invocation.function, owner: invocation.owner)
    }
}
