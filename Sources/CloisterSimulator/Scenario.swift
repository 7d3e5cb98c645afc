import CloisterCore

/// What one simulated run is made of. Everything follows from the seed.
public struct Scenario: Sendable {
    public let seed: UInt64
    /// Steps after which nothing new comes in; the run then ends what is under way.
    public var stepsMax: Int
    public var scheduler = SchedulerConfiguration()
    /// Seconds of keep-alive.
    var keepAlive = TimeSpan.seconds(10)
    var functionCount = 4
    var isolatedShare = 0.7
    var tenantCount = 50
    var memorySizes = [128, 128, 256, 512]
    /// Longest time between two arrivals, in microseconds.
    var arrivalGapMax = 20_000
    var burstChance = 0.002
    var burstMax = 100
    var eventShare = 0.1
    var durationMax = 200_000
    var initMax = 300_000
    var initFailure = 0.03
    var failure = 0.02
    var lateReturn = 0.02
    /// Chance, per arrival, of a change or a fault.
    var chaos = 0.05
    var hasReservations = true
    /// Whether tenants have limits, and are suspended now and then.
    var hasTenantRules = false
    /// Whether capacity is started ahead of need: provisioned concurrency and tenants' reservations.
    var hasAhead = false
    var isAdaptive = false
    /// How late the shell's timers may fire.
    var lateness = TimeSpan(nanoseconds: 0)
    var deliveriesMax = 16
    var deepCheckEvery = 64

    public init(seed: UInt64, stepsMax: Int = 20_000) {
        self.seed = seed
        self.stepsMax = stepsMax
        var random = SplitMix64(seed: seed ^ 0x5ce0_a210)
        functionCount = random.between(1, 12)
        isolatedShare = random.pick([0, 0.5, 0.8, 1])
        tenantCount = random.pick([1, 2, 10, 100, 1_000])
        arrivalGapMax = random.pick([500, 5_000, 50_000, 50_000, 500_000])
        burstChance = random.pick([0, 0.001, 0.01])
        burstMax = random.pick([10, 100, 600])
        eventShare = random.pick([0, 0.1, 0.5])
        durationMax = random.pick([1_000, 10_000, 100_000, 5_000_000])
        initMax = random.pick([20_000, 300_000, 3_000_000])
        initFailure = random.pick([0, 0.02, 0.3])
        failure = random.pick([0, 0.02, 0.2])
        lateReturn = random.pick([0, 0.02, 0.3])
        chaos = random.pick([0, 0.01, 0.1])
        hasReservations = random.chance(0.5)
        lateness = .milliseconds(random.pick([0, 0, 3]))
        deliveriesMax = random.pick([1, 8, 64])
        keepAlive = random.pick([.milliseconds(200), .seconds(5), .seconds(120)])
        hasTenantRules = random.chance(0.5)
        hasAhead = random.chance(0.5)
        chooseLimits(&random)
    }

    private mutating func chooseLimits(_ random: inout SplitMix64) {
        scheduler.keepAlive = FixedKeepAlive(keepAlive)
        isAdaptive = random.chance(0.5)
        if isAdaptive {
            scheduler.keepAlive = AdaptiveKeepAlive(
                hibernatedMax: random.pick([.seconds(0), .seconds(20), .seconds(300)]), resumePrice: 5, coldStartPrice: 20,
                warmMax: .seconds(30), warmMin: .milliseconds(100), warmUnknown: keepAlive, periodMin: .seconds(1))
            scheduler.historiesMax = random.pick([3, 1_000])
        }
        scheduler.fairIdleMin = random.pick([.milliseconds(10), .seconds(1), .seconds(60)])
        scheduler.fairReserveDivisor = random.pick([4, 16, 1_000_000])
        scheduler.startsMax = random.pick([1, 2, 4, 16])
        scheduler.waitMax = random.pick([.milliseconds(50), .seconds(1), .seconds(30)])
        scheduler.tenantConcurrencyMax = random.pick([nil, nil, 1, 10])
        scheduler.waitingMax = random.pick([2, 50, 4_096])
        scheduler.accountConcurrencyMax = random.pick([1, 20, 100, 1_000, 1_000])
        scheduler.tenantEnvironmentsPerThousand = random.pick([1_000, 2_500, 2_500])
        scheduler.memoryMiBMax = random.pick([256, 2_048, 16_384, 65_536])
        if random.chance(0.2) { memorySizes = [128, 300, 1_024] }
        scheduler.recoveringMax = random.pick([.milliseconds(5), .milliseconds(500)])
    }
}
