/// What becomes of an environment from the moment it is idle. All spans are counted from there.
public struct IdlePlan: Sendable, Equatable {
    /// How long it stays in memory.
    public var warm: TimeSpan
    /// How much longer it is kept hibernated after that; 0 destroys it instead.
    public var hibernated: TimeSpan
    /// When its owner's next call is expected closely enough to make an environment ready just before it; nil for never.
    public var prediction: Prediction?

    public struct Prediction: Sendable, Equatable {
        /// From the owner's last call to the moment when an environment should be ready again.
        public var after: TimeSpan
        /// How long it then waits in memory for the call.
        public var window: TimeSpan

        public init(after: TimeSpan, window: TimeSpan) {
            self.after = after
            self.window = window
        }
    }

    public init(
        warm: TimeSpan, hibernated: TimeSpan = TimeSpan(nanoseconds: 0), prediction: Prediction? = nil
    ) {
        self.warm = warm
        self.hibernated = hibernated
        self.prediction = prediction
    }
}

/// How long an idle environment is kept, and how. Pure: decides from what it is given; the state it learns from is
/// the owner's `ArrivalHistory`, which the scheduler keeps.
public protocol KeepAlivePolicy: Sendable {
    /// Whether the scheduler is to keep histories at all.
    var usesHistory: Bool { get }
    /// Whether idle environments are hibernated as soon as memory runs short, rather than when their plan says so.
    var hibernatesUnderPressure: Bool { get }

    /// `owner` is nil for an environment that nobody has been bound to yet; `history` is nil for an owner who hasn't
    /// been seen yet, or has been forgotten.
    func plan(pool: PoolKey, owner: EnvironmentOwner?, history: ArrivalHistory?) -> IdlePlan
}

extension KeepAlivePolicy {
    public var usesHistory: Bool { false }
    public var hibernatesUnderPressure: Bool { false }
}

/// The same span for everyone.
public struct FixedKeepAlive: KeepAlivePolicy {
    public var span: TimeSpan

    public init(_ span: TimeSpan = .seconds(600)) { self.span = span }

    public func plan(pool: PoolKey, owner: EnvironmentOwner?, history: ArrivalHistory?) -> IdlePlan {
        IdlePlan(warm: span)
    }
}
