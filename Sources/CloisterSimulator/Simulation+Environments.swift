import CloisterCore

/// What environments do, and what befalls them.
extension Simulation {
    private func machine<Result>(
        _ number: Int, _ event: (inout EnvironmentStateMachine) throws -> Result
    ) -> Result? {
        do {
            return try event(&witness.environments[number].machine)
        } catch {
            fail("environment \(number) in \(witness.environments[number].state): \(error)")
            return nil
        }
    }

    func started(_ number: Int) {
        guard random.chance(scenario.initFailure) else {
            guard machine(number, { try $0.next() }) == .initialised else {
                return fail("environment \(number) isn't new")
            }
            scheduler.environmentReady(EnvironmentNumber(number), now: now, into: &effects)
            report.count("initialised")
            witness.set(number, .unbound)
            witness.environments[number].idleSince = now
            touch(number)
            perform()
            return
        }
        let action =
            switch random.below(4) {
            case 0: machine(number) { try $0.initErrorReported() }
            case 1: machine(number) { $0.runtimeExited() }
            case 2: machine(number) { $0.timedOut() }
            default: machine(number) { $0.sandboxLost() }
            }
        if action != .failInit { fail("environment \(number) fails to start with \(String(describing: action))") }
        lose(number)
    }

    func answered(_ number: Int) {
        guard case .busy(let invocation) = witness.environments[number].state else { return }
        let id = RequestID(String(invocation))
        if random.chance(scenario.failure) { return breakDown(number, invocation) }
        let isError = random.chance(0.1)
        if isError {
            _ = machine(number) { try $0.errorReported(id) }
        } else {
            _ = machine(number) { try $0.responseBegan(id) }
            if machine(number, { $0.responseEnded(id) }) != true { return fail("a response is not accepted") }
        }
        end(invocation, isError ? .functionError : .success)
        witness.set(number, .finishing)
        expectReturn(number, within: max(scenario.scheduler.finishingMax, scenario.scheduler.finishingLimit))
        scheduler.invocationAnswered(by: EnvironmentNumber(number), now: now, into: &effects)
        perform()
        let epoch = witness.environments[number].epoch
        if random.chance(scenario.lateReturn) {
            if random.chance(0.2) {
                plan(.vanished(number, epoch: epoch), after: .seconds(3))
            } else {
                plan(.returned(number, epoch: epoch), after: random.span(1_000, 400_000))
            }
        } else {
            plan(.returned(number, epoch: epoch), after: random.span(10, 1_000))
        }
    }

    private func breakDown(_ number: Int, _ invocation: Int) {
        let kind = random.below(3)
        let action =
            switch kind {
            case 0: machine(number) { $0.runtimeExited() }
            case 1: machine(number) { $0.timedOut() }
            default: machine(number) { $0.sandboxLost() }
            }
        guard action == .failInvocation(RequestID(String(invocation))) else {
            return fail("environment \(number) breaks down with \(String(describing: action))")
        }
        end(invocation, .functionError)
        if kind == 2 { lose(number) } else { recover(number) }
    }

    private func recover(_ number: Int) {
        report.count("restarted")
        let wasUnbound = witness.environments[number].state == .unbound
        leaveIdle(number)
        if !wasUnbound {
            witness.set(number, .recovering)
            witness.environments[number].isFrozen = false
            witness.environments[number].isHibernated = false
            witness.count(number, as: witness.environments[number].limitMiB)
            expectReturn(number, within: scenario.scheduler.recoveringMax)
        }
        touch(number)
        scheduler.environmentRecovering(EnvironmentNumber(number), now: now, into: &effects)
        if wasUnbound, report.failure == nil, effects.first != .destroy(EnvironmentNumber(number), .failed) {
            fail("an unbound environment that fails must be destroyed")
        }
        perform()
        guard !wasUnbound else { return }
        let epoch = witness.environments[number].epoch
        if random.chance(0.1) {
            plan(.vanished(number, epoch: epoch), after: .milliseconds(500))
        } else {
            plan(.restarted(number, epoch: epoch), after: random.span(1_000, scenario.initMax))
        }
    }

    private func expectReturn(_ number: Int, within span: TimeSpan) {
        witness.expect(number, true)
        let until = TimeSpan(nanoseconds: span.nanoseconds + scenario.lateness.nanoseconds)
        plan(.overdue(number, epoch: witness.environments[number].epoch), after: until)
    }

    func restarted(_ number: Int) {
        guard machine(number, { $0.agentStopped() }) == true else { return fail("environment \(number) can't restart") }
        guard machine(number, { try $0.next() }) == .recovered else {
            return fail("environment \(number) did not restart")
        }
        release(number)
    }

    func returned(_ number: Int) {
        guard machine(number, { try $0.next() }) == .released else { return fail("environment \(number) had no work") }
        release(number)
    }

    private func release(_ number: Int) {
        witness.expect(number, false)
        touch(number)
        witness.set(number, .idle)
        let pool = witness.environments[number].pool
        let isRetired = witness.pools[pool].isRetired
        witness.owners[key(number), default: Witness.Owner()].idle.append(number)
        witness.environments[number].idleSince = now
        scheduler.environmentReleased(EnvironmentNumber(number), now: now, into: &effects)
        perform()
        if isRetired, witness.environments[number].state == .idle { fail("a retired pool keeps an idle environment") }
    }

    func vanish(_ number: Int) {
        let state = witness.environments[number].state
        guard state != .gone else { return }
        let action = machine(number) { $0.sandboxLost() }
        let expected: EnvironmentStateMachine.EndAction =
            switch state {
            case .busy(let invocation): .failInvocation(RequestID(String(invocation)))
            case .starting: .failInit
            case .unbound, .idle, .finishing, .recovering, .gone: .destroy
            }
        if action != expected { fail("environment \(number) in \(state) vanishes with \(String(describing: action))") }
        if case .busy(let invocation) = state { end(invocation, .functionError) }
        lose(number)
    }

    /// Tells the scheduler that the environment is gone.
    private func lose(_ number: Int) {
        report.count("lost")
        touch(number)
        leaveIdle(number)
        witness.set(number, .gone)
        scheduler.environmentLost(EnvironmentNumber(number), now: now, into: &effects)
        perform(losing: number)
    }

    func leaveIdle(_ number: Int) {
        guard witness.environments[number].state == .idle else { return }
        witness.owners[key(number)]?.idle.removeAll { $0 == number }
    }

    func holds(_ number: Int, _ held: Int) {
        let environment = witness.environments[number]
        if environment.isFrozen, environment.isEvictable {
            witness.count(number, as: min(max(held, 0), environment.limitMiB))
        }
        scheduler.environmentHolds(EnvironmentNumber(number), memoryMiB: held, now: now, into: &effects)
        perform()
    }

    func key(_ number: Int) -> Witness.OwnerKey {
        let environment = witness.environments[number]
        return Witness.OwnerKey(pool: environment.pool, owner: environment.owner ?? .function)
    }

    func touch(_ number: Int) { touched.append(key(number)) }

    // MARK: Changes and faults

    /// One random change or fault.
    func disturb() {
        report.steps += 1
        let number = random.below(witness.environments.count)
        let function = random.below(witness.functions.count)
        switch random.below(16) {
        case 0, 1: if number > 0 { vanish(number) }
        case 2: exitWhileIdle(number)
        case 3: retire(function, reopens: true)
        case 4: retire(function, reopens: false)
        case 5, 6: reserve(function)
        case 7: holds(max(number, 1) % witness.environments.count, random.between(-5, 2_000))
        case 8: invokeRetired()
        case 9: provision(function)
        case 10, 11: reserveTenant(function)
        case 12, 13: rule()
        default: speakOutOfTurn(number)
        }
    }

    private func exitWhileIdle(_ number: Int) {
        let state = witness.environments[number].state
        guard state == .idle || state == .unbound else { return }
        if machine(number, { $0.runtimeExited() }) != .restart { fail("an idle environment's exit must restart it") }
        recover(number)
    }

    private func retire(_ function: Int, reopens: Bool) {
        guard let pool = witness.functions[function].pool else { return }
        report.count(reopens ? "updated" : "deleted")
        witness.pools[pool].isRetired = true
        forgetAhead(pool)
        witness.functions[function].pool = nil
        scheduler.retire(PoolNumber(pool), now: now, into: &effects)
        perform()
        if witness.pools[pool].unbound > 0 { fail("a retired pool keeps unbound environments") }
        if reopens {
            openPool(function)
        } else {
            plan(.functionCreated(function), after: random.span(1_000, 5_000_000))
        }
    }

    private func reserve(_ function: Int) {
        guard scenario.hasReservations else { return }
        let free = max(0, scenario.scheduler.accountConcurrencyMax - witness.reservedSum)
        let reserved = random.chance(0.4) ? nil : random.between(0, free)
        witness.reserve(reserved, function: function)
        scheduler.setReservedConcurrency(reserved, for: witness.functions[function].key)
        report.count("reserved")
    }

    private func provision(_ function: Int) {
        guard scenario.hasAhead, let pool = witness.functions[function].pool else { return }
        let count = random.pick([0, 1, 3, 20])
        witness.pools[pool].provisioned = count
        report.count("provisioned")
        scheduler.setProvisioned(PoolNumber(pool), count, now: now, into: &effects)
        perform()
    }

    private func reserveTenant(_ function: Int) {
        guard scenario.hasAhead, let pool = witness.functions[function].pool, witness.pools[pool].isIsolated else {
            return
        }
        let owner = random.pick(tenants)
        guard let tenant = owner.tenant else { return }
        let count = random.pick([0, 1, 2, 5])
        witness.owners[Witness.OwnerKey(pool: pool, owner: owner), default: Witness.Owner()].reserved = count
        report.count("reserved for a tenant")
        scheduler.setReservation(tenant, PoolNumber(pool), count, now: now, into: &effects)
        perform()
    }

    /// A tenant gets limits, or is suspended for a while.
    private func rule() {
        guard scenario.hasTenantRules else { return }
        let owner = random.pick(tenants)
        guard let tenant = owner.tenant else { return }
        var state = witness.tenants[owner] ?? Witness.Tenant()
        if random.chance(0.5) {
            state.isSuspended.toggle()
            witness.tenants[owner] = state
            report.count(state.isSuspended ? "suspended" : "reinstated")
            if state.isSuspended {
                scheduler.suspend(tenant, now: now, into: &effects)
            } else {
                scheduler.reinstate(tenant, now: now, into: &effects)
            }
            perform()
            return
        }
        if state.limits == nil { state.rateDue = .min }
        state.limits = random.chance(0.3) ? nil : TenantLimits(
            concurrencyMax: random.pick([nil, 0, 1, 20]), ratePerSecondMax: random.pick([nil, 1, 50]),
            rateBurst: random.between(1, 20), memoryMiBMax: random.pick([nil, 128, 1_000]), weight: random.pick([1, 4]))
        witness.tenants[owner] = state
        report.count("limited")
        scheduler.setLimits(state.limits, for: tenant)
    }

    private func forgetAhead(_ pool: Int) {
        witness.pools[pool].provisioned = 0
        for key in witness.owners.keys where key.pool == pool { witness.owners[key]?.reserved = 0 }
    }

    /// Takes back what would keep environments for ever.
    func drain() {
        for pool in witness.pools.indices.dropFirst() where !witness.pools[pool].isRetired {
            forgetAhead(pool)
            scheduler.setProvisioned(PoolNumber(pool), 0, now: now, into: &effects)
            for owner in tenants {
                guard let tenant = owner.tenant else { continue }
                scheduler.setReservation(tenant, PoolNumber(pool), 0, now: now, into: &effects)
            }
            perform()
        }
        for owner in tenants {
            guard let tenant = owner.tenant else { continue }
            witness.tenants[owner]?.isSuspended = false
            witness.tenants[owner]?.limits = nil
            scheduler.setLimits(nil, for: tenant)
            scheduler.reinstate(tenant, now: now, into: &effects)
            perform()
        }
    }

    private func invokeRetired() {
        let pool = random.below(witness.pools.count)
        guard witness.pools[pool].isRetired else { return }
        invoke(pool: pool, witness.pools[pool].isIsolated ? tenants[0] : .function, event: nil)
    }

    /// Reports and Runtime API calls that don't fit the state must change nothing.
    private func speakOutOfTurn(_ index: Int) {
        let number = EnvironmentNumber(index)
        let environment = witness.environments[index]
        var machine = environment.machine
        let before = scheduler.totals
        if environment.state != .starting { scheduler.environmentReady(number, now: now, into: &effects) }
        if case .busy(let invocation) = environment.state {
            scheduler.environmentReleased(number, now: now, into: &effects)
            if (try? machine.next()) != nil { fail("a busy environment gets another invocation") }
            if (try? machine.responseBegan(RequestID("\(invocation)0"))) != nil { fail("another's answer is accepted") }
            if machine.deliver(RequestID("x")) { fail("a busy environment takes an invocation") }
        } else {
            scheduler.invocationAnswered(by: number, now: now, into: &effects)
            if (try? machine.responseBegan(RequestID("1"))) != nil { fail("an answer to nothing is accepted") }
            if (try? machine.errorReported(RequestID("1"))) != nil { fail("an error for nothing is accepted") }
        }
        if environment.isEvictable || environment.state == .starting || environment.state == .gone {
            scheduler.environmentReleased(number, now: now, into: &effects)
        }
        if environment.state == .starting || environment.state == .gone {
            scheduler.environmentRecovering(number, now: now, into: &effects)
        }
        if environment.state == .gone { scheduler.environmentLost(number, now: now, into: &effects) }
        if !effects.isEmpty || scheduler.totals != before { fail("a report out of turn has effects: \(effects)") }
        if machine != environment.machine { fail("a call out of turn changes the lifecycle") }
        report.count("out of turn")
    }
}
