public import CloisterCore

/// What kind of principal calls; decides which policies are asked.
public enum PrincipalType: String, Sendable, Codable {
    /// The account's administrator, who made the server: everything is allowed (`aws:PrincipalType` is `Account`).
    case administrator = "Account"
    case user = "User"
    case assumedRole = "AssumedRole"
    /// The platform itself on a customer's behalf: a service principal such as `events.amazonaws.com`.
    case service = "Service"
}

/// The session behind temporary credentials.
public struct CallerSession: Sendable, Equatable {
    /// The access key's id: one session has one.
    public var id: String
    /// `arn:aws:iam::ACCOUNT:role/PATH/NAME` of an assumed role; nil for `GetSessionToken`.
    public var roleARN: String?
    /// The session's name: what `AssumeRole` was given, for an environment the function's name.
    public var name: String
    /// Seconds since 1970.
    public var issuedAt: Int64
    public var expiresAt: Int64
    /// Session policies, JSON: the session may do only what they allow as well.
    public var policies: [String]
    /// Managed policies that hold as session policies.
    public var policyARNs: [String]
    public var tags: [String: String]
    /// Keys of `tags` that a role assumed by this session inherits.
    public var transitiveTagKeys: [String]
    /// `sts:SourceIdentity`.
    public var sourceIdentity: String?

    public init(
        id: String, roleARN: String?, name: String, issuedAt: Int64, expiresAt: Int64, policies: [String] = [],
        policyARNs: [String] = [], tags: [String: String] = [:], transitiveTagKeys: [String] = [],
        sourceIdentity: String? = nil
    ) {
        self.id = id
        self.roleARN = roleARN
        self.name = name
        self.issuedAt = issuedAt
        self.expiresAt = expiresAt
        self.policies = policies
        self.policyARNs = policyARNs
        self.tags = tags
        self.transitiveTagKeys = transitiveTagKeys
        self.sourceIdentity = sourceIdentity
    }
}

/// The environment that a call comes from, as the platform knows it by the channel; never by what the code says.
public struct CallerEnvironment: Sendable, Equatable {
    public var id: EnvironmentID
    /// Unqualified.
    public var functionARN: String
    /// The tenant that the environment is bound to; nil for a function without tenant isolation.
    public var tenant: TenantID?
    /// Whether the function has tenant isolation. Such an environment that is bound to nobody yet may read or change
    /// nothing of any tenant.
    public var isTenantIsolated: Bool

    public init(id: EnvironmentID, functionARN: String, tenant: TenantID?, isTenantIsolated: Bool) {
        self.id = id
        self.functionARN = functionARN
        self.tenant = tenant
        self.isTenantIsolated = isTenantIsolated
    }
}
