import BasicContainers
import DequeModule
import HeapModule

/// Where invocations and environments meet.
extension Scheduler {
    mutating func run(
        _ invocation: InvocationNumber, on number: EnvironmentNumber, into effects: inout [SchedulerEffect]
    ) {
        guard let environment = environments[number], let bound = environment.bound else { return }
        precondition(invocations[invocation]?.owner == bound.owner, "an invocation must not enter another's environment")
        environments[number]?.state = .busy(invocation)
        environments[number]?.isFrozen = false
        count(number, as: pools[environment.pool]?.memoryMiB ?? environment.countedMiB)
        effects.append(.run(invocation, bound, isFrozen: environment.isFrozen))
    }

    /// Binds one of the pool's unbound environments, if it has any.
    mutating func bindUnbound(in pool: PoolNumber, to owner: EnvironmentOwner) -> BoundEnvironment? {
        guard let ready = takeUnbound(in: pool) else { return nil }
        let bound = ready.bind(to: owner)
        environments[bound.number]?.bound = bound
        return bound
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

    mutating func wait(_ invocation: InvocationNumber, now: Moment, into effects: inout [SchedulerEffect]) {
        guard let waiting = invocations[invocation] else { return }
        guard waitingCount < configuration.waitingMax else {
            end(invocation)
            effects.append(.refuse(invocation, .capacity))
            return
        }
        pools[waiting.pool]?.wait(invocation, owner: waiting.owner)
        waitingCount += 1
        if pools[waiting.pool]?.hasWaitTimer == false {
            pools[waiting.pool]?.hasWaitTimer = true
            timers.insert(Timer(at: now + configuration.waitMax, kind: .wait(waiting.pool)))
        }
        guard pools[waiting.pool]?.uncovered(waiting.owner) ?? 0 > 0 else { return }
        if !requestStart(in: waiting.pool, owner: waiting.owner) {
            refuseWaiting(invocation, .tenantEnvironments, into: &effects)
            return
        }
        pumpStarts(now: now, into: &effects)
    }

    mutating func refuseWaiting(
        _ invocation: InvocationNumber, _ throttle: Throttle, into effects: inout [SchedulerEffect]
    ) {
        guard let waiting = invocations[invocation] else { return }
        pools[waiting.pool]?.removeWaiting(invocation, owner: waiting.owner)
        waitingCount -= 1
        end(invocation)
        effects.append(.refuse(invocation, throttle))
    }

    mutating func takeWaiting(in pool: PoolNumber, owner: EnvironmentOwner) -> InvocationNumber? {
        guard let invocation = pools[pool]?.takeWaiting(of: owner) else { return nil }
        waitingCount -= 1
        return invocation
    }

    /// The longest-waiting invocation of `owner`, else of whoever waits longest in this pool.
    mutating func takeWaitingPreferring(
        _ owner: EnvironmentOwner, in pool: PoolNumber
    ) -> (invocation: InvocationNumber, owner: EnvironmentOwner)? {
        if let invocation = takeWaiting(in: pool, owner: owner) { return (invocation, owner) }
        while let first = pools[pool]?.arrivals.popFirst() {
            guard let waiting = invocations[first], isWaiting(first, waiting) else { continue }
            pools[pool]?.removeWaiting(first, owner: waiting.owner)
            waitingCount -= 1
            return (first, waiting.owner)
        }
        return nil
    }

    private func isWaiting(_ number: InvocationNumber, _ invocation: Invocation) -> Bool {
        pools[invocation.pool]?.owners[invocation.owner]?.waiting.contains(number) == true
    }

    /// Asks for a new environment; false when the limit of tenant environments forbids it.
    mutating func requestStart(in number: PoolNumber, owner: EnvironmentOwner) -> Bool {
        guard let pool = pools[number],
            ledger.addEnvironment(
                function: pool.function, isTenantIsolated: pool.isTenantIsolated, configuration: configuration)
        else { return false }
        pools[number]?.changeStarting(of: owner, by: 1)
        let claimant: StartQueue.Claimant = owner.tenant.map { .tenant($0) } ?? .function(pool.function)
        starts.push(StartQueue.Request(pool: number, owner: owner), claimant: claimant)
        return true
    }

    /// Starts what the start slots and the memory allow, evicting idle environments for it where needed.
    mutating func pumpStarts(now: Moment, into effects: inout [SchedulerEffect]) {
        while startsInProgress < configuration.startsMax, let request = starts.next {
            guard let pool = pools[request.pool] else {
                _ = starts.pop()
                continue
            }
            if pool.uncovered(request.owner) < 0 {
                _ = starts.pop()
                pools[request.pool]?.changeStarting(of: request.owner, by: -1)
                ledger.removeEnvironment(function: pool.function)
                closeIfUnused(request.pool)
                continue
            }
            guard makeRoom(for: pool.memoryMiB, into: &effects) else { return }
            _ = starts.pop()
            start(request, memoryMiB: pool.memoryMiB, key: pool.key, into: &effects)
        }
    }

    private mutating func start(
        _ request: StartQueue.Request, memoryMiB needed: Int, key: PoolKey, into effects: inout [SchedulerEffect]
    ) {
        let number = nextEnvironmentNumber()
        environments[number] = Environment(
            pool: request.pool, state: .starting(for: request.owner), countedMiB: needed)
        memoryMiB += needed
        startsInProgress += 1
        pools[request.pool]?.environmentCount += 1
        effects.append(.start(number, key))
    }

    mutating func endStart(of owner: EnvironmentOwner, in pool: PoolNumber) {
        startsInProgress -= 1
        pools[pool]?.changeStarting(of: owner, by: -1)
    }

    /// Evicts the longest-idle environments until `needed` MiB fit; false, with nothing evicted, if they can't.
    private mutating func makeRoom(for needed: Int, into effects: inout [SchedulerEffect]) -> Bool {
        var missing = memoryMiB + needed - configuration.memoryMiBMax
        guard missing > 0 else { return true }
        let candidates = environments.filter { $0.value.state == .idle || $0.value.state == .unbound }
            .sorted { ($0.value.idleSince, $0.key) < ($1.value.idleSince, $1.key) }
        guard candidates.reduce(0, { $0 + $1.value.countedMiB }) >= missing else { return false }
        for (number, environment) in candidates where missing > 0 {
            missing -= environment.countedMiB
            destroy(number, .evicted, into: &effects)
        }
        return true
    }

    /// After an environment is no longer to be counted on: a new one for whoever waited for it.
    mutating func startForWaiting(_ environment: Environment, now: Moment, into effects: inout [SchedulerEffect]) {
        guard let owner = environment.bound?.owner else { return }
        while let pool = pools[environment.pool], pool.uncovered(owner) > 0 {
            if requestStart(in: environment.pool, owner: owner) { continue }
            guard let last = pool.owners[owner]?.waiting.last else { break }
            refuseWaiting(last, .tenantEnvironments, into: &effects)
        }
        pumpStarts(now: now, into: &effects)
    }

    /// Ends the environment's invocation in the ledger; nil if it had none.
    mutating func endInvocation(of environment: Environment) -> EnvironmentOwner? {
        guard case .busy(let invocation) = environment.state else { return nil }
        end(invocation)
        return environment.bound?.owner
    }

    mutating func end(_ number: InvocationNumber) {
        guard let invocation = invocations.removeValue(forKey: number),
            let function = pools[invocation.pool]?.function
        else { return }
        ledger.end(function: function, owner: invocation.owner)
    }
}
