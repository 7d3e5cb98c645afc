import CloisterCore

/// What happened in a run. Two runs of one scenario give equal reports.
public struct SimulationReport: Sendable, Equatable {
    public var seed: UInt64
    /// Calls into the scheduler, the lifecycle machine and the event-invoke queue that carried an event.
    public var steps = 0
    /// How often each kind of thing happened, by name.
    public var counts: [String: Int] = [:]
    /// The first broken invariant; nil when all held.
    public var failure: String?

    public init(seed: UInt64) { self.seed = seed }

    mutating func count(_ name: String) { counts[name, default: 0] += 1 }

    /// What to show for a failed run: the invariant, and how to see it again.
    public func failureText(stepsMax: Int) -> String? {
        failure.map {
            """
            seed \(seed), step \(steps): \($0)
            again: swift run -c release cloister-simulate --seed \(seed) --steps \(stepsMax)
            """
        }
    }
}
