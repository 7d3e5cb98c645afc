import CloisterCore

/// The scheduler's work for warm invocations of many tenants, for measuring: one environment each, random order.
public struct WarmInvocations: ~Copyable {
    private var scheduler: Scheduler
    private var random = SplitMix64(seed: 1)
    private let pool: PoolNumber
    private let tenants: [EnvironmentOwner]
    private var effects: [SchedulerEffect] = []
    private var now = Moment(nanoseconds: 0)
    private var invocation = 0

    public init(tenantCount: Int) {
        var configuration = SchedulerConfiguration()
        configuration.accountConcurrencyMax = tenantCount
        configuration.memoryMiBMax = tenantCount * 128
        configuration.startsMax = tenantCount
        configuration.waitingMax = tenantCount
        configuration.keepAlive = FixedKeepAlive(.seconds(1_000_000))
        scheduler = Scheduler(configuration: configuration)
        let function = FunctionKey(region: "eu-central-1", name: "tenant-isolated-processor")
        let key = PoolKey(
            version: FunctionVersionKey(function: function, version: .latest),
            revision: "8c9b4f7e-0000-4000-8000-000000000001")
        pool = scheduler.openPool(key, memoryMiB: 128, isTenantIsolated: true)
        tenants = (0..<tenantCount).compactMap { TenantID("tenant-\($0)-d7f2a6c1-5b1e-4c59") }.map { .tenant($0) }
        for tenant in tenants { invoke(tenant) }
        for number in 1...tenantCount {
            scheduler.environmentReady(EnvironmentNumber(number), now: now, into: &effects)
            scheduler.invocationAnswered(by: EnvironmentNumber(number), now: now, into: &effects)
            scheduler.environmentReleased(EnvironmentNumber(number), now: now, into: &effects)
        }
        effects.removeAll()
    }

    /// Invoke, answered, released, and the timers that fall due, `count` times; how many really ran.
    public mutating func run(_ count: Int) -> Int {
        var ran = 0
        for _ in 0..<count {
            now = now + TimeSpan(nanoseconds: 25_000)
            effects.removeAll(keepingCapacity: true)
            if let next = scheduler.nextDeadline, next <= now { scheduler.advance(to: now, into: &effects) }
            effects.removeAll(keepingCapacity: true)
            invoke(random.pick(tenants))
            guard case .run(_, let bound, _)? = effects.first else { continue }
            ran += 1
            scheduler.invocationAnswered(by: bound.number, now: now, into: &effects)
            scheduler.environmentReleased(bound.number, now: now, into: &effects)
        }
        return ran
    }

    private mutating func invoke(_ tenant: EnvironmentOwner) {
        invocation += 1
        scheduler.invoke(InvocationNumber(invocation), pool: pool, owner: tenant, now: now, into: &effects)
    }
}
