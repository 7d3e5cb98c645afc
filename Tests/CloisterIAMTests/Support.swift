import Testing

@testable import CloisterIAM

/// Seeded, so that a failure can be had again.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}

func principal(_ arn: String = "arn:aws:iam::000000000000:user/ann", role: String? = nil, service: String? = nil) -> PolicyPrincipal {
    PolicyPrincipal(account: "000000000000", arn: arn, roleARN: role, service: service)
}
