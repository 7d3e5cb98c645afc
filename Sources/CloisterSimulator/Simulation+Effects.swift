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
            case .bind(let bound): bind(bound)
            case .hibernate(let number): hibernate(number.rawValue)
            case .resume(let number): resume(number.rawValue)
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
        if witness.pools[pool].waiting == 0, !startsAhead(pool) { fail("environment \(number) starts although nobody waits in its pool") }
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

    /// Whether environments of the pool may start although nobody waits.
    private func startsAhead(_ pool: Int) -> Bool {
        scenario.isAdaptive || isDraining || witness.pools[pool].provisioned > 0
            || witness.owners.contains { $0.key.pool == pool && $0.value.reserved > 0 }
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
        witness.environments[number].isHibernated = false
        witness.invocations[invocation].state = .running
        witness.changeWaiting(run, by: -1)
        touch(number)
        if witness.tenants[run.owner]?.isSuspended == true { fail("a suspended tenant's invocation runs") }
        report.count(environment.owner == nil ? "ran first" : environment.isHibernated ? "ran resumed" : isFrozen ? "ran thawed" : "ran warm")
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
        case .tenantMemory:
            if witness.tenants[witness.invocations[number].owner]?.limits?.memoryMiBMax == nil { fail("there is no limit") }
        case .tenantSuspended:
            if witness.tenants[witness.invocations[number].owner]?.isSuspended != true { fail("nobody is suspended") }
        case .accountConcurrency, .reservedConcurrency, .tenantConcurrency, .tenantRate:
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

    private func bind(_ bound: BoundEnvironment) {
        let number = bound.number.rawValue
        let environment = witness.environments[number]
        if environment.state != .unbound || environment.owner != nil { fail("environment \(number) is bound again") }
        if witness.tenants[bound.owner]?.isSuspended == true { fail("an environment is bound to a suspended tenant") }
        witness.environments[number].owner = bound.owner
        witness.set(number, .idle)
        if witness.owners[key(number)]?.reserved ?? 0 == 0, !scenario.isAdaptive { fail("nobody wants \(number)") }
        witness.environments[number].idleSince = now
        witness.owners[key(number), default: Witness.Owner()].idle.append(number)
        report.count("bound ahead")
        touch(number)
    }

    private func hibernate(_ number: Int) {
        let environment = witness.environments[number]
        if environment.state != .idle || !environment.isFrozen || environment.isHibernated {
            fail("environment \(number) can't be hibernated")
        }
        checkKept(number)
        report.count("hibernated")
        witness.environments[number].isHibernated = true
        plan(.holds(number, epoch: environment.epoch), after: random.span(1_000, 200_000))
    }

    private func resume(_ number: Int) {
        if !witness.environments[number].isHibernated { fail("environment \(number) isn't hibernated") }
        report.count("resumed ahead")
        witness.environments[number].isHibernated = false
        witness.count(number, as: witness.environments[number].limitMiB)
        if witness.memoryMiB > scenario.scheduler.memoryMiBMax { fail("a resume ahead takes too much memory") }
    }

    private func destroy(_ number: Int, _ reason: DestroyReason) {
        let environment = witness.environments[number]
        let idle = now - environment.idleSince
        report.count("destroyed: \(reason.rawValue)")
        if reason == .suspended {
            guard let owner = environment.owner, witness.tenants[owner]?.isSuspended == true else {
                return fail("environment \(number) is destroyed for a suspension")
            }
            if case .busy(let invocation) = environment.state { end(invocation, .functionError) }
        } else if !environment.isEvictable {
            fail("environment \(number) is destroyed while \(environment.state)")
        }
        switch reason {
        case .idle:
            if !scenario.isAdaptive, idle < scenario.keepAlive { fail("environment \(number) is reaped after \(idle)") }
            checkKept(number)
        case .retired: if !witness.pools[environment.pool].isRetired { fail("environment \(number)'s pool lives") }
        case .evicted: checkKept(number)
        case .failed: if environment.state != .unbound { fail("environment \(number) is destroyed for a failure") }
        case .suspended: break
        }
        leaveIdle(number)
        witness.environments[number].machine.terminate()
        witness.set(number, .gone)
    }

    /// Neither reservations nor provisioned concurrency may lose what they have.
    private func checkKept(_ number: Int) {
        let environment = witness.environments[number]
        let pool = witness.pools[environment.pool]
        if environment.state == .unbound, pool.isIsolated, pool.unbound <= pool.provisioned {
            fail("environment \(number) is provisioned, and goes")
        }
        guard let owner = witness.owners[key(number)], owner.reserved > 0, !environment.isHibernated else { return }
        let warm = owner.idle.filter { !witness.environments[$0].isHibernated }.count
        if environment.state == .idle, warm <= owner.reserved { fail("environment \(number) is reserved, and goes") }
    }
}
