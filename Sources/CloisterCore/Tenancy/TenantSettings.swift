/// Environments of one function that are kept bound to a tenant, and warm.
public struct TenantReservation: Sendable, Equatable {
    public var function: FunctionKey
    /// A version's number, `$LATEST` or an alias's name; nil: `$LATEST`.
    public var qualifier: String?
    public var count: Int

    public init(function: FunctionKey, qualifier: String?, count: Int) {
        self.function = function
        self.qualifier = qualifier
        self.count = count
    }
}

/// What holds for one registered tenant, its tier's part included.
public struct TenantSettings: Sendable, Equatable {
    public var tenant: TenantID
    public var isSuspended: Bool
    /// Nil: no limits of its own.
    public var limits: TenantLimits?
    public var reservations: [TenantReservation]

    public init(
        tenant: TenantID, isSuspended: Bool = false, limits: TenantLimits? = nil,
        reservations: [TenantReservation] = []
    ) {
        self.tenant = tenant
        self.isSuspended = isSuspended
        self.limits = limits
        self.reservations = reservations
    }

    /// How many environments of each version of `entry` are reserved.
    public func reserved(of entry: FunctionEntry) -> [FunctionVersion: Int] {
        reservations.filter { $0.function == entry.key }.reduce(into: [:]) { sum, reservation in
            sum.merge(entry.shares(of: reservation.count, qualifier: reservation.qualifier), uniquingKeysWith: +)
        }
    }
}
