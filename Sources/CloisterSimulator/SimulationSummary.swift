/// Many runs together.
public struct SimulationSummary: Sendable {
    public var steps = 0
    public var counts: [String: Int] = [:]
    public var failures: [String] = []
}

/// Runs the scenario of every seed, each for `steps` events and until everything has ended.
public func simulate(seeds: [UInt64], steps: Int) -> SimulationSummary {
    var summary = SimulationSummary()
    for seed in seeds {
        let report = Simulation(Scenario(seed: seed, stepsMax: steps)).run()
        summary.steps += report.steps
        summary.counts.merge(report.counts) { $0 + $1 }
        if let text = report.failureText(stepsMax: steps) { summary.failures.append(text) }
    }
    return summary
}
