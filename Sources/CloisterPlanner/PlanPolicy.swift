import CloisterCore

/// One way to keep environments, to be compared with others.
public struct PlanPolicy: Sendable {
    /// A tier of tenants, and what is reserved for each of them.
    public struct Tier: Sendable, Equatable {
        public var name: String
        /// Environments bound and warm for each tenant of the tier.
        public var reserved: Int
        /// Its part of all tenants, the ones that call most first.
        public var share: Double

        public init(name: String, reserved: Int, share: Double) {
            self.name = name
            self.reserved = reserved
            self.share = share
        }

        /// Enterprise 20, professional 5, starter 0.
        public static let usual = [
            Tier(name: "enterprise", reserved: 20, share: 0.01),
            Tier(name: "professional", reserved: 5, share: 0.1),
            Tier(name: "starter", reserved: 0, share: 0.89),
        ]
    }

    public var name: String
    public var keepAlive: any KeepAlivePolicy
    public var tiers: [Tier] = []

    public init(name: String, keepAlive: any KeepAlivePolicy, tiers: [Tier] = []) {
        self.name = name
        self.keepAlive = keepAlive
        self.tiers = tiers
    }

    public static func fixed(minutes: Int) -> PlanPolicy {
        PlanPolicy(name: "fixed \(minutes) min", keepAlive: FixedKeepAlive(.seconds(Int64(minutes) * 60)))
    }

    /// AWS publishes no span; 6 minutes unless told otherwise.
    public static func awsLike(minutes: Int = 6) -> PlanPolicy {
        PlanPolicy(name: "AWS-like", keepAlive: FixedKeepAlive(.seconds(Int64(minutes) * 60)))
    }

    public static func tiered(_ tiers: [Tier] = Tier.usual, minutes: Int = 10) -> PlanPolicy {
        PlanPolicy(
            name: "provisioned by tier", keepAlive: FixedKeepAlive(.seconds(Int64(minutes) * 60)), tiers: tiers)
    }

    public static let adaptive = PlanPolicy(name: "adaptive", keepAlive: AdaptiveKeepAlive())
    /// The same where the level of isolation can't hibernate.
    public static let adaptiveWarm = PlanPolicy(
        name: "adaptive, no hibernation", keepAlive: AdaptiveKeepAlive(hibernatedMax: .seconds(0)))
}

/// What a start and a resume cost, and what memory costs.
public struct PlanCosts: Sendable {
    public var coldStartMilliseconds = 250.0
    public var resumeMilliseconds = 25.0
    /// What a hibernated environment still holds, in percent of its memory, and at least.
    public var hibernatedPercent = 15
    public var hibernatedMiBMin = 4
    /// US dollars for one GiB of memory held for an hour.
    public var dollarsPerGBHour = 0.015
    /// Memory that all environments together may hold, in MiB.
    public var memoryMiBMax = 1 << 40

    public init() {}

    /// What it costs to hold `environments` of `gigabytes` each for `hours`.
    public func dollars(environments: Int, gigabytes: Double, hours: Double) -> Double {
        Double(environments) * gigabytes * hours * dollarsPerGBHour
    }
}
