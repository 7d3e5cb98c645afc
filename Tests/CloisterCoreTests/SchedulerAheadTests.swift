import CloisterCore
import Testing

/// Provisioned concurrency, reservations, limits and suspension, hibernation and expected calls.
@Suite struct SchedulerAheadTests {
    private func expect(
        _ effects: [SchedulerEffect], _ expected: [String], sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(short(effects) == expected, sourceLocation: sourceLocation)
    }

    private func tenant(_ name: String) throws -> TenantID { try #require(TenantID(name)) }

    private func warm(_ harness: inout SchedulerHarness, _ pool: PoolNumber, _ tenant: String, _ number: Int) {
        _ = harness.invoke(pool, tenant)
        _ = harness.ready(number)
        _ = harness.done(number)
    }

    // MARK: Provisioned concurrency

    @Test func whatIsBoundIsReplacedAtOnce() {
        var harness = SchedulerHarness()
        let pool = harness.open()
        expect(harness.provision(pool, 2), ["start 1", "start 2"])
        expect(harness.ready(1), [])
        expect(harness.ready(2), [])
        expect(harness.invoke(pool, "a"), ["run 1 on 2 of a", "start 3"])
        expect(harness.invoke(pool, "b"), ["run 2 on 1 of b", "start 4"])
        expect(harness.invoke(pool, "c"), ["start 5"])
        let metrics = harness.scheduler.provisionedConcurrency(of: pool)
        #expect(metrics?.invocations == 2)
        #expect(metrics?.spilloverInvocations == 1)
        #expect(metrics?.utilization == 1)
        #expect(harness.scheduler.contradictions() == [])
    }

    @Test func provisionedOnesStayWhateverHappens() {
        var harness = SchedulerHarness {
            $0.memoryMiBMax = 300
            $0.keepAlive = FixedKeepAlive(.seconds(1))
        }
        let pool = harness.open(memoryMiB: 100)
        _ = harness.provision(pool, 2)
        _ = harness.ready(1)
        _ = harness.ready(2)
        expect(harness.pass(100_000), ["freeze 1", "freeze 2"])
        let other = harness.open("g", memoryMiB: 200)
        expect(harness.invoke(other, "a"), [])
        expect(harness.provision(pool, 0), ["destroy 1 evicted", "start 3"])
        #expect(harness.scheduler.contradictions() == [])
    }

    @Test func withoutTenantsTheyServeOneAfterTheOther() {
        var harness = SchedulerHarness()
        let pool = harness.open(isolated: false)
        expect(harness.provision(pool, 1), ["start 1"])
        _ = harness.ready(1)
        expect(harness.invoke(pool, nil), ["run 1 on 1 of function"])
        #expect(harness.scheduler.provisionedConcurrency(of: pool)?.inUse == 1)
        expect(harness.done(1), [])
        #expect(harness.scheduler.provisionedConcurrency(of: pool)?.inUse == 0)
        expect(harness.pass(10_000_000), ["freeze 1"])
        expect(harness.lost(1), ["start 2"])
    }

    @Test func aFailedStartIsTriedAgainLater() {
        var harness = SchedulerHarness()
        let pool = harness.open()
        _ = harness.provision(pool, 1)
        expect(harness.lost(1), [])
        expect(harness.pass(999), [])
        expect(harness.pass(1), ["start 2"])
        expect(harness.lost(2), [])
        expect(harness.pass(1_999), [])
        expect(harness.pass(1), ["start 3"])
        expect(harness.retire(pool), [])
        expect(harness.ready(3), ["destroy 3 retired"])
        #expect(harness.scheduler.totals == Scheduler.Totals())
    }

    // MARK: Reservations

    @Test func aReservationIsBoundBeforeAnyInvocation() throws {
        var harness = SchedulerHarness { $0.keepAlive = FixedKeepAlive(.seconds(1)) }
        let pool = harness.open()
        expect(harness.reserve(try tenant("a"), pool, 2), ["start 1", "start 2"])
        expect(harness.ready(1), ["bind 1 to a"])
        expect(harness.ready(2), ["bind 2 to a"])
        expect(harness.invoke(pool, "b"), ["start 3"])
        expect(harness.invoke(pool, "a"), ["run 2 on 2 of a"])
        _ = harness.done(2)
        expect(harness.pass(100_000), ["freeze 1", "freeze 2", "refuse 1 capacity"])
        #expect(harness.scheduler.reservedCount(try tenant("a"), pool) == 2)
        expect(harness.lost(1), ["start 4"])
        #expect(harness.scheduler.contradictions() == [])
        _ = harness.reserve(try tenant("a"), pool, 0)
        #expect(short(harness.pass(10_000)).contains("destroy 2 idle"))
    }

    // MARK: Tenants

    @Test func aSuspendedTenantHoldsNothing() throws {
        var harness = SchedulerHarness { $0.startsMax = 1 }
        let pool = harness.open()
        warm(&harness, pool, "a", 1)
        _ = harness.invoke(pool, "a")
        expect(harness.invoke(pool, "a"), ["start 2"])
        expect(harness.invoke(pool, "b"), [])
        expect(harness.suspend(try tenant("a")), ["refuse 3 tenantSuspended", "destroy 1 suspended"])
        expect(harness.invoke(pool, "a"), ["refuse 5 tenantSuspended"])
        #expect(harness.scheduler.usage(of: try tenant("a")) == (0, 0))
        // What was being started for it is nobody's yet, and serves who waits.
        expect(harness.ready(2), ["run 4 on 2 of b"])
        #expect(harness.scheduler.contradictions() == [])
        expect(harness.reinstate(try tenant("a")), [])
        #expect(harness.invoke(pool, "a").count == 1)
    }

    @Test func limitsHoldOverAllFunctions() throws {
        var harness = SchedulerHarness()
        let (one, other) = (harness.open(), harness.open("g"))
        harness.scheduler.setLimits(TenantLimits(concurrencyMax: 2), for: try tenant("a"))
        #expect(harness.invoke(one, "a").count == 1)
        #expect(harness.invoke(other, "a").count == 1)
        expect(harness.invoke(one, "a"), ["refuse 3 tenantConcurrency"])
        #expect(harness.invoke(one, "b").count == 1)
    }

    @Test func theRateIsHeldOnTheLongRun() throws {
        var harness = SchedulerHarness()
        let pool = harness.open()
        harness.scheduler.setLimits(TenantLimits(ratePerSecondMax: 10, rateBurst: 3), for: try tenant("a"))
        var admitted = 0
        for _ in 0..<1_000 {
            let effects = short(harness.invoke(pool, "a"))
            if !effects.contains(where: { $0.hasSuffix("tenantRate") }) { admitted += 1 }
            _ = harness.pass(10)
        }
        #expect((100...103).contains(admitted))
    }

    @Test func memoryIsLimitedByTenant() throws {
        var harness = SchedulerHarness()
        let (one, other) = (harness.open(memoryMiB: 100), harness.open("g", memoryMiB: 100))
        harness.scheduler.setLimits(TenantLimits(memoryMiBMax: 250), for: try tenant("a"))
        warm(&harness, one, "a", 1)
        _ = harness.invoke(one, "a")
        expect(harness.invoke(one, "a"), ["start 2"])
        expect(harness.invoke(one, "a"), ["refuse 4 tenantMemory"])
        _ = harness.ready(2)
        _ = harness.done(2)
        // Its own idle environment goes for its new one.
        expect(harness.invoke(other, "a"), ["destroy 2 evicted", "start 3"])
        #expect(harness.scheduler.contradictions() == [])
    }

    @Test func aFloodTakesNobodysEnvironments() {
        var harness = SchedulerHarness {
            $0.memoryMiBMax = 1_600
            $0.startsMax = 100
        }
        let pool = harness.open(memoryMiB: 100)
        for (index, name) in ["b", "c", "d"].enumerated() { warm(&harness, pool, name, index + 1) }
        var flooded: [String] = []
        for _ in 0..<50 { flooded += short(harness.invoke(pool, "flood")) }
        #expect(!flooded.contains { $0.hasPrefix("destroy") })
        #expect(flooded.filter { $0.hasPrefix("start") }.count == 12, "the last 16th is left to the others")
        for (index, name) in ["b", "c", "d"].enumerated() {
            #expect(short(harness.invoke(pool, name)).last?.hasSuffix("on \(index + 1) of \(name)") == true)
        }
        #expect(short(harness.invoke(pool, "e")) == ["start 16"])
    }

    @Test func whatIsUsedOftenIsEvictedLast() {
        var harness = SchedulerHarness { $0.memoryMiBMax = 300 }
        let pool = harness.open(memoryMiB: 100)
        for (index, name) in ["often", "b", "c"].enumerated() {
            _ = harness.invoke(pool, name)
            _ = harness.pass(100)
            _ = harness.ready(index + 1)
            _ = harness.done(index + 1)
        }
        for _ in 0..<20 {
            _ = harness.invoke(pool, "often")
            _ = harness.done(1)
        }
        _ = harness.pass(1_000)
        for name in ["b", "c"] {
            _ = harness.invoke(pool, name)
            _ = harness.done(name == "b" ? 2 : 3)
        }
        expect(harness.invoke(pool, "d"), ["destroy 2 evicted", "start 4"])
    }

    // MARK: Hibernation

    @Test func longIdleOnesAreHibernatedAndStayTheirOwners() {
        var harness = SchedulerHarness {
            $0.keepAlive = AdaptiveKeepAlive(hibernatedMax: .seconds(1_000), warmUnknown: .seconds(5))
        }
        let pool = harness.open(memoryMiB: 100)
        warm(&harness, pool, "a", 1)
        expect(harness.pass(4_999), ["freeze 1"])
        expect(harness.pass(1), ["hibernate 1"])
        #expect(harness.scheduler.totals.memoryMiB == 100)
        expect(harness.holds(1, 12), [])
        #expect(harness.scheduler.totals.memoryMiB == 12)
        expect(harness.invoke(pool, "b"), ["start 2"])
        expect(harness.invoke(pool, "a"), ["run 3 on 1 of a frozen"])
        #expect(harness.scheduler.totals.memoryMiB == 200)
        _ = harness.done(1)
        #expect(short(harness.pass(2_000_000)).contains("destroy 1 idle"))
        #expect(harness.scheduler.contradictions() == [])
    }

    @Test func aPeriodicOwnersEnvironmentIsThereJustInTime() {
        var harness = SchedulerHarness { $0.keepAlive = AdaptiveKeepAlive(hibernatedMax: .seconds(0)) }
        let pool = harness.open()
        var number = 0
        var seen: [[String]] = []
        for _ in 0..<10 {
            let effects = short(harness.invoke(pool, "a"))
            seen.append(effects)
            if effects.first?.hasPrefix("start") == true {
                number += 1
                _ = harness.ready(number)
            }
            _ = harness.done(number)
            var rest = harness.pass(1_190_000)
            if short(rest).contains("start \(number + 1)") {
                number += 1
                rest = harness.ready(number)
                expect(rest, ["bind \(number) to a"])
            }
            _ = harness.pass(10_000)
        }
        #expect(seen.last?.first?.hasPrefix("run") == true)
        #expect(number > 3, "they come and go")
    }

    @Test func aSlowReturnIsLearned() {
        var harness = SchedulerHarness { $0.finishingLimit = .milliseconds(400) }
        let pool = harness.open()
        _ = harness.invoke(pool, "a")
        _ = harness.pass(300)
        _ = harness.ready(1)
        for _ in 0..<4 {
            _ = harness.answered(1)
            _ = harness.pass(50)
            _ = harness.released(1)
            _ = harness.invoke(pool, "a")
        }
        _ = harness.answered(1)
        expect(harness.invoke(pool, "a"), [])
        expect(harness.pass(60), [], sourceLocation: #_sourceLocation)
        #expect(short(harness.pass(400)).contains("start 2"), "but it isn't waited for without end")
    }
}
