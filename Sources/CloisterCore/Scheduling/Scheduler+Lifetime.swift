import BasicContainers
import DequeModule
import HeapModule

/// How environments age and end.
extension Scheduler {
    /// Changes an environment, and with it what all environments are counted with.
    mutating func update(_ number: EnvironmentNumber, _ change: (inout Environment) -> Void) {
        guard let index = environments.index(forKey: number) else { return }
        let difference = environments.values[index].apply(change)
        memoryMiB += difference.countedMiB
        evictableMiB += difference.evictableMiB
    }

    // MARK: Idle

    /// `state`: `idle` or `unbound`.
    mutating func becomeIdle(_ number: EnvironmentNumber, _ state: Environment.State, now: Moment) {
        guard let environment = environments[number] else { return }
        update(number) {
            $0.state = state
            $0.idleSince = now
            $0.hasKeepAliveTimer = true
        }
        idleOrder.append(IdleEntry(number: number, since: now))
        trimIdleOrder()
        freezeTimers.append(DelayEntry(at: now + configuration.freezeDelay, number: number))
        if !environment.hasKeepAliveTimer {
            timers.insert(Timer(at: now + keepAlive(environment), kind: .keepAlive(number)))
        }
    }

    /// Keeps the order's length in proportion to the environments'.
    private mutating func trimIdleOrder() {
        guard idleOrder.count > 2 * environments.count + 64 else { return }
        let environments = environments
        idleOrder.removeAll {
            guard let environment = environments[$0.number] else { return true }
            return !environment.isEvictable || environment.idleSince != $0.since
        }
    }

    private func keepAlive(_ environment: Environment) -> TimeSpan {
        guard let pool = pools[environment.pool] else { return TimeSpan(nanoseconds: 0) }
        return configuration.keepAlive.keepAlive(pool: pool.key, owner: environment.bound?.owner)
    }

    mutating func leaveIdle(_ number: EnvironmentNumber, _ environment: Environment) {
        guard let queue = environment.queue else { return }
        queues[queue]?.idle.removeAll { $0 == number }
    }

    // MARK: Timers

    mutating func freezeIfDue(_ number: EnvironmentNumber, now: Moment, into effects: inout [SchedulerEffect]) {
        guard let environment = environments[number], environment.isEvictable, !environment.isFrozen,
            environment.idleSince + configuration.freezeDelay <= now
        else { return }
        update(number) { $0.isFrozen = true }
        effects.append(.freeze(number))
    }

    mutating func reapIfDue(_ number: EnvironmentNumber, now: Moment, into effects: inout [SchedulerEffect]) {
        guard let environment = environments[number] else { return }
        let due = environment.idleSince + keepAlive(environment)
        if environment.isEvictable, due <= now {
            destroy(number, .idle, into: &effects)
            pumpStarts(now: now, into: &effects)
            return
        }
        update(number) { $0.hasKeepAliveTimer = $0.isEvictable }
        if environment.isEvictable { timers.insert(Timer(at: due, kind: .keepAlive(number))) }
    }

    /// An environment that doesn't come back for its next invocation, or not soon after a restart of its processes, is
    /// no longer counted on.
    mutating func lingerIfDue(_ number: EnvironmentNumber, now: Moment, into effects: inout [SchedulerEffect]) {
        guard let environment = environments[number], let allowed = returnMax(environment.state),
            environment.finishingSince + allowed <= now
        else { return }
        update(number) { $0.state = .lingering }
        leaveFinishing(environment)
        startForWaiting(environment, now: now, into: &effects)
    }

    private func returnMax(_ state: Environment.State) -> TimeSpan? {
        switch state {
        case .finishing: configuration.finishingMax
        case .recovering: configuration.recoveringMax
        case .starting, .unbound, .idle, .busy, .lingering: nil
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
        pools[environment.pool]?.environmentCount -= 1
        ledger.removeEnvironment(environment.function)
        switch environment.state {
        case .unbound: removeUnbound(number, in: environment.pool)
        case .idle: leaveIdle(number, environment)
        case .busy(let invocation): end(invocation)
        case .finishing, .recovering: leaveFinishing(environment)
        case .starting, .lingering: break
        }
        guard let queue = environment.queue else { return }
        queues[queue]?.environments -= 1
        dropIfUnused(queue)
    }

    private mutating func removeUnbound(_ number: EnvironmentNumber, in pool: PoolNumber) {
        for index in 0..<unbound.count where unbound[index].number == number {
            _ = unbound.remove(at: index)
            pools[pool]?.unboundCount -= 1
            return
        }
    }

    /// Forgets a retired pool that has nothing left.
    mutating func closeIfUnused(_ number: PoolNumber) {
        guard let pool = pools[number], pool.isRetired, pool.isUnused else { return }
        pools[number] = nil
        ledger.close(pool.function)
    }
}
