import CloisterCore
import Testing

@Suite struct SchedulerLifetimeTests {
    private func expect(
        _ effects: [SchedulerEffect], _ expected: [String], sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(short(effects) == expected, sourceLocation: sourceLocation)
    }

    /// One idle environment of tenant a, number 1.
    private func warm(_ harness: inout SchedulerHarness, _ pool: PoolNumber, _ tenant: String = "a", _ number: Int = 1)
    {
        _ = harness.invoke(pool, tenant)
        _ = harness.ready(number)
        _ = harness.done(number)
    }

    @Test func idleFreezesThawsAndAges() {
        var harness = SchedulerHarness { $0.keepAlive = FixedKeepAlive(.seconds(60)) }
        let pool = harness.open()
        warm(&harness, pool)
        expect(harness.pass(9), [])
        expect(harness.pass(1), ["freeze 1"])
        expect(harness.pass(1_000), [])
        expect(harness.invoke(pool, "a"), ["run 2 on 1 of a frozen"])
        expect(harness.pass(100_000), [])
        expect(harness.done(1), [])
        expect(harness.pass(59_999), ["freeze 1"])
        expect(harness.pass(1), ["destroy 1 idle"])
        #expect(harness.scheduler.nextDeadline == nil)
        #expect(harness.scheduler.totals.owners == 0)
        #expect(harness.scheduler.totals.memoryMiB == 0)
    }

    @Test func aBusyEnvironmentIsNotFrozen() {
        var harness = SchedulerHarness()
        let pool = harness.open()
        warm(&harness, pool)
        for _ in 1...10 {
            expect(harness.pass(5), [])
            #expect(harness.invoke(pool, "a").count == 1)
            expect(harness.done(1), [])
        }
        expect(harness.pass(10), ["freeze 1"])
    }

    struct ByTenant: KeepAlivePolicy {
        func plan(pool: PoolKey, owner: EnvironmentOwner?, history: ArrivalHistory?) -> IdlePlan {
            IdlePlan(warm: owner?.tenant?.rawValue == "gold" ? .seconds(100) : .seconds(1))
        }
    }

    @Test func keepAliveIsThePolicys() {
        var harness = SchedulerHarness { $0.keepAlive = ByTenant() }
        let pool = harness.open()
        warm(&harness, pool, "gold", 1)
        warm(&harness, pool, "tin", 2)
        expect(harness.pass(99_999), ["freeze 1", "freeze 2", "destroy 2 idle"])
        expect(harness.pass(1), ["destroy 1 idle"])
    }

    @Test func memoryPressureEvictsTheLongestIdle() {
        var harness = SchedulerHarness { $0.memoryMiBMax = 300 }
        let pool = harness.open(memoryMiB: 100)
        for (index, tenant) in ["a", "b", "c"].enumerated() {
            warm(&harness, pool, tenant, index + 1)
            _ = harness.pass(1)
        }
        _ = harness.invoke(pool, "a")
        _ = harness.done(1)
        expect(harness.invoke(pool, "d"), ["destroy 2 evicted", "start 4"])
        expect(harness.invoke(pool, "e"), ["destroy 3 evicted", "start 5"])
        #expect(harness.scheduler.contradictions() == [])
    }

    @Test func nothingIsEvictedForWhatWouldNotFit() {
        var harness = SchedulerHarness { $0.memoryMiBMax = 300 }
        let pool = harness.open(memoryMiB: 100)
        let large = harness.open("g", memoryMiB: 250)
        warm(&harness, pool, "a", 1)
        _ = harness.invoke(pool, "b")
        expect(harness.invoke(large, "c"), [])
        expect(harness.ready(2), ["run 2 on 2 of b"])
        #expect(harness.scheduler.totals.environments == 2)
        // The moment that memory can be made, it is.
        expect(harness.done(2), ["destroy 1 evicted", "destroy 2 evicted", "start 3"])
    }

    @Test func whatIsLargerThanAllMemoryIsRefusedAtOnce() {
        var harness = SchedulerHarness { $0.memoryMiBMax = 300 }
        let large = harness.open(memoryMiB: 301)
        expect(harness.invoke(large, "a"), ["refuse 1 capacity"])
    }

    @Test func frozenEnvironmentsAreCountedWithWhatTheyHold() {
        var harness = SchedulerHarness { $0.memoryMiBMax = 200 }
        let pool = harness.open(memoryMiB: 100)
        warm(&harness, pool, "a", 1)
        warm(&harness, pool, "b", 2)
        expect(harness.holds(1, 20), [])
        #expect(harness.scheduler.totals.memoryMiB == 200)
        expect(harness.pass(10), ["freeze 1", "freeze 2"])
        expect(harness.holds(1, 20), [])
        expect(harness.holds(2, 9_999), [])
        #expect(harness.scheduler.totals.memoryMiB == 120)
        expect(harness.holds(2, -5), [])
        #expect(harness.scheduler.totals.memoryMiB == 20)
        expect(harness.invoke(pool, "c"), ["start 3"])
        // Thawing counts in full again, even beyond the maximum; then nothing starts.
        expect(harness.invoke(pool, "a"), ["run 4 on 1 of a frozen"])
        expect(harness.invoke(pool, "b"), ["run 5 on 2 of b frozen"])
        #expect(harness.scheduler.totals.memoryMiB == 300)
        expect(harness.invoke(pool, "d"), [])
        #expect(harness.scheduler.contradictions() == [])
    }

    @Test func aWaitingStartGoesOnWhenMemoryIsReported() {
        var harness = SchedulerHarness { $0.memoryMiBMax = 200 }
        let pool = harness.open(memoryMiB: 100)
        let large = harness.open("g", memoryMiB: 150)
        _ = harness.invoke(pool, "a")
        _ = harness.ready(1)
        warm(&harness, pool, "b", 2)
        _ = harness.pass(10)
        expect(harness.invoke(large, "c"), [])
        _ = harness.done(1)
        #expect(harness.scheduler.totals.startRequests == 0)
    }

    @Test func recoveryKeepsTheOwner() {
        var harness = SchedulerHarness()
        let pool = harness.open()
        _ = harness.invoke(pool, "a")
        _ = harness.ready(1)
        expect(harness.recovering(1), [])
        #expect(harness.scheduler.totals.active == 0)
        expect(harness.invoke(pool, "a"), [])
        expect(harness.invoke(pool, "b"), ["start 2"])
        expect(harness.released(1), ["run 2 on 1 of a"])
        #expect(harness.scheduler.contradictions() == [])
    }

    @Test func aSlowRecoveryIsNotWaitedFor() {
        var harness = SchedulerHarness { $0.recoveringMax = .milliseconds(100) }
        let pool = harness.open()
        _ = harness.invoke(pool, "a")
        _ = harness.ready(1)
        _ = harness.recovering(1)
        expect(harness.invoke(pool, "a"), [])
        expect(harness.pass(99), [])
        expect(harness.pass(1), ["start 2"])
        expect(harness.ready(2), ["run 2 on 2 of a"])
        expect(harness.released(1), [])
        expect(harness.invoke(pool, "a"), ["run 3 on 1 of a"])
        #expect(harness.scheduler.contradictions() == [])
    }

    @Test func aRestartThawsAndCountsInFull() {
        var harness = SchedulerHarness()
        let pool = harness.open(memoryMiB: 100)
        warm(&harness, pool)
        expect(harness.pass(10), ["freeze 1"])
        _ = harness.holds(1, 30)
        expect(harness.recovering(1), [])
        #expect(harness.scheduler.totals.memoryMiB == 100)
        expect(harness.invoke(pool, "a"), [])
        expect(harness.released(1), ["run 2 on 1 of a"])
        expect(harness.done(1), [])
        expect(harness.pass(10), ["freeze 1"])
    }

    @Test func aFailedUnboundEnvironmentIsOfferedToNobody() {
        var harness = SchedulerHarness { $0.waitMax = .seconds(1) }
        let pool = harness.open()
        _ = harness.invoke(pool, "a")
        _ = harness.pass(1_000)
        expect(harness.ready(1), [])
        #expect(harness.scheduler.totals.unbound == 1)
        expect(harness.recovering(1), ["destroy 1 failed"])
        #expect(harness.scheduler.totals.unbound == 0)
        expect(harness.invoke(pool, "a"), ["start 2"])
    }

    @Test func aLostBusyEnvironmentLeavesNothing() {
        var harness = SchedulerHarness()
        let pool = harness.open()
        warm(&harness, pool)
        _ = harness.invoke(pool, "a")
        expect(harness.lost(1), [])
        #expect(harness.scheduler.totals.owners == 0)
        #expect(harness.scheduler.totals.active == 0)
        expect(harness.retire(pool), [])
        #expect(harness.scheduler.totals.pools == 0)
    }

    @Test func aLostFinishingEnvironmentIsReplaced() {
        var harness = SchedulerHarness()
        let pool = harness.open()
        _ = harness.invoke(pool, "a")
        _ = harness.ready(1)
        _ = harness.answered(1)
        expect(harness.invoke(pool, "a"), [])
        expect(harness.lost(1), ["start 2"])
        expect(harness.ready(2), ["run 2 on 2 of a"])
    }

    @Test func aFailedStartFailsOneInvocation() {
        var harness = SchedulerHarness()
        let pool = harness.open()
        for _ in 1...2 { _ = harness.invoke(pool, "a") }
        expect(harness.lost(2), ["fail 1 with 2"])
        expect(harness.ready(1), ["run 2 on 1 of a"])
        expect(harness.invoke(pool, "a"), ["start 3"])
        _ = harness.done(1)
        // Served otherwise meanwhile: nobody fails.
        expect(harness.lost(3), [])
        #expect(harness.scheduler.contradictions() == [])
    }

    @Test func retiringEndsThePool() {
        var harness = SchedulerHarness { $0.startsMax = 1 }
        let pool = harness.open()
        warm(&harness, pool, "idle", 1)
        _ = harness.invoke(pool, "busy")
        _ = harness.ready(2)
        expect(harness.invoke(pool, "waiting"), ["start 3"])
        expect(harness.retire(pool), ["destroy 1 retired"])
        expect(harness.invoke(pool, "new"), ["refuse 4 capacity"])
        expect(harness.ready(3), ["run 3 on 3 of waiting"])
        expect(harness.done(2), ["destroy 2 retired"])
        #expect(harness.scheduler.totals.pools == 1)
        expect(harness.done(3), ["destroy 3 retired"])
        #expect(harness.scheduler.totals.pools == 0)
        #expect(harness.scheduler.totals.memoryMiB == 0)
        expect(harness.retire(pool), [])
    }

    @Test func aRetiredPoolsLateEnvironmentIsDestroyed() {
        var harness = SchedulerHarness { $0.waitMax = .seconds(1) }
        let pool = harness.open()
        _ = harness.invoke(pool, "a")
        expect(harness.retire(pool), [])
        expect(harness.pass(1_000), ["refuse 1 capacity"])
        expect(harness.ready(1), ["destroy 1 retired"])
        #expect(harness.scheduler.totals == Scheduler.Totals())
    }

    @Test func everythingReturnsToZero() {
        var harness = SchedulerHarness {
            $0.keepAlive = FixedKeepAlive(.seconds(1))
            $0.startsMax = 100
        }
        let pool = harness.open()
        for index in 1...20 { _ = harness.invoke(pool, "t\(index % 7)") }
        for index in 1...20 { _ = harness.ready(index) }
        for index in 1...20 { _ = harness.done(index) }
        #expect(harness.scheduler.totals.environments == 20)
        _ = harness.pass(60_000)
        _ = harness.retire(pool)
        #expect(harness.scheduler.totals == Scheduler.Totals())
        #expect(harness.scheduler.nextDeadline == nil)
    }
}
