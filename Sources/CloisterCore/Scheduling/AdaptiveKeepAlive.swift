/// Keeps an idle environment for as long as its owner's own history says that it is worth it.
///
/// Two prices decide, both in seconds of an environment's memory: what a resume from hibernation is worth avoiding, and
/// what a cold start is. For an owner who calls periodically, the environment goes early and is there again just
/// before the next call. For others, the span with the smallest expected cost is taken (`bestKeepSeconds`), as the
/// histogram policy of 'Serverless in the Wild' (Shahrad et al., USENIX ATC 2020) takes its percentiles.
/// Memory pressure is not its concern: the scheduler then evicts by cost and frequency.
public struct AdaptiveKeepAlive: KeepAlivePolicy {
    /// How long an environment may stay hibernated; 0 where the level can't hibernate.
    public var hibernatedMax: TimeSpan
    /// What an avoided resume is worth, in seconds of memory.
    public var resumePrice: Double
    /// What an avoided cold start is worth, in seconds of memory. Decides where there is no hibernation.
    public var coldStartPrice: Double
    /// The longest time in memory, and the shortest.
    public var warmMax: TimeSpan
    public var warmMin: TimeSpan
    /// For owners of whom little is known.
    public var warmUnknown: TimeSpan
    /// Periods below this aren't predicted: keeping is simpler.
    public var periodMin: TimeSpan

    public init(
        hibernatedMax: TimeSpan = .seconds(86_400), resumePrice: Double = 180, coldStartPrice: Double = 3_600,
        warmMax: TimeSpan = .seconds(14_400), warmMin: TimeSpan = .seconds(2),
        warmUnknown: TimeSpan? = nil, periodMin: TimeSpan = .seconds(60)
    ) {
        self.hibernatedMax = hibernatedMax
        self.resumePrice = resumePrice
        self.coldStartPrice = coldStartPrice
        self.warmMax = warmMax
        self.warmMin = warmMin
        self.warmUnknown = warmUnknown ?? (hibernatedMax.nanoseconds > 0 ? .seconds(60) : .seconds(600))
        self.periodMin = periodMin
    }

    public var usesHistory: Bool { true }
    public var hibernatesUnderPressure: Bool { hibernatedMax.nanoseconds > 0 }

    public func plan(pool: PoolKey, owner: EnvironmentOwner?, history: ArrivalHistory?) -> IdlePlan {
        guard owner != nil else { return IdlePlan(warm: .seconds(600)) }
        guard let history, history.count > 0 else { return IdlePlan(warm: warmUnknown, hibernated: hibernatedMax) }
        if let period = history.period, period.mean >= periodMin { return periodicPlan(period) }
        let price = hibernatedMax.nanoseconds > 0 ? resumePrice : coldStartPrice
        let best = history.bestKeepSeconds(
            penaltySeconds: price, most: Double(warmMax.nanoseconds) / 1e9, prior: 0.5)
        let warm = max(warmMin, TimeSpan(nanoseconds: Int64(best * 1e9)))
        return IdlePlan(warm: warm, hibernated: hibernatedMax)
    }

    private func periodicPlan(_ period: (mean: TimeSpan, spread: TimeSpan)) -> IdlePlan {
        let margin = max(period.spread.nanoseconds, period.mean.nanoseconds / 32) + 1_000_000_000
        let after = max(0, period.mean.nanoseconds - margin)
        return IdlePlan(
            warm: warmMin, hibernated: hibernatedMax,
            prediction: IdlePlan.Prediction(
                after: TimeSpan(nanoseconds: after), window: TimeSpan(nanoseconds: 2 * margin)))
    }
}
