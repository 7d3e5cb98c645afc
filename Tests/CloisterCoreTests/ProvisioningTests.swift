import CloisterCore
import Testing

/// Who gets how many of the environments that are kept ahead.
@Suite struct ProvisioningTests {
    private let key = FunctionKey(region: "r", name: "f")

    private func entry(weight: Double? = nil) -> FunctionEntry {
        FunctionEntry(
            key: key, versions: [:],
            aliases: [
                "prod": AliasTarget(
                    version: .number(1), additionalVersion: weight == nil ? nil : .number(2),
                    additionalWeight: weight ?? 0)
            ])
    }

    @Test func sharesWithoutWeights() {
        #expect(entry().shares(of: 5, qualifier: "prod") == [.number(1): 5])
        #expect(entry().shares(of: 5, qualifier: "3") == [.number(3): 5])
        #expect(entry().shares(of: 5, qualifier: nil) == [.latest: 5])
        #expect(entry().shares(of: 5, qualifier: "other") == [:])
        #expect(entry().shares(of: 0, qualifier: "prod") == [:])
    }

    @Test(arguments: [
        (10, 0.1, 9, 1), (10, 0.5, 5, 5), (10, 0.001, 9, 1), (10, 0.999, 1, 9), (10, 0, 10, 0), (10, 1, 0, 10),
        (1, 0.1, 1, 0), (1, 0.9, 0, 1), (2, 0.01, 1, 1), (20, 0.05, 19, 1),
    ])
    func sharesByWeight(count: Int, weight: Double, main: Int, additional: Int) {
        let shares = entry(weight: weight).shares(of: count, qualifier: "prod")
        #expect(shares[.number(1)] ?? 0 == main)
        #expect(shares[.number(2)] ?? 0 == additional)
        #expect(shares.values.allSatisfy { $0 > 0 })
    }

    @Test func versionsAddUpWhatQualifiersGive() {
        var entry = entry()
        entry.provisionedConcurrency = ["prod": 3, "7": 2]
        #expect(entry.provisionedByVersion == [.number(1): 3, .number(7): 2])
    }

    @Test func reservationsOfOneTenant() throws {
        let settings = TenantSettings(
            tenant: try #require(TenantID("acme")),
            reservations: [
                TenantReservation(function: key, qualifier: "prod", count: 4),
                TenantReservation(function: key, qualifier: "1", count: 1),
                TenantReservation(function: FunctionKey(region: "r", name: "g"), qualifier: nil, count: 9),
            ])
        #expect(settings.reserved(of: entry()) == [.number(1): 5])
    }

    @Test func provisioningIsReachedOnceAndStays() {
        var harness = SchedulerHarness()
        let pool = harness.open()
        _ = harness.provision(pool, 2)
        let seen1 = harness.isAhead(1)
        #expect(seen1)
        _ = harness.ready(1)
        let seen2 = harness.isAhead(1)
        #expect(!seen2)
        let seen3 = harness.provisioned(pool)
        #expect(seen3?.isReached == false)
        _ = harness.ready(2)
        let seen4 = harness.provisioned(pool)
        #expect(seen4?.isReached == true)
        // One goes to a tenant and is replaced: that is no new allocation.
        _ = harness.invoke(pool, "blue")
        let seen5 = harness.provisioned(pool)
        #expect(seen5?.available == 1)
        let seen6 = harness.provisioned(pool)
        #expect(seen6?.isReached == true)
        _ = harness.provision(pool, 3)
        let seen7 = harness.provisioned(pool)
        #expect(seen7?.isReached == false)
        _ = harness.provision(pool, 1)
        let seen8 = harness.provisioned(pool)
        #expect(seen8?.isReached == true)
    }

    @Test func failedStartsAreCountedUntilOneSucceeds() {
        var harness = SchedulerHarness()
        let pool = harness.open()
        _ = harness.provision(pool, 1)
        _ = harness.lost(1)
        let seen9 = harness.provisioned(pool)
        #expect(seen9?.failedStarts == 1)
        _ = harness.pass(1_100)
        _ = harness.lost(2)
        let seen10 = harness.provisioned(pool)
        #expect(seen10?.failedStarts == 2)
        _ = harness.pass(5_000)
        _ = harness.ready(3)
        let seen11 = harness.provisioned(pool)
        #expect(seen11?.failedStarts == 0)
        // What an invocation waits for isn't started ahead.
        _ = harness.invoke(pool, "blue")
        _ = harness.invoke(pool, "blue")
        let seen12 = harness.isAhead(4)
        #expect(seen12)
        let seen13 = harness.isAhead(5)
        #expect(!seen13)
    }
}

extension SchedulerHarness {
    func isAhead(_ number: Int) -> Bool { scheduler.isStartedAhead(EnvironmentNumber(number)) }
    func provisioned(_ pool: PoolNumber) -> ProvisionedConcurrency? { scheduler.provisionedConcurrency(of: pool) }
}
