/// What came of one policy.
public struct PlanResult: Sendable {
    public var policy = ""
    public var calls = 0
    /// Calls that waited for an environment to start.
    public var coldStarts = 0
    /// Calls that found their tenant's environment hibernated.
    public var resumes = 0
    public var refused = 0
    /// Environments made ready for a call that was expected.
    public var predictions = 0
    /// Cold starts divided by calls of each tenant that called, ascending.
    public var coldShares: [Double] = []
    public var latency = LatencyHistogram()
    public var memoryMeanGB = 0.0
    /// Of that, what environments held that ran nothing.
    public var idleMeanGB = 0.0
    public var memoryPeakGB = 0.0
    public var gigabyteHours = 0.0
    /// Dollars for 30 days at the trace's rate, by tenant, ascending.
    public var monthlyCosts: [Double] = []
    public var monthlyTotal = 0.0
    /// GB at 240 evenly spaced moments of the trace.
    public var memoryCourse: [Double] = []

    public init() {}

    public var coldShare: Double { calls > 0 ? Double(coldStarts) / Double(calls) : 0 }

    /// `share` 0 to 1: the value that this part of all values is below.
    public static func quantile(_ sorted: [Double], _ share: Double) -> Double {
        guard !sorted.isEmpty else { return 0 }
        return sorted[min(max(Int(share * Double(sorted.count)), 0), sorted.count - 1)]
    }
}

/// Counts of latencies in bins that are 3 % wide.
public struct LatencyHistogram: Sendable {
    private static let binsPerOctave = 24
    private static let octaves = 44
    private var bins = [Int](repeating: 0, count: binsPerOctave * octaves)
    private var count = 0

    public init() {}

    mutating func add(milliseconds: Double, count: Int = 1) {
        let value = max(milliseconds * 1_024, 1)
        let part = Int((value.significand - 1) * Double(LatencyHistogram.binsPerOctave))
        let bin = Int(value.exponent) * LatencyHistogram.binsPerOctave + part
        bins[min(bin, bins.count - 1)] += count
        self.count += count
    }

    /// In milliseconds.
    public func quantile(_ share: Double) -> Double {
        var left = Int((share * Double(count)).rounded(.up))
        for (bin, count) in bins.enumerated() {
            left -= count
            guard left <= 0, count > 0 else { continue }
            let (octave, part) = bin.quotientAndRemainder(dividingBy: LatencyHistogram.binsPerOctave)
            let middle = 1 + (Double(part) + 0.5) / Double(LatencyHistogram.binsPerOctave)
            return Double(sign: .plus, exponent: octave, significand: middle) / 1_024
        }
        return 0
    }
}
