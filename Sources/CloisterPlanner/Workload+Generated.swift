import Foundation

/// A mix of tenants by Zipf's law.
public struct GeneratedMix: Sendable {
    public var tenants = 10_000
    public var calls = 1_000_000
    /// The exponent: tenant k calls in proportion to 1/k^s.
    public var exponent = 1.1
    /// The share of tenants who call at even distances (with one percent of jitter); the others call at random.
    public var periodicShare = 0.3
    public var days = 1.0
    public var memoryMiB = 128
    public var durationMilliseconds = 50.0
    public var seed: UInt64 = 1

    public init() {}
}

extension Workload {
    /// One mix gives one workload, on every machine.
    public static func generated(_ mix: GeneratedMix) -> Workload {
        var random = PlanRandom(seed: mix.seed)
        let span = mix.days * 86_400e9
        let weights = (1...max(1, mix.tenants)).map { pow(Double($0), -mix.exponent) }
        let sum = weights.reduce(0, +)
        var workload = Workload(name: "Zipf(\(mix.exponent))", tenants: [], calls: [], span: Int64(span))
        workload.calls.reserveCapacity(mix.calls + mix.calls / 8)
        for (index, weight) in weights.enumerated() {
            workload.tenants.append(Tenant(name: "tenant-\(index + 1)", memoryMiB: mix.memoryMiB))
            let mean = span * sum / (Double(mix.calls) * weight)
            let isPeriodic = random.share() < mix.periodicShare
            var at = random.share() * mean
            while at < span {
                let duration = Float(-log(1 - random.share()) * mix.durationMilliseconds)
                workload.calls.append(Call(at: Int64(at), tenant: Int32(index), count: 1, duration: duration))
                at += isPeriodic ? mean * (0.99 + 0.02 * random.share()) : -log(1 - random.share()) * mean
            }
        }
        workload.calls.sort { ($0.at, $0.tenant) < ($1.at, $1.tenant) }
        return workload
    }
}

/// SplitMix64 (Steele, Lea and Flood): one seed, one sequence.
struct PlanRandom {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// 0..<1.
    mutating func share() -> Double {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return Double((mixed ^ (mixed >> 31)) >> 11) / 9_007_199_254_740_992
    }
}
