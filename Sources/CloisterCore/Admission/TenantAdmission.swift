/// Decides which tenant an invocation is for, before anything starts. Pure.
///
/// The tenant comes from the `X-Amz-Tenant-Id` header or from `custom.tenantId` in the client context. Whatever is
/// missing, malformed, contradictory or unexpected is refused.
public enum TenantAdmission {
    /// What one source says about the tenant.
    public enum Claim: Equatable, Sendable {
        case absent
        case text(String)
        /// Present, but no text, given twice, or not decodable.
        case malformed
    }

    public enum Refusal: Error, Equatable, Sendable {
        case required
        case invalid(lengthMax: Int)
        case conflict
        case notSupported

        /// The word that ends the caller's message, so that programs can tell the cases apart.
        public var word: String {
            switch self {
            case .required: "TenantIdentifierRequired"
            case .invalid: "TenantIdentifierInvalid"
            case .conflict: "TenantIdentifierConflict"
            case .notSupported: "TenantIdentifierNotSupported"
            }
        }

        /// AWS's own text where there is one (clients match on it), then the word.
        public var message: String { "\(explanation) \(word)" }

        private var explanation: String {
            switch self {
            case .required:
                "The invoked function is enabled with tenancy configuration. "
                    + "Add a valid tenant ID in your request and try again."
            case .invalid(let lengthMax):
                "The tenant ID in your request is not valid: it must be 1 to \(lengthMax) characters of "
                    + "[a-zA-Z0-9._:/=+-@ ], without blanks at its ends or double blanks."
            case .conflict:
                "The tenant ID in the X-Amz-Tenant-Id header and the one in the client context differ."
            case .notSupported:
                "The invoked function is not enabled with tenancy configuration. "
                    + "Remove the tenant ID from your request and try again."
            }
        }
    }

    /// The tenant to run for; nil for a function without tenant isolation.
    public static func admit(
        header: Claim, clientContext: Claim, isTenantIsolated: Bool, lengthMax: Int = TenantID.lengthMax
    ) throws(Refusal) -> TenantID? {
        if header == .absent, clientContext == .absent {
            if isTenantIsolated { throw .required }
            return nil
        }
        guard isTenantIsolated else { throw .notSupported }
        let fromHeader = try tenant(header, lengthMax: lengthMax)
        let fromContext = try tenant(clientContext, lengthMax: lengthMax)
        if let fromHeader, let fromContext, fromHeader != fromContext { throw .conflict }
        guard let tenant = fromHeader ?? fromContext else { throw .required }
        return tenant
    }

    private static func tenant(_ claim: Claim, lengthMax: Int) throws(Refusal) -> TenantID? {
        switch claim {
        case .absent:
            return nil
        case .malformed:
            throw .invalid(lengthMax: lengthMax)
        case .text(let text):
            guard let tenant = TenantID(text, lengthMax: lengthMax) else { throw .invalid(lengthMax: lengthMax) }
            return tenant
        }
    }
}
