import CloisterCore
import Testing

@Suite struct SchedulerPlacementTests {
    private func expect(
        _ effects: [SchedulerEffect], _ expected: [String], sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(short(effects) == expected, sourceLocation: sourceLocation)
    }

    @Test func coldThenWarm() {
        var harness = SchedulerHarness()
        let pool = harness.open()
        expect(harness.invoke(pool, "a"), ["start 1"])
        expect(harness.ready(1), ["run 1 on 1 of a"])
        expect(harness.done(1), [])
        expect(harness.invoke(pool, "a"), ["run 2 on 1 of a"])
        #expect(harness.scheduler.contradictions() == [])
    }

    @Test func anotherTenantGetsAnotherEnvironment() {
        var harness = SchedulerHarness()
        let pool = harness.open()
        expect(harness.invoke(pool, "a"), ["start 1"])
        expect(harness.ready(1), ["run 1 on 1 of a"])
        expect(harness.done(1), [])
        expect(harness.invoke(pool, "b"), ["start 2"])
        expect(harness.ready(2), ["run 2 on 2 of b"])
        expect(harness.done(2), [])
        expect(harness.invoke(pool, "a"), ["run 3 on 1 of a"])
        expect(harness.invoke(pool, "b"), ["run 4 on 2 of b"])
    }

    @Test func anotherFunctionOrRevisionGetsAnotherEnvironment() {
        var harness = SchedulerHarness()
        let pool = harness.open("f")
        let other = harness.open("g")
        let update = harness.open("f")
        expect(harness.invoke(pool, "a"), ["start 1"])
        expect(harness.ready(1), ["run 1 on 1 of a"])
        expect(harness.done(1), [])
        expect(harness.invoke(other, "a"), ["start 2"])
        expect(harness.invoke(update, "a"), ["start 3"])
    }

    @Test func theLastOneInIsTheFirstOneOut() {
        var harness = SchedulerHarness()
        let pool = harness.open()
        for _ in 1...3 { _ = harness.invoke(pool, "a") }
        for number in 1...3 { _ = harness.ready(number) }
        for number in [2, 3, 1] { expect(harness.done(number), []) }
        expect(harness.invoke(pool, "a"), ["run 4 on 1 of a"])
        expect(harness.invoke(pool, "a"), ["run 5 on 3 of a"])
        expect(harness.invoke(pool, "a"), ["run 6 on 2 of a"])
    }

    /// The environment that comes too late for the one who asked stays unbound, for whoever comes first.
    @Test func unboundEnvironmentsAreBoundOnFirstUse() {
        var harness = SchedulerHarness()
        let pool = harness.open()
        _ = harness.invoke(pool, "a")
        _ = harness.ready(1)
        expect(harness.invoke(pool, "a"), ["start 2"])
        expect(harness.answered(1), [])
        expect(harness.released(1), ["run 2 on 1 of a"])
        expect(harness.ready(2), [])
        #expect(harness.scheduler.totals.unbound == 1)
        expect(harness.invoke(pool, "b"), ["run 3 on 2 of b"])
        #expect(harness.scheduler.totals.unbound == 0)
        expect(harness.done(2), [])
        expect(harness.invoke(pool, "a"), ["start 3"])
        #expect(harness.scheduler.contradictions() == [])
    }

    @Test func anEnvironmentServesWhoeverWaitsLongestIfItsOwnIsServed() {
        var harness = SchedulerHarness { $0.startsMax = 1 }
        let pool = harness.open()
        _ = harness.invoke(pool, "a")
        _ = harness.ready(1)
        expect(harness.invoke(pool, "a"), ["start 2"])
        expect(harness.invoke(pool, "b"), [])
        expect(harness.invoke(pool, "c"), [])
        expect(harness.done(1), ["run 2 on 1 of a"])
        expect(harness.ready(2), ["run 3 on 2 of b", "start 3"])
        expect(harness.ready(3), ["run 4 on 3 of c"])
        expect(harness.done(3), [])
        #expect(harness.scheduler.totals.startRequests == 0)
        #expect(harness.scheduler.contradictions() == [])
    }

    @Test func aFinishingEnvironmentIsWaitedFor() {
        var harness = SchedulerHarness()
        let pool = harness.open()
        _ = harness.invoke(pool, "a")
        _ = harness.ready(1)
        _ = harness.answered(1)
        expect(harness.invoke(pool, "a"), [])
        expect(harness.released(1), ["run 2 on 1 of a"])
    }

    @Test func aLingeringEnvironmentIsNot() {
        var harness = SchedulerHarness()
        let pool = harness.open()
        _ = harness.invoke(pool, "a")
        _ = harness.ready(1)
        _ = harness.answered(1)
        expect(harness.invoke(pool, "a"), [])
        expect(harness.pass(19), [])
        expect(harness.pass(1), ["start 2"])
        expect(harness.ready(2), ["run 2 on 2 of a"])
        expect(harness.released(1), [])
        expect(harness.invoke(pool, "a"), ["run 3 on 1 of a"])
        #expect(harness.scheduler.contradictions() == [])
    }

    /// The time to finish counts from the last answer, not from an earlier one.
    @Test func eachAnswerHasItsOwnTimeToFinish() {
        var harness = SchedulerHarness()
        let pool = harness.open()
        _ = harness.invoke(pool, "a")
        _ = harness.ready(1)
        _ = harness.done(1)
        _ = harness.pass(5)
        _ = harness.invoke(pool, "a")
        _ = harness.pass(14)
        _ = harness.answered(1)
        expect(harness.invoke(pool, "a"), [])
        expect(harness.pass(10), [])
        expect(harness.pass(10), ["start 2"])
    }

    @Test func functionsWithoutTenantsShareTheirEnvironments() {
        var harness = SchedulerHarness()
        let pool = harness.open(isolated: false)
        expect(harness.invoke(pool, nil), ["start 1"])
        expect(harness.ready(1), ["run 1 on 1 of function"])
        expect(harness.done(1), [])
        expect(harness.invoke(pool, nil), ["run 2 on 1 of function"])
    }

    @Test func oneAtATime() {
        var harness = SchedulerHarness()
        let pool = harness.open()
        _ = harness.invoke(pool, "a")
        _ = harness.ready(1)
        expect(harness.invoke(pool, "a"), ["start 2"])
        expect(harness.released(1), [])
        expect(harness.ready(1), [])
    }

    @Test func reportsOutOfTurnChangeNothing() {
        var harness = SchedulerHarness()
        let pool = harness.open()
        _ = harness.invoke(pool, "a")
        let before = harness.scheduler.totals
        for number in [0, 1, 99] {
            expect(harness.answered(number), [])
            expect(harness.released(number), [])
            expect(harness.recovering(number), [])
            expect(harness.holds(number, 1), [])
        }
        expect(harness.ready(99), [])
        expect(harness.lost(99), [])
        expect(harness.retire(PoolNumber(99)), [])
        #expect(harness.scheduler.totals == before)
        expect(harness.invoke(PoolNumber(99), "a"), ["refuse 2 capacity"])
    }
}
