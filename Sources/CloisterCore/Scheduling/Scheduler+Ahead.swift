import BasicContainers
import DequeModule
import HeapModule

/// Environments that are started before anyone asks: provisioned concurrency, reservations, expected calls.
extension Scheduler {
    // MARK: Provisioned concurrency

    /// Keeps `count` environments of the pool initialised. With tenant isolation they are unbound, and each one that is
    /// bound is replaced at once; without, they serve one invocation after the other. 0 takes that back: what there is
    /// ages like any other. They count in the account's and the host's limits, and are reached as far as those allow.
    public mutating func setProvisioned(
        _ number: PoolNumber, _ count: Int, now: Moment, into effects: inout [SchedulerEffect]
    ) {
        guard pools[number]?.isRetired == false else { return }
        pools[number]?.provisioned.requested = max(0, count)
        let available = pools[number]?.provisioned.available ?? 0
        pools[number]?.provisioned.isReached = available >= max(0, count)
        pools[number]?.provisioned.failedStarts = 0
        pools[number]?.replenishAt = nil
        pools[number]?.failures = 0
        let surplus = available - max(0, count)
        if surplus > 0 {
            let provisioned = environments.filter { $0.value.pool == number && $0.value.isProvisioned }.keys.sorted()
            for environment in provisioned.suffix(surplus) { release(environment, now: now) }
        }
        replenish(number, now: now, into: &effects)
        pumpStarts(now: now, into: &effects)
    }

    /// How the pool's provisioned concurrency is doing; nil for a pool that is gone.
    public func provisionedConcurrency(of number: PoolNumber) -> ProvisionedConcurrency? {
        pools[number]?.provisioned
    }

    /// Whether the environment is being started before anyone asked for it: for provisioned concurrency, or for a
    /// reservation.
    public func isStartedAhead(_ number: EnvironmentNumber) -> Bool {
        guard case .starting(let purpose) = environments[number]?.state else { return false }
        return switch purpose {
        case .provisioned, .reserved: true
        case .invocation, .predicted, .nobody: false
        }
    }

    /// Makes an environment that was kept one like any other.
    private mutating func release(_ number: EnvironmentNumber, now: Moment) {
        guard let environment = environments[number] else { return }
        if environment.isProvisioned {
            leaveProvisioned(environment)
            pools[environment.pool]?.provisioned.available -= 1
        } else if environment.isKept, let queue = environment.queue {
            queues[queue]?.kept -= 1
        }
        update(number) {
            $0.isProvisioned = false
            $0.isKept = false
        }
        guard let released = environments[number], released.isResting else { return }
        offerForEviction(number, released)
        armKeepAlive(number, released, now: now)
    }

    /// Counts an environment among the provisioned ones, if the pool lacks some.
    mutating func adopt(_ number: EnvironmentNumber, in pool: PoolNumber) {
        guard let provisioned = pools[pool]?.provisioned, provisioned.available < provisioned.requested else { return }
        pools[pool]?.provisioned.available += 1
        if provisioned.available + 1 >= provisioned.requested { pools[pool]?.provisioned.isReached = true }
        update(number) {
            $0.isProvisioned = true
            $0.wasProvisioned = true
            $0.isKept = $0.isResting
        }
    }

    /// An environment is bound: with tenant isolation it is no longer provisioned.
    mutating func leaveShelf(_ number: EnvironmentNumber) {
        guard let environment = environments[number], environment.isProvisioned,
            pools[environment.pool]?.isTenantIsolated == true
        else { return }
        pools[environment.pool]?.provisioned.available -= 1
        update(number) {
            $0.isProvisioned = false
            $0.isKept = false
        }
    }

    mutating func countProvisioned(_ environment: Environment) {
        pools[environment.pool]?.provisioned.invocations += 1
        if environment.isProvisioned { pools[environment.pool]?.provisioned.inUse += 1 }
    }

    /// A provisioned environment, as it was before, no longer runs an invocation.
    mutating func leaveProvisioned(_ environment: Environment) {
        guard environment.isProvisioned, case .busy = environment.state else { return }
        pools[environment.pool]?.provisioned.inUse -= 1
    }

    mutating func countSpillover(in pool: PoolNumber) {
        guard pools[pool]?.provisioned.requested ?? 0 > 0 else { return }
        pools[pool]?.provisioned.spilloverInvocations += 1
    }

    // MARK: Reservations

    /// Keeps `count` environments of the pool bound to the tenant, and warm; 0 takes that back. A reservation ends with
    /// its pool, and rests while the tenant is suspended.
    public mutating func setReservation(
        _ tenant: TenantID, _ number: PoolNumber, _ count: Int, now: Moment, into effects: inout [SchedulerEffect]
    ) {
        guard let pool = pools[number], !pool.isRetired, pool.isTenantIsolated else { return }
        guard count > 0 || pool.queues[.tenant(tenant)] != nil else { return }
        let queue = queueNumber(of: .tenant(tenant), in: number)
        pools[number]?.reservedQueues.removeAll { $0 == queue }
        queues[queue]?.reserved = max(0, count)
        let kept = queues[queue]?.idle.filter { environments[$0]?.isKept == true } ?? []
        for environment in kept.dropFirst(max(0, count)) { release(environment, now: now) }
        if count > 0 {
            pools[number]?.reservedQueues.append(queue)
            keepIdle(queue)
        }
        pools[number]?.replenishAt = nil
        replenish(number, now: now, into: &effects)
        pumpStarts(now: now, into: &effects)
        dropIfUnused(queue)
    }

    /// Of the reservation, the number there is; 0 for none.
    public func reservedCount(_ tenant: TenantID, _ pool: PoolNumber) -> Int {
        guard let queue = pools[pool]?.queues[.tenant(tenant)] else { return 0 }
        return min(queues[queue]?.reserved ?? 0, queues[queue]?.environments ?? 0)
    }

    /// Idle environments that the owner has already count for its reservation.
    private mutating func keepIdle(_ queue: Int) {
        for number in queues[queue]?.idle ?? [] {
            guard let owner = queues[queue], owner.kept < owner.reserved else { return }
            guard environments[number]?.isKept == false, environments[number]?.isHibernated == false else { continue }
            queues[queue]?.kept += 1
            update(number) { $0.isKept = true }
        }
    }

    /// The pool goes, and its reservations with it.
    mutating func dropReservation(_ queue: Int) {
        queues[queue]?.reserved = 0
        dropIfUnused(queue)
    }

    /// The owner that a start ahead of need is still for.
    func ownerAhead(_ purpose: StartPurpose) -> Int? {
        guard let number = purpose.queue, let queue = queues[number], holders[queue.holder]?.isSuspended == false else {
            return nil
        }
        switch purpose {
        case .reserved: return queue.environments < queue.reserved ? number : nil
        case .predicted: return queue.environments == 0 ? number : nil
        case .invocation, .provisioned, .nobody: return nil
        }
    }

    // MARK: Replenishing

    func lacksProvisioned(_ number: PoolNumber) -> Bool { pools[number]?.provisionedShortage ?? 0 > 0 }

    /// Asks for the environments that provisioned concurrency and reservations lack.
    mutating func replenish(_ number: PoolNumber, now: Moment, into effects: inout [SchedulerEffect]) {
        guard let pool = pools[number], !pool.isRetired, pool.replenishAt.map({ $0 <= now }) ?? true,
            pool.provisioned.requested > 0 || !pool.reservedQueues.isEmpty
        else { return }
        pools[number]?.replenishAt = nil
        if pool.provisionedShortage > 0 {
            for unbound in pool.unbound where environments[unbound]?.isProvisioned == false { adopt(unbound, in: number) }
        }
        while pools[number]?.provisionedShortage ?? 0 > 0 {
            guard requestStart(.provisioned, in: number) == nil else { return postponeReplenishing(number, now: now) }
        }
        for queue in pool.reservedQueues {
            guard let holder = queues[queue]?.holder, holders[holder]?.isSuspended == false else { continue }
            while let owner = queues[queue], owner.environments + owner.startingReserved < owner.reserved {
                guard requestStart(.reserved(queue: queue), in: number) == nil else {
                    return postponeReplenishing(number, now: now)
                }
            }
        }
        pumpStarts(now: now, into: &effects)
    }

    mutating func postponeReplenishing(_ number: PoolNumber, now: Moment) {
        guard let failures = pools[number]?.failures else { return }
        let delay = configuration.replenishDelay.nanoseconds << Int64(min(failures, 6))
        let at = now + TimeSpan(nanoseconds: delay)
        pools[number]?.failures = failures + 1
        pools[number]?.replenishAt = at
        timers.insert(Timer(at: at, kind: .replenish(number)))
    }

    mutating func replenishIfDue(_ number: PoolNumber, now: Moment, into effects: inout [SchedulerEffect]) {
        guard let at = pools[number]?.replenishAt, at <= now else { return }
        replenish(number, now: now, into: &effects)
        pumpStarts(now: now, into: &effects)
    }

    // MARK: Expected calls

    /// The owner's last environment leaves memory: when its next call is expected, one is made ready.
    mutating func predictNext(_ environment: Environment, _ plan: IdlePlan, now: Moment) {
        guard let prediction = plan.prediction, environment.expectedUntil == nil, let number = environment.queue,
            let queue = queues[number], queue.environments == 1, queue.reserved == 0, let slot = queue.history,
            let last = histories[slot]?.history.lastArrival
        else { return }
        let at = last + prediction.after
        guard at > now else { return }
        timers.insert(Timer(at: at, kind: .predict(pool: environment.pool, owner: queue.owner, last: last)))
    }

    mutating func predicted(
        _ owner: EnvironmentOwner, in number: PoolNumber, last: Moment, now: Moment,
        into effects: inout [SchedulerEffect]
    ) {
        guard let pool = pools[number], !pool.isRetired,
            let slot = historySlots[HistoryKey(function: pool.function, owner: owner)],
            histories[slot]?.history.lastArrival == last
        else { return }
        let queue = queueNumber(of: owner, in: number)
        if queues[queue]?.environments ?? 0 > 0 {
            resume(queue, now: now, into: &effects)
        } else if queues[queue].map({ $0.waiting.isEmpty && $0.startingPredicted == 0 }) ?? false {
            _ = requestStart(.predicted(queue: queue), in: number)
            pumpStarts(now: now, into: &effects)
        }
        dropIfUnused(queue)
    }

    /// Brings the owner's hibernated environment back into memory, if there is room.
    private mutating func resume(_ queue: Int, now: Moment, into effects: inout [SchedulerEffect]) {
        guard let number = queues[queue]?.idle.last, let environment = environments[number], environment.isHibernated,
            memoryMiB + environment.limitMiB - environment.countedMiB <= configuration.memoryMiBMax
        else { return }
        effects.append(.resume(number))
        expectCall(number, queue: queue, now: now)
        update(number) {
            $0.isHibernated = false
            $0.countedMiB = $0.limitMiB
            $0.keepAliveAt = nil
        }
        if let resumed = environments[number] { armKeepAlive(number, resumed, now: now) }
    }

    /// Keeps the environment in memory until the owner's call has come, or is overdue.
    mutating func expectCall(_ number: EnvironmentNumber, queue: Int, now: Moment) {
        guard let environment = environments[number] else { return }
        let window = idlePlan(environment).prediction?.window ?? .seconds(60)
        update(number) { $0.expectedUntil = now + window }
    }
}
