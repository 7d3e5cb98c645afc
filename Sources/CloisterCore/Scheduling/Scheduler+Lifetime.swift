import BasicContainers
import DequeModule
import HeapModule

/// How environments age and end.
extension Scheduler {
    /// Changes an environment, and with it what all environments are counted with.
    mutating func update(_ number: EnvironmentNumber, _ change: (inout Environment) -> Void) {
        guard let index = environments.index(forKey: number) else { return }
        let difference = environments.values[index].apply(change)
        guard difference.countedMiB != 0 || difference.evictableMiB != 0 else { return }
        memoryMiB += difference.countedMiB
        evictableMiB += difference.evictableMiB
        hold(environments.values[index].holder, difference.countedMiB, evictable: difference.evictableMiB)
    }

    /// Counts memory to its holder.
    mutating func hold(_ holder: Int, _ countedMiB: Int, evictable: Int) {
        guard let before = holders[holder]?.memoryMiB else { return }
        holders[holder]?.memoryMiB = before + countedMiB
        holders[holder]?.evictableMiB += evictable
        if before > 0 { holdingCount -= 1 }
        if before + countedMiB > 0 { holdingCount += 1 }
    }

    // MARK: Idle

    /// `state`: `idle` or `unbound`.
    mutating func becomeIdle(
        _ number: EnvironmentNumber, _ state: Environment.State, isReserved: Bool, now: Moment
    ) {
        let clock = evictionClock
        var isKnown = true
        update(number) {
            $0.state = state
            $0.idleSince = now
            $0.isKept = isReserved || $0.isProvisioned
            $0.clock = clock
            $0.prioritise()
            isKnown = $0.isKept || ($0.hasEvictionEntry && $0.keepAliveAt != nil)
        }
        freezeTimers.append(DelayEntry(at: now + configuration.freezeDelay, number: number))
        // Nearly always: its timer and its entry are still there from the last time.
        guard !isKnown, let environment = environments[number] else { return }
        offerForEviction(number, environment)
        armKeepAlive(number, environment, now: now)
    }

    mutating func armKeepAlive(_ number: EnvironmentNumber, _ environment: Environment, now: Moment) {
        guard environment.keepAliveAt == nil else { return }
        // At most a while ahead, so that a timer which a resume makes stale doesn't lie about for a day.
        let at = min(max(now, stageEnd(environment)), now + .seconds(3_600))
        update(number) { $0.keepAliveAt = at }
        timers.insert(Timer(at: at, kind: .keepAlive(number)))
    }

    mutating func offerForEviction(_ number: EnvironmentNumber, _ environment: Environment) {
        guard !environment.hasEvictionEntry else { return }
        update(number) { $0.hasEvictionEntry = true }
        evictions.insert(EvictionEntry(priority: environment.priority, number: number))
        guard evictions.count > 2 * environments.count + 64 else { return }
        evictions = Heap(evictions.unordered.filter { environments[$0.number] != nil })
    }

    func idlePlan(_ environment: Environment) -> IdlePlan {
        guard let pool = pools[environment.pool] else { return IdlePlan(warm: TimeSpan(nanoseconds: 0)) }
        let history = environment.queue.flatMap { queues[$0]?.history }.flatMap { histories[$0]?.history }
        return configuration.keepAlive.plan(pool: pool.key, owner: environment.bound?.owner, history: history)
    }

    /// When the environment leaves the state that it idles in: in memory, or hibernated.
    private func stageEnd(_ environment: Environment) -> Moment {
        let plan = idlePlan(environment)
        let warmEnd = max(environment.idleSince + plan.warm, environment.expectedUntil ?? environment.idleSince)
        return environment.isHibernated ? warmEnd + plan.hibernated : warmEnd
    }

    mutating func leaveIdle(_ number: EnvironmentNumber, _ environment: Environment) {
        guard let queue = environment.queue else { return }
        queues[queue]?.idle.removeAll { $0 == number }
        if environment.isKept, queues[queue]?.kept ?? 0 > 0, !environment.isProvisioned { queues[queue]?.kept -= 1 }
    }

    // MARK: Timers

    mutating func freezeIfDue(_ number: EnvironmentNumber, now: Moment, into effects: inout [SchedulerEffect]) {
        guard let environment = environments[number], environment.isResting, !environment.isFrozen,
            environment.idleSince + configuration.freezeDelay <= now
        else { return }
        update(number) { $0.isFrozen = true }
        effects.append(.freeze(number))
        let isPressed = memoryMiB * 100 >= configuration.memoryMiBMax * configuration.pressurePercent
        if isPressed, environment.bound != nil, !environment.isKept, configuration.keepAlive.hibernatesUnderPressure {
            hibernate(number, into: &effects)
        }
    }

    private mutating func hibernate(_ number: EnvironmentNumber, into effects: inout [SchedulerEffect]) {
        update(number) { $0.isHibernated = true }
        effects.append(.hibernate(number))
    }

    mutating func reapIfDue(
        _ number: EnvironmentNumber, at due: Moment, now: Moment, into effects: inout [SchedulerEffect]
    ) {
        guard environments[number]?.keepAliveAt == due else { return }
        update(number) { $0.keepAliveAt = nil }
        guard let environment = environments[number], environment.isEvictable else { return }
        guard stageEnd(environment) <= now else { return armKeepAlive(number, environment, now: now) }
        let plan = idlePlan(environment)
        predictNext(environment, plan, now: now)
        if !environment.isHibernated, environment.isFrozen, environment.bound != nil, plan.hibernated.nanoseconds > 0 {
            hibernate(number, into: &effects)
            if let hibernated = environments[number] { armKeepAlive(number, hibernated, now: now) }
            return
        }
        destroy(number, .idle, into: &effects)
        pumpStarts(now: now, into: &effects)
    }

    /// An environment that doesn't come back for its next invocation, or not soon after a restart of its processes, is
    /// no longer counted on.
    mutating func lingerIfDue(_ number: EnvironmentNumber, now: Moment, into effects: inout [SchedulerEffect]) {
        guard let environment = environments[number], let allowed = returnMax(environment) else { return }
        guard environment.finishingSince + allowed <= now else {
            if case .finishing = environment.state {
                timers.insert(Timer(at: environment.finishingSince + allowed, kind: .linger(number)))
            }
            return
        }
        update(number) { $0.state = .lingering }
        leaveFinishing(environment)
        startForWaiting(environment.queue, now: now, into: &effects)
    }

    /// How long an environment may take to ask for its next invocation before another is started in its place. A start
    /// that takes longer than the wait would have is wasted, so an owner whose environments are slow to return is
    /// given more time, up to what a start takes.
    private func returnMax(_ environment: Environment) -> TimeSpan? {
        switch environment.state {
        case .finishing:
            let shortest = configuration.finishingMax.nanoseconds
            guard let queue = environment.queue, let usual = queues[queue]?.returnTime, usual > 0 else {
                return configuration.finishingMax
            }
            let start = Int64(pools[environment.pool]?.startTime ?? 0)
            let longest = max(shortest, min(start, configuration.finishingLimit.nanoseconds))
            return TimeSpan(nanoseconds: min(max(shortest, Int64(4 * usual)), longest))
        case .recovering: return configuration.recoveringMax
        case .starting, .unbound, .idle, .busy, .lingering: return nil
        }
    }

    mutating func joinFinishing(_ environment: Environment) {
        guard let queue = environment.queue else { return }
        queues[queue]?.finishing += 1
    }

    mutating func leaveFinishing(_ environment: Environment) {
        guard let queue = environment.queue else { return }
        queues[queue]?.finishing -= 1
    }

    /// Throttles the invocations that have waited too long.
    mutating func expireWaiting(in number: PoolNumber, now: Moment, into effects: inout [SchedulerEffect]) {
        pools[number]?.hasWaitTimer = false
        while let first = pools[number]?.arrivals.first, let waiting = invocations[first] {
            let due = waiting.waitingSince + configuration.waitMax
            guard due <= now else {
                pools[number]?.hasWaitTimer = true
                timers.insert(Timer(at: due, kind: .wait(number)))
                break
            }
            refuseWaiting(first, .capacity, into: &effects)
        }
        pumpStarts(now: now, into: &effects)
        closeIfUnused(number)
    }

    // MARK: The end

    mutating func destroy(
        _ number: EnvironmentNumber, _ reason: DestroyReason, into effects: inout [SchedulerEffect]
    ) {
        guard environments[number] != nil else { return }
        remove(number)
        effects.append(.destroy(number, reason))
    }

    /// Forgets the environment everywhere.
    mutating func remove(_ number: EnvironmentNumber) {
        guard let environment = environments.removeValue(forKey: number) else { return }
        memoryMiB -= environment.countedMiB
        evictableMiB -= environment.evictableMiB
        hold(environment.holder, -environment.countedMiB, evictable: -environment.evictableMiB)
        pools[environment.pool]?.environmentCount -= 1
        ledger.removeEnvironment(environment.function)
        if environment.isProvisioned { pools[environment.pool]?.provisioned.available -= 1 }
        switch environment.state {
        case .unbound: removeUnbound(number, environment)
        case .idle: leaveIdle(number, environment)
        case .busy(let invocation):
            leaveProvisioned(environment)
            end(invocation)
        case .finishing, .recovering: leaveFinishing(environment)
        case .starting, .lingering: break
        }
        guard let queue = environment.queue else { return }
        queues[queue]?.environments -= 1
        dropIfUnused(queue)
    }

    private mutating func removeUnbound(_ number: EnvironmentNumber, _ environment: Environment) {
        pools[environment.pool]?.unbound.removeAll { $0 == number }
        _ = takeUnbound(at: environment.unboundIndex)
    }

    /// Takes one out of the unbound environments; the last one moves to its place.
    mutating func takeUnbound(at index: Int) -> UnboundEnvironment {
        var last = unbound.remove(at: unbound.count - 1)
        guard index < unbound.count else { return last }
        swap(&unbound[index], &last)
        update(unbound[index].number) { $0.unboundIndex = index }
        return last
    }

    /// Forgets a retired pool that has nothing left.
    mutating func closeIfUnused(_ number: PoolNumber) {
        guard let pool = pools[number], pool.isRetired, pool.isUnused else { return }
        pools[number] = nil
        closeHolder(pool.holder)
        if ledger.close(pool.function) { forgetHistories(of: pool.function) }
    }
}
