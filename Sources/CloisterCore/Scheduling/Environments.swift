/// An environment's number within one scheduler; never used twice.
public struct EnvironmentNumber: Hashable, Sendable, Comparable, CustomStringConvertible {
    public let rawValue: Int

    public init(_ rawValue: Int) { self.rawValue = rawValue }

    public static func < (lhs: EnvironmentNumber, rhs: EnvironmentNumber) -> Bool { lhs.rawValue < rhs.rawValue }

    public var description: String { String(rawValue) }
}

/// Whose invocations an environment serves: one tenant's, or, on a function without tenant isolation, the function's.
public enum EnvironmentOwner: Hashable, Sendable {
    case function
    case tenant(TenantID)

    public init(_ tenant: TenantID?) {
        if let tenant { self = .tenant(tenant) } else { self = .function }
    }

    public var tenant: TenantID? {
        switch self {
        case .function: nil
        case .tenant(let tenant): tenant
        }
    }
}

/// An initialised environment that has served nobody yet.
///
/// The value can't be copied and `bind` consumes it: binding one environment twice does not compile. It is the only
/// way to a `BoundEnvironment`, and nothing turns a `BoundEnvironment` into one of another owner.
public struct UnboundEnvironment: ~Copyable, Sendable {
    public let number: EnvironmentNumber

    /// Only the scheduler makes one, once for each environment that reports ready; no other module can.
    init(_ number: EnvironmentNumber) { self.number = number }

    /// Gives the environment to `owner`, for the rest of its life.
    public consuming func bind(to owner: EnvironmentOwner) -> BoundEnvironment {
        BoundEnvironment(number: number, owner: owner)
    }
}

/// An environment that belongs to one owner until it is destroyed.
public struct BoundEnvironment: Sendable, Equatable {
    public let number: EnvironmentNumber
    public let owner: EnvironmentOwner

    fileprivate init(number: EnvironmentNumber, owner: EnvironmentOwner) {
        self.number = number
        self.owner = owner
    }
}
