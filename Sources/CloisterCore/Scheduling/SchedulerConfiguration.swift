/// How long an idle environment is kept. Pure: decides from what it is given.
public protocol KeepAlivePolicy: Sendable {
    /// `owner` is nil for an environment that nobody has been bound to yet.
    func keepAlive(pool: PoolKey, owner: EnvironmentOwner?) -> TimeSpan
}

/// The same span for everyone.
public struct FixedKeepAlive: KeepAlivePolicy {
    public var span: TimeSpan

    public init(_ span: TimeSpan = .seconds(600)) { self.span = span }

    public func keepAlive(pool: PoolKey, owner: EnvironmentOwner?) -> TimeSpan { span }
}

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
    /// How long an environment whose processes are being restarted after a failure is waited for in the same way.
    public var recoveringMax: TimeSpan = .seconds(2)
    /// How long after its answer an idle environment is frozen.
    public var freezeDelay: TimeSpan = .milliseconds(10)
    public var keepAlive: any KeepAlivePolicy = FixedKeepAlive()

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
    /// No environment became free in time, for want of memory or of start slots.
    case capacity

    /// botocore's `ThrottleReason`.
    public var reason: String {
        switch self {
        case .reservedConcurrency: "ReservedFunctionConcurrentInvocationLimitExceeded"
        case .accountConcurrency, .tenantConcurrency, .tenantEnvironments, .capacity:
            "ConcurrentInvocationLimitExceeded"
        }
    }

    /// The caller's text; AWS's spelling differs by case, and clients have seen both.
    public var message: String {
        switch self {
        case .tenantEnvironments: "Rate exceeded"
        default: "Rate Exceeded."
        }
    }
}

/// Why an environment ends.
public enum DestroyReason: String, Sendable, Equatable {
    case idle, evicted, retired, failed
}

/// What the shell must do. In the order given.
public enum SchedulerEffect: Sendable, Equatable {
    /// Start an environment; report `environmentReady`, or `environmentLost` with the invocation it was for.
    case start(EnvironmentNumber, PoolKey)
    /// Hand the invocation to the environment (thawing it first if it is frozen).
    case run(InvocationNumber, BoundEnvironment, isFrozen: Bool)
    case refuse(InvocationNumber, Throttle)
    /// The environment that was started for this invocation ended before it was ready; no other is coming.
    case failStart(InvocationNumber, EnvironmentNumber)
    case freeze(EnvironmentNumber)
    case destroy(EnvironmentNumber, DestroyReason)
}
