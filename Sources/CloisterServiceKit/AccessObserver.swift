/// A refusal that someone should know about. Holds names of other tenants' things: for the audit log, never for a caller.
public struct AccessEvent: Sendable, Equatable {
    public enum Kind: String, Sendable, Codable {
        /// The policies don't allow the call.
        case denied
        /// The tenant boundary stopped a call that reached for another tenant.
        case crossTenant
        /// The tenant boundary stopped a call that it can't tell to be the tenant's own.
        case boundary
        /// An environment's credentials were used outside its channel.
        case stolenCredential
    }

    public var kind: Kind
    /// Nil where the caller isn't known: a refused credential.
    public var caller: Caller?
    /// The key that was used.
    public var accessKeyID: String
    public var request: AccessRequest?
    /// Why, in full: the policy and statement, or the value that names another tenant.
    public var reason: String
    /// Where it came in.
    public var channel: CallChannel?

    public init(
        kind: Kind, caller: Caller? = nil, accessKeyID: String, request: AccessRequest? = nil, reason: String,
        channel: CallChannel? = nil
    ) {
        self.kind = kind
        self.caller = caller
        self.accessKeyID = accessKeyID
        self.request = request
        self.reason = reason
        self.channel = channel
    }
}

/// Takes refusals for the audit log.
public protocol AccessObserver: Sendable {
    /// Never blocks and never fails; may be called on an event loop.
    func observed(_ event: AccessEvent)
}

/// Nobody looks: for tests.
public struct NoAccessObserver: AccessObserver {
    public init() {}

    public func observed(_ event: AccessEvent) {}
}
