import BasicContainers
import DequeModule
import HeapModule

/// Which environments are started, and what goes for them.
extension Scheduler {
    private enum Room {
        case made
        /// This holder can't have more now; others may.
        case blocked
        /// Nobody can.
        case full
    }

    /// How many idle environments are looked at for one that an owner above its share may evict.
    private static let fairLookMax = 256
    private static let roomRetry = TimeSpan.milliseconds(10)

    // MARK: Requests

    /// Asks for a new environment; nil, or the limit that forbids it.
    mutating func requestStart(_ purpose: StartPurpose, in number: PoolNumber) -> Throttle? {
        guard let pool = pools[number], let holder = purpose.queue.map({ queues[$0]?.holder }) ?? pool.holder else {
            return .capacity
        }
        guard holders[holder]?.allowsMemory(pool.memoryMiB) == true else { return .tenantMemory }
        guard ledger.addEnvironment(pool.function, isTenantIsolated: pool.isTenantIsolated) else {
            return .tenantEnvironments
        }
        countStart(purpose, in: number, by: 1)
        holders[holder]?.requestedMiB += pool.memoryMiB
        guard let claimant = holders[holder]?.claimant, let weight = holders[holder]?.weight else { return nil }
        starts.push(StartQueue.Request(pool: number, purpose: purpose), claimant: claimant, weight: weight)
        return nil
    }

    mutating func countStart(_ purpose: StartPurpose, in pool: PoolNumber, by change: Int) {
        switch purpose {
        case .invocation(let queue): queues[queue]?.starting += change
        case .reserved(let queue): queues[queue]?.startingReserved += change
        case .predicted(let queue): queues[queue]?.startingPredicted += change
        case .provisioned: pools[pool]?.startingProvisioned += change
        case .nobody: break
        }
    }

    /// Starts what the start slots and the memory allow, evicting idle environments for it where needed.
    mutating func pumpStarts(now: Moment, into effects: inout [SchedulerEffect]) {
        guard !starts.isEmpty else { return }
        pump: while startsInProgress < configuration.startsMax, let request = starts.next {
            if isPointless(request) {
                _ = starts.pop()
                cancel(request, into: &effects)
                continue
            }
            guard let needed = pools[request.pool]?.memoryMiB, let holder = holder(of: request) else { break }
            switch makeRoom(for: needed, holder: holder, isPrediction: request.isPrediction, now: now, into: &effects) {
            case .made:
                _ = starts.pop()
                start(request, holder: holder, now: now, into: &effects)
            case .blocked where request.isPrediction:
                _ = starts.pop()
                cancel(request, into: &effects)
            case .blocked: starts.setAside()
            case .full: break pump
            }
        }
        starts.restore()
    }

    private func holder(of request: StartQueue.Request) -> Int? {
        guard let queue = request.purpose.queue else { return pools[request.pool]?.holder }
        return queues[queue]?.holder
    }

    /// Whether whoever asked for this environment has been served otherwise, or is gone.
    private func isPointless(_ request: StartQueue.Request) -> Bool {
        switch request.purpose {
        case .invocation(let queue): return queues[queue]?.uncovered ?? 0 < 0
        case .provisioned:
            guard let pool = pools[request.pool], !pool.isRetired else { return true }
            return pool.provisionedShortage < 0
        case .reserved(let number):
            guard let queue = queues[number] else { return true }
            return queue.environments + queue.startingReserved > queue.reserved || isSuspended(number)
        case .predicted(let number):
            return queues[number]?.environments ?? 0 > 0 || isSuspended(number)
                || pools[request.pool]?.isRetired != false
        case .nobody: return true
        }
    }

    private func isSuspended(_ queue: Int) -> Bool {
        guard let holder = queues[queue]?.holder else { return true }
        return holders[holder]?.isSuspended ?? true
    }

    private mutating func cancel(_ request: StartQueue.Request, into effects: inout [SchedulerEffect]) {
        forgetRequest(request)
        countStart(request.purpose, in: request.pool, by: -1)
        if let function = pools[request.pool]?.function { ledger.removeEnvironment(function) }
        if let queue = request.purpose.queue {
            cover(queue, into: &effects)
            dropIfUnused(queue)
        }
        closeIfUnused(request.pool)
    }

    private mutating func forgetRequest(_ request: StartQueue.Request) {
        guard let memory = pools[request.pool]?.memoryMiB, let holder = holder(of: request) else { return }
        holders[holder]?.requestedMiB -= memory
    }

    private mutating func start(
        _ request: StartQueue.Request, holder: Int, now: Moment, into effects: inout [SchedulerEffect]
    ) {
        guard let pool = pools[request.pool] else { return }
        forgetRequest(request)
        let number = nextEnvironmentNumber()
        environments[number] = Environment(
            pool: request.pool, function: pool.function, limitMiB: pool.memoryMiB, holder: holder, startedAt: now,
            state: .starting(request.purpose), countedMiB: pool.memoryMiB)
        memoryMiB += pool.memoryMiB
        hold(holder, pool.memoryMiB, evictable: 0)
        startsInProgress += 1
        pools[request.pool]?.environmentCount += 1
        effects.append(.start(number, pool.key))
    }

    mutating func endStart(_ pool: PoolNumber, _ purpose: StartPurpose) {
        startsInProgress -= 1
        countStart(purpose, in: pool, by: -1)
    }

    /// A start has failed: one invocation that waited for it fails with it, or it is tried again later.
    mutating func startFailed(
        _ pool: PoolNumber, _ purpose: StartPurpose, _ number: EnvironmentNumber, now: Moment,
        into effects: inout [SchedulerEffect]
    ) {
        switch purpose {
        case .invocation(let queue):
            if queues[queue]?.uncovered ?? 0 > 0, let waiting = takeWaiting(queue) {
                end(waiting)
                effects.append(.failStart(waiting, number))
            }
        case .reserved(let queue):
            postponeReplenishing(pool, now: now)
            startForWaiting(queue, now: now, into: &effects)
        case .predicted(let queue): startForWaiting(queue, now: now, into: &effects)
        case .provisioned:
            pools[pool]?.provisioned.failedStarts += 1
            postponeReplenishing(pool, now: now)
        case .nobody: break
        }
    }

    /// After an environment is no longer to be counted on: a new one for whoever waited for it.
    mutating func startForWaiting(_ queue: Int?, now: Moment, into effects: inout [SchedulerEffect]) {
        if let queue { cover(queue, into: &effects) }
        pumpStarts(now: now, into: &effects)
    }

    /// Asks for as many starts as the owner's waiting invocations need, and refuses those that can't have one.
    private mutating func cover(_ queue: Int, into effects: inout [SchedulerEffect]) {
        guard let pool = queues[queue]?.pool else { return }
        while queues[queue]?.uncovered ?? 0 > 0 {
            guard let refusal = requestStart(.invocation(queue: queue), in: pool) else { continue }
            guard let last = queues[queue]?.waiting.last else { return }
            refuseWaiting(last, refusal, into: &effects)
        }
    }

    // MARK: Room

    /// Makes `needed` MiB free, evicting idle environments; evicts nothing where that doesn't suffice.
    private mutating func makeRoom(
        for needed: Int, holder: Int, isPrediction: Bool, now: Moment, into effects: inout [SchedulerEffect]
    ) -> Room {
        guard let asking = holders[holder] else { return .blocked }
        if let most = asking.limits?.memoryMiBMax, asking.memoryMiB + needed > most {
            guard !isPrediction, asking.memoryMiB - asking.evictableMiB + needed <= most,
                evict(asking.memoryMiB + needed - most, for: holder, onlyOwn: true, now: now, into: &effects)
            else { return .blocked }
        }
        let missing = memoryMiB + needed - configuration.memoryMiBMax
        let isOver = isOverShare(holder, needed: needed)
        let reserve = isOver ? configuration.memoryMiBMax / max(configuration.fairReserveDivisor, 1) : 0
        guard missing + reserve > 0 else { return .made }
        if isPrediction { return .blocked }
        guard evictableMiB >= missing else { return isOver ? .blocked : .full }
        if isOver {
            let isPossible = evict(missing + reserve, for: holder, onlyOwn: false, now: now, into: &effects)
            return isPossible ? .made : .blocked
        }
        while memoryMiB + needed > configuration.memoryMiBMax, let victim = takeVictim() {
            evict(victim, into: &effects)
        }
        return .made
    }

    /// Whether the holder, with `needed` MiB more, would have more than its equal share of all memory.
    func isOverShare(_ holder: Int, needed: Int) -> Bool {
        guard let held = holders[holder]?.memoryMiB, held > 0, holdingCount > 1 else { return false }
        return held + needed > configuration.memoryMiBMax / holdingCount
    }

    /// Evicts the holder's own idle environments, and others' that have been idle for long, until `missing` MiB are
    /// free; false, with nothing evicted, if they don't suffice.
    private mutating func evict(
        _ missing: Int, for holder: Int, onlyOwn: Bool, now: Moment, into effects: inout [SchedulerEffect]
    ) -> Bool {
        guard holders[holder].map({ $0.roomRetryAt <= now }) ?? false else { return false }
        var (victims, spared): ([EnvironmentNumber], [EnvironmentNumber]) = ([], [])
        var found = 0
        while found < missing, victims.count + spared.count < Scheduler.fairLookMax, let number = takeVictim() {
            guard let environment = environments[number] else { continue }
            let isLong = !onlyOwn && environment.idleSince + configuration.fairIdleMin <= now
            if environment.holder == holder || isLong {
                victims.append(number)
                found += environment.countedMiB
            } else {
                spared.append(number)
            }
        }
        let isPossible = found >= missing
        if !isPossible { spared += victims }
        for number in spared {
            guard let environment = environments[number] else { continue }
            offerForEviction(number, environment)
        }
        guard isPossible else {
            retryRoom(holder, now: now)
            return false
        }
        for victim in victims { evict(victim, into: &effects) }
        return true
    }

    private mutating func retryRoom(_ holder: Int, now: Moment) {
        let at = now + Scheduler.roomRetry
        holders[holder]?.roomRetryAt = at
        guard !hasPumpTimer else { return }
        hasPumpTimer = true
        timers.insert(Timer(at: at, kind: .pump))
    }

    private mutating func evict(_ number: EnvironmentNumber, into effects: inout [SchedulerEffect]) {
        evictionClock = max(evictionClock, environments[number]?.priority ?? 0)
        destroy(number, .evicted, into: &effects)
    }

    /// The idle environment that is cheapest to lose, which then is no longer on offer.
    private mutating func takeVictim() -> EnvironmentNumber? {
        while let entry = evictions.popMin() {
            guard let environment = environments[entry.number] else { continue }
            guard environment.isEvictable else {
                update(entry.number) { $0.hasEvictionEntry = false }
                continue
            }
            if environment.priority > entry.priority {
                evictions.insert(EvictionEntry(priority: environment.priority, number: entry.number))
                continue
            }
            update(entry.number) { $0.hasEvictionEntry = false }
            return entry.number
        }
        return nil
    }
}

extension StartQueue.Request {
    var isPrediction: Bool { if case .predicted = purpose { true } else { false } }
}
