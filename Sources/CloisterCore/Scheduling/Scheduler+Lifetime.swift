import BasicContainers
import DequeModule
import HeapModule

/// How environments age and end.
extension Scheduler {
    mutating func becomeIdle(_ number: EnvironmentNumber, now: Moment) {
        environments[number]?.idleSince = now
        guard let environment = environments[number] else { return }
        if !environment.hasFreezeTimer {
            environments[number]?.hasFreezeTimer = true
            timers.insert(Timer(at: now + configuration.freezeDelay, kind: .freeze(number)))
        }
        if !environment.hasKeepAliveTimer {
            environments[number]?.hasKeepAliveTimer = true
            timers.insert(Timer(at: now + keepAlive(environment), kind: .keepAlive(number)))
        }
    }

    private func keepAlive(_ environment: Environment) -> Span {
        guard let pool = pools[environment.pool] else { return Span(nanoseconds: 0) }
        return configuration.keepAlive.keepAlive(pool: pool.key, owner: environment.bound?.owner)
    }

    mutating func freezeIfDue(_ number: EnvironmentNumber, now: Moment, into effects: inout [SchedulerEffect]) {
        environments[number]?.hasFreezeTimer = false
        guard let environment = environments[number], !environment.isFrozen,
            environment.state == .idle || environment.state == .unbound
        else { return }
        let due = environment.idleSince + configuration.freezeDelay
        if due <= now {
            environments[number]?.isFrozen = true
            effects.append(.freeze(number))
        } else {
            environments[number]?.hasFreezeTimer = true
            timers.insert(Timer(at: due, kind: .freeze(number)))
        }
    }

    mutating func reapIfDue(_ number: EnvironmentNumber, now: Moment, into effects: inout [SchedulerEffect]) {
        environments[number]?.hasKeepAliveTimer = false
        guard let environment = environments[number], environment.state == .idle || environment.state == .unbound
        else { return }
        let due = environment.idleSince + keepAlive(environment)
        if due <= now {
            destroy(number, .idle, into: &effects)
            pumpStarts(now: now, into: &effects)
        } else {
            environments[number]?.hasKeepAliveTimer = true
            timers.insert(Timer(at: due, kind: .keepAlive(number)))
        }
    }

    /// An environment that doesn't come back for its next invocation is no longer counted on.
    mutating func lingerIfDue(_ number: EnvironmentNumber, now: Moment, into effects: inout [SchedulerEffect]) {
        environments[number]?.hasFinishingTimer = false
        guard let environment = environments[number], environment.state == .finishing else { return }
        leaveFinishing(environment)
        environments[number]?.state = .lingering
        startForWaiting(environment, now: now, into: &effects)
    }

    mutating func leaveFinishing(_ environment: Environment) {
        guard let owner = environment.bound?.owner else { return }
        pools[environment.pool]?.changeFinishing(of: owner, by: -1)
    }

    /// Throttles the invocations that have waited too long.
    mutating func expireWaiting(in number: PoolNumber, now: Moment, into effects: inout [SchedulerEffect]) {
        pools[number]?.hasWaitTimer = false
        while let first = pools[number]?.arrivals.first {
            guard let waiting = invocations[first], pools[number]?.owners[waiting.owner]?.waiting.contains(first) == true
            else {
                _ = pools[number]?.arrivals.popFirst()
                continue
            }
            let due = waiting.waitingSince + configuration.waitMax
            guard due <= now else {
                pools[number]?.hasWaitTimer = true
                timers.insert(Timer(at: due, kind: .wait(number)))
                return
            }
            refuseWaiting(first, .capacity, into: &effects)
        }
        pumpStarts(now: now, into: &effects)
        closeIfUnused(number)
    }

    mutating func destroy(
        _ number: EnvironmentNumber, _ reason: DestroyReason, into effects: inout [SchedulerEffect]
    ) {
        guard environments[number] != nil else { return }
        remove(number)
        effects.append(.destroy(number, reason))
    }

    /// Forgets the environment everywhere.
    mutating func remove(_ number: EnvironmentNumber) {
        guard let environment = environments.removeValue(forKey: number), let pool = pools[environment.pool] else {
            return
        }
        memoryMiB -= environment.countedMiB
        pools[environment.pool]?.environmentCount -= 1
        ledger.removeEnvironment(function: pool.function)
        switch environment.state {
        case .unbound: removeUnbound(number, in: environment.pool)
        case .idle:
            if let owner = environment.bound?.owner { pools[environment.pool]?.removeIdle(number, owner: owner) }
        case .busy: _ = endInvocation(of: environment)
        case .finishing: leaveFinishing(environment)
        case .starting, .lingering, .recovering: break
        }
    }

    private mutating func removeUnbound(_ number: EnvironmentNumber, in pool: PoolNumber) {
        for index in 0..<unbound.count where unbound[index].number == number {
            _ = unbound.remove(at: index)
            pools[pool]?.unboundCount -= 1
            return
        }
    }

    mutating func count(_ number: EnvironmentNumber, as counted: Int) {
        guard let before = environments[number]?.countedMiB else { return }
        memoryMiB += counted - before
        environments[number]?.countedMiB = counted
    }

    mutating func closeIfUnused(_ number: PoolNumber) {
        if let pool = pools[number], pool.isRetired, pool.isUnused { pools[number] = nil }
    }
}
