import CloisterCore

/// Carries out the scheduler's effects and holds each of them against the witness.
extension Simulation {
    /// `invoking`: the invocation that has just come in. `losing`: the environment that has just gone.
    func perform(invoking: Int? = nil, losing: Int? = nil) {
        let current = effects
        effects.removeAll(keepingCapacity: true)
        for effect in current where report.failure == nil {
            switch effect {
            case .start(let number, let key): start(number.rawValue, key)
            case .run(let invocation, let bound, let isFrozen): run(invocation.rawValue, bound, isFrozen)
            case .refuse(let invocation, let throttle): refuse(invocation.rawValue, throttle, invoking)
            case .failStart(let invocation, let number): failStart(invocation.rawValue, number.rawValue, losing)
            case .freeze(let number): freeze(number.rawValue)
            case .destroy(let number, let reason): destroy(number.rawValue, reason)
            }
        }
        if !effects.isEmpty { fail("effects were lost") }
    }

    private func start(_ number: Int, _ key: PoolKey) {
        report.count("started")
        guard number == witness.environments.count, let pool = Int(key.revision), witness.pools.indices.contains(pool)
        else { return fail("environment \(number) starts in \(key.revision)") }
        let function = witness.pools[pool].function
        if key.version.function != witness.functions[function].key {
            fail("environment \(number) is another function's")
        }
        if witness.pools[pool].waiting == 0 { fail("environment \(number) starts although nobody waits in its pool") }
        let memory = witness.pools[pool].memoryMiB
        witness.environments.append(Witness.Environment(pool: pool, limitMiB: memory, countedMiB: memory))
        witness.environmentCount += 1
        witness.startsInProgress += 1
        witness.memoryMiB += memory
        witness.functions[function].environments += 1
        if witness.startsInProgress > scenario.scheduler.startsMax {
            fail("\(witness.startsInProgress) starts at once")
        }
        if witness.memoryMiB > scenario.scheduler.memoryMiBMax {
            fail("a start takes memory to \(witness.memoryMiB) MiB")
        }
        checkTenantEnvironments(function)
        if !witness.environments[number].machine.agentReady() { fail("the machine refuses the agent") }
        plan(.started(number, epoch: 0), after: random.span(1_000, scenario.initMax))
    }

    private func checkTenantEnvironments(_ index: Int) {
        let function = witness.functions[index]
        guard function.isIsolated, !function.wasReservationChanged else { return }
        let concurrency = function.reserved ?? scenario.scheduler.accountConcurrencyMax
        if function.environments * 1_000 > concurrency * scenario.scheduler.tenantEnvironmentsPerThousand {
            fail("\(function.environments) tenant environments for a concurrency of \(concurrency)")
        }
    }

    private func run(_ invocation: Int, _ bound: BoundEnvironment, _ isFrozen: Bool) {
        let number = bound.number.rawValue
        guard witness.environments.indices.contains(number), witness.invocations.indices.contains(invocation) else {
            return fail("invocation \(invocation) runs on \(number), which was never started")
        }
        let environment = witness.environments[number]
        let run = witness.invocations[invocation]
        if run.state != .waiting { fail("invocation \(invocation) runs twice, or after its end") }
        if run.owner != bound.owner { fail("invocation \(invocation) runs on an environment of another owner") }
        if let owner = environment.owner, owner != bound.owner { fail("environment \(number) has two owners") }
        if environment.pool != run.pool { fail("invocation \(invocation) runs in another function's environment") }
        if !environment.isEvictable {
            fail("invocation \(invocation) runs on \(number), which is \(environment.state)")
        }
        if environment.isFrozen != isFrozen { fail("environment \(number) is thawed wrongly") }
        witness.environments[number].owner = bound.owner
        if environment.state == .idle, witness.owners[key(number)]?.idle.popLast() != number {
            fail("environment \(number) wasn't the last one to become idle")
        }
        witness.set(number, .busy(invocation))
        witness.count(number, as: environment.limitMiB)
        witness.environments[number].isFrozen = false
        witness.invocations[invocation].state = .running
        witness.changeWaiting(run, by: -1)
        touch(number)
        report.count(environment.owner == nil ? "ran first" : isFrozen ? "ran thawed" : "ran warm")
        if !witness.environments[number].machine.deliver(RequestID(String(invocation))) {
            fail("environment \(number) isn't ready for an invocation")
        }
        let epoch = witness.environments[number].epoch
        plan(.answered(number, epoch: epoch), after: random.span(100, scenario.durationMax))
    }

    private func refuse(_ number: Int, _ throttle: Throttle, _ invoking: Int?) {
        let configuration = scenario.scheduler
        guard witness.invocations[number].state == .waiting else { return fail("invocation \(number) is refused late") }
        let waited = now - witness.invocations[number].since
        let pool = witness.pools[witness.invocations[number].pool]
        switch throttle {
        case .capacity:
            let isFull = number == invoking && witness.waiting > configuration.waitingMax
            if !isFull, waited < configuration.waitMax { fail("invocation \(number) is refused after \(waited)") }
        case .tenantEnvironments:
            if !pool.isIsolated { fail("a function without tenants has no tenant environments") }
        case .accountConcurrency, .reservedConcurrency, .tenantConcurrency:
            fail("invocation \(number) is refused with \(throttle) after it was let in")
        }
        report.count("refused: \(throttle)")
        end(number, .notRun)
    }

    private func failStart(_ invocation: Int, _ number: Int, _ losing: Int?) {
        if number != losing { fail("invocation \(invocation) fails with \(number), which has not gone") }
        guard witness.invocations[invocation].state == .waiting else {
            return fail("invocation \(invocation) fails late")
        }
        if witness.invocations[invocation].pool != witness.environments[number].pool { fail("a start fails elsewhere") }
        report.count("failed start")
        end(invocation, .functionError)
    }

    private func freeze(_ number: Int) {
        let environment = witness.environments[number]
        if !environment.isEvictable || environment.isFrozen { fail("environment \(number) can't be frozen") }
        if now - environment.idleSince < scenario.scheduler.freezeDelay {
            fail("environment \(number) is frozen early")
        }
        report.count("frozen")
        witness.environments[number].isFrozen = true
        if random.chance(0.8) {
            plan(.holds(number, epoch: environment.epoch), after: random.span(100, 2_000))
        }
    }

    private func destroy(_ number: Int, _ reason: DestroyReason) {
        let environment = witness.environments[number]
        let idle = now - environment.idleSince
        report.count("destroyed: \(reason.rawValue)")
        if !environment.isEvictable { fail("environment \(number) is destroyed while \(environment.state)") }
        switch reason {
        case .idle: if idle < scenario.keepAlive { fail("environment \(number) is reaped after \(idle)") }
        case .retired: if !witness.pools[environment.pool].isRetired { fail("environment \(number)'s pool lives") }
        case .evicted: checkLongestIdle(number)
        case .failed: if environment.state != .unbound { fail("environment \(number) is destroyed for a failure") }
        }
        leaveIdle(number)
        witness.environments[number].machine.terminate()
        witness.set(number, .gone)
    }

    /// Evicting `number` must leave none that has been idle for longer.
    private func checkLongestIdle(_ number: Int) {
        while idleIndex < idleOrder.count {
            let entry = idleOrder[idleIndex]
            let environment = witness.environments[entry.number]
            if environment.isEvictable, environment.idleSince == entry.since { break }
            idleIndex += 1
        }
        guard idleIndex < idleOrder.count else { return fail("environment \(number) is evicted, but none is idle") }
        if idleOrder[idleIndex].since < witness.environments[number].idleSince {
            fail("environment \(number) is evicted before one that has been idle for longer")
        }
    }
}
