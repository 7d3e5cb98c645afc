/// What one tenant may use at most, over all functions. Nil is no limit of its own.
public struct TenantLimits: Sendable, Equatable {
    /// Invocations that run or wait.
    public var concurrencyMax: Int?
    /// Invocations a second, on the long run.
    public var ratePerSecondMax: Double?
    /// Invocations that may come at once beyond the steady rate.
    public var rateBurst: Int
    /// Memory that its environments together are counted with, in MiB.
    public var memoryMiBMax: Int?
    /// Its share of the start slots while others wait too; above 0.
    public var weight: Double

    public init(
        concurrencyMax: Int? = nil, ratePerSecondMax: Double? = nil, rateBurst: Int = 1, memoryMiBMax: Int? = nil,
        weight: Double = 1
    ) {
        self.concurrencyMax = concurrencyMax
        self.ratePerSecondMax = ratePerSecondMax
        self.rateBurst = rateBurst
        self.memoryMiBMax = memoryMiBMax
        self.weight = weight
    }
}

/// Who shares memory and start slots: one tenant with all its environments, or a function with those of no tenant.
struct Holder {
    let claimant: StartQueue.Claimant
    /// Queues and pools that refer to it.
    var links = 0
    var memoryMiB = 0
    /// Of its idle environments that may be evicted.
    var evictableMiB = 0
    /// Of starts that are asked for, not begun.
    var requestedMiB = 0
    /// Invocations that run or wait.
    var active = 0
    var limits: TenantLimits? {
        didSet { if oldValue == nil { rateDue = Moment(nanoseconds: .min / 2) } }
    }
    var isSuspended = false
    /// When the next invocation would come at exactly the rate allowed.
    private var rateDue = Moment(nanoseconds: .min / 2)
    /// Room was looked for in vain; not again before then.
    var roomRetryAt = Moment(nanoseconds: .min / 2)

    init(claimant: StartQueue.Claimant) { self.claimant = claimant }

    var weight: Double { max(limits?.weight ?? 1, 0.001) }
    var isUnused: Bool { links == 0 && !hasRules }
    /// Whether there is anything to check before an invocation.
    var hasRules: Bool { isSuspended || limits != nil }

    /// Nil if one more invocation is allowed now. Counts it against the rate then.
    mutating func admit(now: Moment) -> Throttle? {
        if isSuspended { return .tenantSuspended }
        guard let limits else { return nil }
        if let most = limits.concurrencyMax, active >= most { return .tenantConcurrency }
        guard let rate = limits.ratePerSecondMax else { return nil }
        guard rate > 0 else { return .tenantRate }
        let interval = Int64(min(1e9 / rate, 1e17))
        let tolerance = Int64(clamping: Int128(interval) * Int128(max(limits.rateBurst, 1) - 1))
        let due = max(rateDue.nanoseconds, now.nanoseconds)
        if due - now.nanoseconds > tolerance { return .tenantRate }
        rateDue = Moment(nanoseconds: due + interval)
        return nil
    }

    /// Whether `needed` more MiB, together with what has been asked for, can fit below the limit.
    func allowsMemory(_ needed: Int) -> Bool {
        guard let most = limits?.memoryMiBMax else { return true }
        return memoryMiB - evictableMiB + requestedMiB + needed <= most
    }
}
