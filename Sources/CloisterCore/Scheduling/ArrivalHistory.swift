/// What is remembered of one owner's calls to one function: how long the pauses between them were. Fixed size.
///
/// Pauses below one second tell nothing that a keep-alive could use and are not counted. The others go into a
/// histogram with four bins an octave, from one second to about 36 hours; old ones fade by halving. Beside it, mean and
/// spread of the last pauses tell whether the owner calls periodically.
public struct ArrivalHistory: Sendable, Equatable {
    static let binsPerOctave = 4
    static let binCount = 68
    private static let countMax: UInt8 = 200

    private var bins = InlineArray<68, UInt8>(repeating: 0)
    /// Pauses in the bins.
    public private(set) var count = 0
    public private(set) var lastArrival: Moment?
    private var mean: Float = 0
    private var deviation: Float = 0
    /// Pauses in a row that fitted the mean.
    private var regular: UInt8 = 0

    public init() {}

    public static func == (one: ArrivalHistory, other: ArrivalHistory) -> Bool {
        one.lastArrival == other.lastArrival && one.count == other.count && one.mean == other.mean
            && one.regular == other.regular && one.bins.indices.allSatisfy { one.bins[$0] == other.bins[$0] }
    }

    /// A call of the owner.
    public mutating func arrived(now: Moment) {
        guard let last = lastArrival else {
            lastArrival = now
            return
        }
        lastArrival = now
        let pause = now.nanoseconds &- last.nanoseconds
        guard pause >= 1_000_000_000 else { return }
        record(seconds: Float(pause) / 1e9)
    }

    private mutating func record(seconds: Float) {
        let bin = ArrivalHistory.bin(seconds: seconds)
        if bins[bin] >= ArrivalHistory.countMax { fade() }
        bins[bin] += 1
        count += 1
        let difference = seconds - mean
        if count > 1, difference.magnitude <= max(1, mean / 8) {
            regular = min(regular + 1, 200)
        } else if count > 1 {
            // One call out of turn makes a periodic owner suspect, not irregular.
            regular /= 4
        }
        let share: Float = count == 1 || regular == 0 ? 1 : 0.25
        mean += share * difference
        deviation += share * (difference.magnitude - deviation)
        if share == 1 { deviation = 0 }
    }

    private mutating func fade() {
        count = 0
        for index in bins.indices {
            bins[index] /= 2
            count += Int(bins[index])
        }
    }

    /// The pause after which the next call is expected, and how far off that may be; nil for an irregular owner.
    public var period: (mean: TimeSpan, spread: TimeSpan)? {
        guard regular >= 2 else { return nil }
        let spread = max(0.5, 3 * deviation)
        return (.init(nanoseconds: Int64(mean * 1e9)), .init(nanoseconds: Int64(spread * 1e9)))
    }

    /// Seconds up to which each bin counts.
    static let upperSeconds: [Double] = (1...binCount).map { bin in
        let (octave, part) = bin.quotientAndRemainder(dividingBy: binsPerOctave)
        return Double(sign: .plus, exponent: octave, significand: 1 + Double(part) / Double(binsPerOctave))
    }

    static func bin(seconds: Float) -> Int {
        guard seconds >= 1 else { return 0 }
        let part = Int((seconds.significand - 1) * Float(binsPerOctave))
        return min(Int(seconds.exponent) * binsPerOctave + part, binCount - 1)
    }

    /// The time to keep an environment that costs least, if a second of keeping costs 1 and a call that comes later
    /// costs `penaltySeconds`: the w that makes E[min(pause, w)] + penalty × P(pause > w) smallest. `prior` pauses of
    /// unknown length count as ones that come too late for any w.
    func bestKeepSeconds(penaltySeconds: Double, most: Double, prior: Double) -> Double {
        let total = Double(count) + prior
        var (best, bestCost) = (0.0, penaltySeconds)
        var (within, spent) = (0.0, 0.0)
        let uppers = ArrivalHistory.upperSeconds
        for bin in bins.indices where bins[bin] > 0 {
            let upper = uppers[bin]
            guard upper <= most else { break }
            within += Double(bins[bin])
            spent += Double(bins[bin]) * upper
            let late = (total - within) / total
            let cost = spent / total + late * (upper + penaltySeconds)
            if cost < bestCost { (best, bestCost) = (upper, cost) }
        }
        return best
    }
}
