/// The scheduler's limits. Defaults are AWS's where AWS has one.
public struct SchedulerConfiguration: Sendable {
    /// Invocations at once in the account (AWS: 1,000).
    public var accountConcurrencyMax = 1_000
    /// Tenant environments, active and idle, per 1,000 of the concurrency that a function may use (AWS: 2,500).
    public var tenantEnvironmentsPerThousand = 2_500
    /// Invocations at once for one tenant of one function; nil for no limit of its own.
    public var tenantConcurrencyMax: Int?
    /// Memory that all environments together may be counted with, in MiB.
    public var memoryMiBMax = 16_384
    /// Environments that may be starting at once.
    public var startsMax = 4
    /// Invocations that may wait for an environment at once; beyond, they are throttled.
    public var waitingMax = 4_096
    /// How long an invocation may wait for an environment before it is throttled.
    public var waitMax: TimeSpan = .seconds(30)
    /// How long an environment that has answered may take to ask for its next invocation before a waiting one gets a
    /// new environment instead.
    public var finishingMax: TimeSpan = .milliseconds(20)
    /// The same for an owner whose environments have lately taken longer: then up to four times as long as they took,
    /// never longer than a start takes, and never longer than this.
    public var finishingLimit: TimeSpan = .milliseconds(500)
    /// How long an environment whose processes are being restarted after a failure is waited for in the same way.
    public var recoveringMax: TimeSpan = .seconds(2)
    /// How long after its answer an idle environment is frozen.
    public var freezeDelay: TimeSpan = .milliseconds(10)
    public var keepAlive: any KeepAlivePolicy = FixedKeepAlive()
    /// Owners whose histories are kept, over all functions (about 200 bytes each). Those not heard of for long go first.
    public var historiesMax = 100_000
    /// From which share of `memoryMiBMax` on idle environments are hibernated at once, in percent.
    public var pressurePercent = 85
    /// An owner with more than its share of memory may evict others' environments only if they have been idle for so
    /// long.
    public var fairIdleMin: TimeSpan = .seconds(60)
    /// Such an owner leaves this part of memory to the others: a 16th, for example.
    public var fairReserveDivisor = 16
    /// How long after a failed start for provisioned concurrency or a reservation the next is tried; doubles up to
    /// 64 times.
    public var replenishDelay: TimeSpan = .seconds(1)

    public init() {}
}

/// The environments of one function version at one revision. A change of code or configuration makes a new pool.
public struct PoolKey: Hashable, Sendable {
    public let version: FunctionVersionKey
    public let revision: String

    public init(version: FunctionVersionKey, revision: String) {
        self.version = version
        self.revision = revision
    }

    public init(_ snapshot: FunctionSnapshot) {
        self.init(version: snapshot.key, revision: snapshot.revision)
    }
}

/// An invocation's number within one scheduler; never used twice.
public struct InvocationNumber: Hashable, Sendable, Comparable {
    public let rawValue: Int

    public init(_ rawValue: Int) { self.rawValue = rawValue }

    public static func < (lhs: InvocationNumber, rhs: InvocationNumber) -> Bool { lhs.rawValue < rhs.rawValue }
}

/// Why an invocation was throttled: HTTP 429 with AWS's `Reason`.
public enum Throttle: Error, Sendable, Equatable {
    case accountConcurrency
    case reservedConcurrency
    case tenantConcurrency
    case tenantEnvironments
    /// The tenant's own limits (`TenantLimits`).
    case tenantRate
    case tenantMemory
    /// The tenant is suspended: no throttling, but a refusal. Nothing has started.
    case tenantSuspended
    /// No environment became free in time, for want of memory or of start slots.
    case capacity

    /// botocore's `ThrottleReason`.
    public var reason: String {
        switch self {
        case .reservedConcurrency: "ReservedFunctionConcurrentInvocationLimitExceeded"
        case .accountConcurrency, .tenantConcurrency, .tenantEnvironments, .tenantMemory, .capacity:
            "ConcurrentInvocationLimitExceeded"
        case .tenantRate: "CallerRateLimitExceeded"
        case .tenantSuspended: "TenantSuspended"
        }
    }

    /// The caller's text; AWS's spelling differs by case, and clients have seen both.
    public var message: String {
        switch self {
        case .tenantEnvironments: "Rate exceeded"
        case .tenantSuspended: TenantRegistryRefusal.suspended.message
        default: "Rate Exceeded."
        }
    }
}

/// Why an environment ends.
public enum DestroyReason: String, Sendable, Equatable {
    case idle, evicted, retired, failed
    /// Its tenant has been suspended; an invocation that it runs ends with it.
    case suspended
}

/// What the shell must do. In the order given.
public enum SchedulerEffect: Sendable, Equatable {
    /// Start an environment; report `environmentReady` or `environmentLost`.
    case start(EnvironmentNumber, PoolKey)
    /// Hand the invocation to the environment (thawing it first if it is frozen, resuming it if it is hibernated).
    case run(InvocationNumber, BoundEnvironment, isFrozen: Bool)
    case refuse(InvocationNumber, Throttle)
    /// The environment that was started for this invocation ended before it was ready; no other is coming.
    case failStart(InvocationNumber, EnvironmentNumber)
    case freeze(EnvironmentNumber)
    /// The environment is its owner's from now on, before any invocation: for a reservation, or for a call that is
    /// expected.
    case bind(BoundEnvironment)
    /// Give the memory of a frozen environment back, and report with `environmentHolds` what it still holds (also when
    /// that didn't work). It stays its owner's.
    case hibernate(EnvironmentNumber)
    /// Bring a hibernated environment's memory back, without running it: its owner's next call is expected.
    case resume(EnvironmentNumber)
    case destroy(EnvironmentNumber, DestroyReason)
}
