import CloisterCore

/// Steele, Lea and Flood's SplitMix64: one seed, one sequence, on every machine.
public struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// 0..<`bound`.
    mutating func below(_ bound: Int) -> Int { Int(next() >> 1) % bound }

    mutating func between(_ low: Int, _ high: Int) -> Int { low + below(high - low + 1) }

    /// 0..<1.
    mutating func share() -> Double { Double(next() >> 11) / 9_007_199_254_740_992 }

    mutating func chance(_ probability: Double) -> Bool { share() < probability }

    mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }

    /// `low` to `high` microseconds, every order of magnitude equally likely.
    mutating func span(_ low: Int, _ high: Int) -> TimeSpan {
        var octaves = 0
        while low << (octaves + 1) <= high { octaves += 1 }
        let base = low << below(octaves + 1)
        return TimeSpan(nanoseconds: Int64(min(high, base + below(base))) * 1_000)
    }
}
