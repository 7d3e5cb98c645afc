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
        if environment.isKept, !environment.isProvisioned, let queue = environment.queue { queues[queue]?.kept -= 1 }
        update(number) {
            $0.state = .busy(invocation)
            $0.isFrozen = false
            // What a hibernated one waited for is far off; the next idle time is another matter.
            if $0.isHibernated { $0.keepAliveAt = nil }
            $0.isHibernated = false
            $0.isKept = false
            $0.expectedUntil = nil
            $0.uses += 1
            $0.countedMiB = $0.limitMiB
        }
        if environment.wasProvisioned { countProvisioned(environment) }
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
        guard let owner = queues[queue]?.owner, let holder = queues[queue]?.holder else { return }
        let bound = ready.bind(to: owner)
        queues[queue]?.environments += 1
        leaveShelf(bound.number)
        update(bound.number) {
            precondition($0.bound == nil, "an environment must not be bound twice")
            $0.bound = bound
            $0.queue = queue
            // Whatever it waits for from now on, it is no longer on offer.
            $0.state = .lingering
        }
        transfer(bound.number, to: holder)
    }

    private mutating func takeUnbound(in pool: PoolNumber) -> UnboundEnvironment? {
        guard let number = pools[pool]?.unbound.popLast(), let index = environments[number]?.unboundIndex else {
            return nil
        }
        return takeUnbound(at: index)
    }

    /// Offers an environment to whoever comes first.
    mutating func shelve(_ ready: consuming UnboundEnvironment, in pool: PoolNumber, now: Moment) {
        guard let holder = pools[pool]?.holder else { return }
        let (number, index) = (ready.number, unbound.count)
        unbound.append(ready)
        pools[pool]?.unbound.append(number)
        transfer(number, to: holder)
        update(number) { $0.unboundIndex = index }
        adopt(number, in: pool)
        becomeIdle(number, .unbound, isReserved: false, now: now)
    }

    /// Moves the environment's memory to another holder.
    mutating func transfer(_ number: EnvironmentNumber, to holder: Int) {
        guard let environment = environments[number], environment.holder != holder else { return }
        hold(environment.holder, -environment.countedMiB, evictable: -environment.evictableMiB)
        hold(holder, environment.countedMiB, evictable: environment.evictableMiB)
        update(number) { $0.holder = holder }
    }

    /// Gives an environment that is its owner's back to the owner's idle ones.
    mutating func rest(_ number: EnvironmentNumber, in queue: Int, now: Moment) {
        let isReserved = queues[queue].map { $0.kept < $0.reserved } ?? false
        if isReserved { queues[queue]?.kept += 1 }
        queues[queue]?.idle.append(number)
        becomeIdle(number, .idle, isReserved: isReserved, now: now)
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
        if let refusal = requestStart(.invocation(queue: waiting.queue), in: waiting.pool) {
            refuseWaiting(invocation, refusal, into: &effects)
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

    /// The invocation that waits longest in this pool.
    mutating func takeLongestWaiting(in pool: PoolNumber) -> (invocation: InvocationNumber, queue: Int)? {
        guard let first = pools[pool]?.arrivals.first, let queue = invocations[first]?.queue,
            let invocation = takeWaiting(queue)
        else { return nil }
        return (invocation, queue)
    }

    private mutating func leaveWaiting(_ invocation: InvocationNumber, in pool: PoolNumber) {
        invocations[invocation]?.isWaiting = false
        waitingCount -= 1
        pools[pool]?.waitingCount -= 1
        while let first = pools[pool]?.arrivals.first, invocations[first]?.isWaiting != true {
            _ = pools[pool]?.arrivals.popFirst()
        }
    }

    // MARK: Bookkeeping

    /// The ledger's slot of the pool's function; nil where nothing new may run.
    func openFunction(of number: PoolNumber) -> Int? {
        // Field by field: a copy of the whole pool would show on every invocation.
        guard let index = pools.index(forKey: number), !pools.values[index].isRetired,
            pools.values[index].memoryMiB <= configuration.memoryMiBMax
        else { return nil }
        return pools.values[index].function
    }

    mutating func queueNumber(of owner: EnvironmentOwner, in pool: PoolNumber) -> Int {
        if let queue = pools[pool]?.queues[owner] { return queue }
        let function = pools[pool]?.function ?? 0
        let claimant: StartQueue.Claimant = owner.tenant.map { .tenant($0) } ?? .function(function)
        let queue = queues.insert(
            OwnerQueue(
                owner: owner, pool: pool, holder: openHolder(claimant),
                history: openHistory(HistoryKey(function: function, owner: owner))))
        pools[pool]?.queues[owner] = queue
        return queue
    }

    mutating func dropIfUnused(_ queue: Int) {
        guard let unused = queues[queue], unused.isUnused else { return }
        pools[unused.pool]?.queues[unused.owner] = nil
        if let history = unused.history { histories[history]?.links -= 1 }
        closeHolder(unused.holder)
        queues.remove(queue)
    }

    /// Ends the invocation in the ledger.
    mutating func end(_ number: InvocationNumber) {
        guard let invocation = invocations.removeValue(forKey: number) else { return }
        ledger.end(invocation.function, owner: invocation.owner)
        holders[invocation.holder]?.active -= 1
    }
}
