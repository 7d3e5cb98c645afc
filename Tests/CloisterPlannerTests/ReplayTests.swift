import CloisterCore
import Foundation
import Testing

@testable import CloisterPlanner

@Suite struct ReplayTests {
    private func excerpt(isSpread: Bool = false) throws -> Workload {
        let folder = try #require(Bundle.module.url(forResource: "Resources", withExtension: nil))
            .appendingPathComponent("azure-functions-2019-excerpt")
        func read(_ name: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: folder.appendingPathComponent(name))) }
        return try Workload.azure(
            invocations: read("inv.csv"), durations: read("run.csv"), memory: read("mem.csv"), isSpread: isSpread)
    }

    /// Counted without any scheduler: a call is cold when `minutes` idle minutes or more lie before it.
    private func coldStarts(_ workload: Workload, minutes: Int64) -> Int {
        var last: [Int32: Int64] = [:]
        var count = 0
        for call in workload.calls {
            let minute = call.at / 60_000_000_000
            if last[call.tenant].map({ minute - $0 - 1 >= minutes }) ?? true { count += 1 }
            last[call.tenant] = minute
        }
        return count
    }

    @Test(arguments: [1, 10, 60, 240])
    func fixedKeepAliveIsWhatCountingByHandGives(_ minutes: Int) throws {
        let workload = try excerpt()
        #expect(workload.tenants.count == 25)
        let result = Replay(workload, policy: .fixed(minutes: minutes)).run()
        #expect(result.coldStarts == coldStarts(workload, minutes: Int64(minutes)))
        #expect(result.calls == workload.callCount)
        #expect(result.refused == 0)
    }

    @Test func memoryIsCountedToTheMillisecond() {
        let tenants = [Workload.Tenant(name: "a", memoryMiB: 1_024), Workload.Tenant(name: "b", memoryMiB: 2_048)]
        let calls = [
            Workload.Call(at: 0, tenant: 0, count: 1, duration: 750), Workload.Call(at: 0, tenant: 1, count: 1, duration: 750),
        ]
        let workload = Workload(name: "two", tenants: tenants, calls: calls, span: 7_200_000_000_000)
        var costs = PlanCosts()
        costs.coldStartMilliseconds = 250
        let result = Replay(workload, policy: .fixed(minutes: 10), costs: costs).run()
        // 601 seconds of 1 and of 2 GiB.
        #expect(abs(result.gigabyteHours - 3 * 601 / 3_600.0) < 1e-6)
        #expect(abs(result.memoryMeanGB - 3 * 601 / 7_200.0) < 1e-6)
        #expect(result.memoryPeakGB == 3)
        #expect(result.coldShares == [1, 1])
        #expect(abs(result.monthlyCosts[1] / result.monthlyCosts[0] - 2) < 1e-9)
        #expect(abs(result.latency.quantile(0.5) - 1_000) < 40)
    }

    @Test func aPeriodicTenantIsExpected() {
        let calls = (0..<40).map { Workload.Call(at: Int64($0) * 1_200_000_000_000, tenant: 0, count: 1, duration: 50) }
        let workload = Workload(
            name: "every 20 minutes", tenants: [.init(name: "a", memoryMiB: 128)], calls: calls, span: 48_000_000_000_000)
        let fixed = Replay(workload, policy: .fixed(minutes: 10)).run()
        let adaptive = Replay(workload, policy: .adaptiveWarm).run()
        #expect(fixed.coldStarts == 40)
        #expect(adaptive.coldStarts < 6)
        #expect(adaptive.gigabyteHours < fixed.gigabyteHours)
        #expect(adaptive.predictions > 30)
    }

    @Test func hibernationSavesColdStartsAndMemory() throws {
        let workload = try excerpt()
        let fixed = Replay(workload, policy: .fixed(minutes: 10)).run()
        let adaptive = Replay(workload, policy: .adaptive).run()
        #expect(adaptive.coldStarts == 25)
        #expect(adaptive.idleMeanGB < fixed.idleMeanGB)
        #expect(adaptive.resumes > 0)
    }

    @Test func reservedTenantsAreNeverCold() {
        var mix = GeneratedMix()
        mix.tenants = 100
        mix.calls = 5_000
        let tiers = [PlanPolicy.Tier(name: "all", reserved: 2, share: 1)]
        let result = Replay(Workload.generated(mix), policy: .tiered(tiers)).run()
        #expect(result.coldShare < 0.01)
        #expect(result.memoryMeanGB > 24)
    }

    @Test func theBudgetHolds() {
        var mix = GeneratedMix()
        mix.tenants = 200
        mix.calls = 20_000
        mix.days = 0.2
        var costs = PlanCosts()
        costs.memoryMiBMax = 20 * 128
        let result = Replay(Workload.generated(mix), policy: .adaptive, costs: costs).run()
        #expect(result.calls > 15_000)
        #expect(result.refused * 100 < result.calls)
    }

    @Test func spreadCallsNeedMoreThanOneEnvironment() throws {
        let workload = try excerpt(isSpread: true)
        #expect(workload.calls.count == workload.callCount)
        #expect(!workload.isByMinute)
    }

    @Test func provisionedConcurrencyCostsWhatTheArithmeticSays() {
        #expect(abs(PlanCosts().dollars(environments: 20, gigabytes: 1, hours: 24) - 7.20) < 1e-9)
    }
}

@Suite struct PlanComparisonTests {
    private var comparison: PlanComparison {
        var mix = GeneratedMix()
        mix.tenants = 50
        mix.calls = 2_000
        var workload = Workload.generated(mix)
        workload.name = "<mix> & \"more\""
        let results = [PlanPolicy.fixed(minutes: 10), .adaptive].map { Replay(workload, policy: $0).run() }
        return PlanComparison(workload, costs: PlanCosts(), results: results)
    }

    @Test func theTableHasAllColumns() {
        let lines = comparison.table.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.contains { $0.hasPrefix("fixed 10 min") })
        #expect(Set(lines[2...4].map(\.count)).count == 1)
    }

    @Test func jsonIsJSON() throws {
        let object = try #require(try JSONSerialization.jsonObject(with: Data(comparison.json.utf8)) as? [String: Any])
        let policies = try #require(object["policies"] as? [[String: Any]])
        #expect(policies.count == 2)
        #expect(policies[0]["coldShareP75"] is Double)
    }

    @Test func thePageNeedsNothingElse() {
        let page = comparison.html
        for foreign in ["http:", "https:", "<script", "src=", "@import", "url("] { #expect(!page.contains(foreign)) }
        #expect(page.contains("&lt;mix&gt; &amp; &quot;more&quot;"))
        #expect(!page.contains("<mix>"))
        #expect(page.components(separatedBy: "<svg").count == 7)
        for number in [">nan", ",nan", "\"nan", "inf\""] { #expect(!page.contains(number)) }
    }
}
