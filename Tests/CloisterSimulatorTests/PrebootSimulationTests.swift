import CloisterSimulator
import Testing

@Suite struct PrebootSimulationTests {
    @Test func noInvariantBreaks() {
        var counts: [String: Int] = [:]
        for seed in UInt64(1)...15 {
            let report = PrebootSimulation(seed: seed, stepsMax: 600).run()
            #expect(report.failure == nil, "seed \(seed), step \(report.steps)")
            counts.merge(report.counts) { $0 + $1 }
        }
        for kind in ["booted", "retired", "taken", "missed", "lost", "budget changed"] {
            #expect(counts["preboot: \(kind)", default: 0] > 0, "\(kind) never happens")
        }
    }
}
