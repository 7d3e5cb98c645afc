import CloisterCore

/// The invariants that hold between events.
extension Simulation {
    func check() {
        guard report.failure == nil else { return }
        checkTotals()
        checkWaiting()
        guard report.steps % scenario.deepCheckEvery == 0 else { return }
        for text in scheduler.contradictions() { fail(text) }
    }

    private func checkTotals() {
        let totals = scheduler.totals
        expect(totals.environments, witness.environmentCount, "environments")
        expect(totals.unbound, witness.unboundCount, "unbound environments")
        expect(totals.invocations, witness.active, "invocations")
        expect(totals.active, witness.active, "invocations in the ledger")
        expect(totals.activeUnreserved, witness.activeUnreserved, "unreserved invocations")
        expect(totals.waiting, witness.waiting, "waiting invocations")
        expect(totals.startsInProgress, witness.startsInProgress, "starts in progress")
        expect(totals.memoryMiB, witness.memoryMiB, "MiB")
        if !scenario.hasReservations, totals.active > scenario.scheduler.accountConcurrencyMax {
            fail("\(totals.active) invocations at once in the account")
        }
    }

    private func expect(_ actual: Int, _ expected: Int, _ what: String) {
        if actual != expected { fail("the scheduler has \(actual) \(what), not \(expected)") }
    }

    private func checkWaiting() {
        for key in touched {
            guard let owner = witness.owners[key], owner.waiting > 0 else { continue }
            if !owner.idle.isEmpty { fail("an invocation waits beside an idle environment of its owner") }
            if witness.pools[key.pool].unbound > 0 { fail("an invocation waits beside an unbound environment") }
        }
        touched.removeAll(keepingCapacity: true)
        while oldestIndex < oldest.count, witness.invocations[oldest[oldestIndex]].state != .waiting {
            oldestIndex += 1
        }
        if oldestIndex < oldest.count {
            let waited = now - witness.invocations[oldest[oldestIndex]].since
            let most = scenario.scheduler.waitMax.nanoseconds + scenario.lateness.nanoseconds
            if waited.nanoseconds > most {
                fail("invocation \(oldest[oldestIndex]) waits for \(waited.milliseconds) ms")
            }
        }
        checkProgress()
    }

    /// When something waits, something must be on its way, or memory must be in use by what can't be evicted.
    private func checkProgress() {
        guard witness.waiting > 0, witness.startsInProgress == 0, witness.expected == 0 else { return }
        // An owner above its share leaves a part free, and one at its own limit waits for itself.
        guard !scenario.hasTenantRules else { return }
        let reserve = scenario.scheduler.memoryMiBMax / scenario.scheduler.fairReserveDivisor
        let largest = (scenario.memorySizes.max() ?? 0) + reserve
        if witness.memoryMiB + largest <= scenario.scheduler.memoryMiBMax {
            fail("\(witness.waiting) invocations wait, and nothing is on its way")
        }
    }

    /// Everything has ended: nothing may be left.
    func finish() {
        for text in scheduler.contradictions() { fail(text) }
        for (number, invocation) in witness.invocations.enumerated() where invocation.state != .ended {
            fail("invocation \(number) never ends")
        }
        for function in witness.functions {
            scheduler.setReservedConcurrency(nil, for: function.key)
            guard let pool = function.pool else { continue }
            scheduler.retire(PoolNumber(pool), now: now, into: &effects)
        }
        if !effects.isEmpty { fail("environments outlived their keep-alive: \(effects)") }
        if scheduler.totals != Scheduler.Totals() { fail("something is left at the end: \(scheduler.totals)") }
        if queue.count != 0 || !events.isEmpty { fail("\(queue.count) events never end") }
        if queue.nextDue != nil { fail("the event queue waits for nothing") }
    }
}
