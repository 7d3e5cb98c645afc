/// Why a well-formed tenant is not served: the registry says so. Nothing has started.
public enum TenantRegistryRefusal: Error, Equatable, Sendable {
    case suspended
    /// The function serves registered tenants only (its tag `cloister:tenants` is `registered`).
    case unknown

    /// The word that ends the caller's message, so that programs can tell the cases apart.
    public var word: String {
        switch self {
        case .suspended: "TenantSuspended"
        case .unknown: "TenantNotRegistered"
        }
    }

    public var message: String {
        switch self {
        case .suspended: "The tenant is suspended. \(word)"
        case .unknown: "The function serves registered tenants only, and the tenant is not registered. \(word)"
        }
    }
}
