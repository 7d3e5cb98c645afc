import CloisterCore
import CloisterServiceKit

/// Limits as a tier or a tenant has them. A member that is absent limits nothing, or leaves the tier's in force.
struct LimitsRecord: Codable, Equatable, StrictlyDecoded {
    static let members = ["concurrency", "rate", "burst", "memoryMiB", "weight"]

    /// Invocations that run or wait, over all functions.
    var concurrency: Int?
    /// Invocations a second on the long run. 0 refuses all.
    var rate: Double?
    /// Invocations that may come at once beyond the steady rate; what comes in one second unless given.
    var burst: Int?
    /// Memory of its environments together.
    var memoryMiB: Int?
    /// Its share of the start slots while other tenants wait too; 1 unless given.
    var weight: Double?

    func check() throws(ServiceError) {
        try bound(concurrency, "concurrency", 0...1_000_000)
        try bound(burst, "burst", 1...1_000_000)
        try bound(memoryMiB, "memoryMiB", 0...16_777_216)
        if let rate, !(0...1_000_000).contains(rate) {
            throw .validation("The limit 'rate' must be a number from 0 to 1000000.")
        }
        if let weight, !(0.01...100).contains(weight) {
            throw .validation("The limit 'weight' must be a number from 0.01 to 100.")
        }
    }

    /// These, and the tier's where there is none.
    func over(_ tier: LimitsRecord) -> LimitsRecord {
        LimitsRecord(
            concurrency: concurrency ?? tier.concurrency, rate: rate ?? tier.rate,
            // A burst belongs to its rate.
            burst: burst ?? (rate == nil ? tier.burst : nil), memoryMiB: memoryMiB ?? tier.memoryMiB,
            weight: weight ?? tier.weight)
    }

    /// Nil when nothing is limited.
    var limits: TenantLimits? {
        guard self != LimitsRecord() else { return nil }
        return TenantLimits(
            concurrencyMax: concurrency, ratePerSecondMax: rate,
            rateBurst: burst ?? max(1, Int((rate ?? 1).rounded(.up))), memoryMiBMax: memoryMiB, weight: weight ?? 1)
    }
}

func bound(_ value: Int?, _ name: String, _ range: ClosedRange<Int>) throws(ServiceError) {
    guard let value, !range.contains(value) else { return }
    throw .validation("'\(name)' must be a number from \(range.lowerBound) to \(range.upperBound).")
}
