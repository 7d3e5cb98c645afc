import CloisterSimulator
import Foundation
import Testing

/// The debug build's share of the simulation. CI runs the million events in release: `cloister-simulate`.
@Suite struct SimulationTests {
    private static let stepsMax = 4_000

    /// Seeds that once broke an invariant, and what they found. They stay.
    static let regressions: [(seed: UInt64, found: String)] = [
        (10, "a retired pool's released environment left `finishing` twice"),
        (11, "a start for nobody, after `finishing` had become negative"),
        (23, "eviction order"),
    ]

    @Test(arguments: regressions)
    func aSeedThatOnceFailed(_ regression: (seed: UInt64, found: String)) {
        let report = Simulation(Scenario(seed: regression.seed, stepsMax: 8_000)).run()
        #expect(report.failureText(stepsMax: 8_000) == nil, "once: \(regression.found)")
    }

    /// `CLOISTER_SEED=N` tries that seed instead of the usual ones.
    @Test func noInvariantBreaks() throws {
        var seeds = Array(UInt64(1_000)..<1_030)
        if let text = ProcessInfo.processInfo.environment["CLOISTER_SEED"] {
            seeds = [try #require(UInt64(text), "CLOISTER_SEED must be a number")]
        }
        let summary = simulate(seeds: seeds, steps: Self.stepsMax)
        for failure in summary.failures { Issue.record("\(failure)") }
        #expect(summary.steps >= seeds.count * Self.stepsMax)
    }

    /// A simulation in which something never happens proves nothing about it.
    @Test func everythingHappens() {
        let summary = simulate(seeds: Array(1..<41), steps: Self.stepsMax)
        let kinds = [
            "ran first", "ran warm", "ran thawed", "failed start", "lost", "restarted", "frozen", "updated", "deleted",
            "reserved", "out of turn", "ended: success", "ended: functionError", "ended: notRun", "events retried",
            "events: Success", "events: RetriesExhausted", "events: EventAgeExceeded", "destroyed: idle",
            "destroyed: evicted", "destroyed: retired", "refused: accountConcurrency", "refused: reservedConcurrency",
            "refused: tenantConcurrency", "refused: tenantEnvironments", "refused: capacity",
        ]
        for kind in kinds { #expect(summary.counts[kind, default: 0] > 0, "\(kind) never happens") }
    }

    @Test func oneSeedIsOneRun() {
        let scenario = Scenario(seed: 7, stepsMax: 3_000)
        #expect(Simulation(scenario).run() == Simulation(scenario).run())
        #expect(Simulation(scenario).run() != Simulation(Scenario(seed: 8, stepsMax: 3_000)).run())
    }
}
