/// One permission that a call needs, in IAM's terms.
public struct AccessRequest: Sendable, Equatable {
    /// `dynamodb:GetItem`.
    public var action: String
    /// The ARN that the call acts on; `*` where the action has no resource.
    public var resource: String
    /// Condition keys that the service knows (`dynamodb:LeadingKeys`, `kms:EncryptionContext:tenant`,
    /// `secretsmanager:ResourceTag/tenant`), each with its values.
    public var conditions: [String: [String]]
    /// The resource's own policy document (JSON), where it has one: a key policy, a secret's resource policy.
    public var resourcePolicy: String?

    public init(
        action: String, resource: String, conditions: [String: [String]] = [:], resourcePolicy: String? = nil
    ) {
        self.action = action
        self.resource = resource
        self.conditions = conditions
        self.resourcePolicy = resourcePolicy
    }
}

/// Condition keys that the platform itself gives.
public enum AccessConditionKeys {
    /// The tenant that an invocation is for (`lambda:InvokeFunction`).
    public static let invocationTenant = "cloister:TenantId"
}

/// Decides whether a caller may do what a service is about to do. A service asks before it reads or changes anything.
public protocol Authorizer: Sendable {
    /// Throws `AccessDeniedException` with AWS's wording, and for the tenant boundary with the boundary's own.
    func authorize(_ request: AccessRequest, for caller: Caller) async throws(ServiceError)
}

/// An authorizer that decides at once: for event loops.
public protocol ImmediateAuthorizer: Authorizer {
    func decide(_ request: AccessRequest, for caller: Caller) throws(ServiceError)
}

extension ImmediateAuthorizer {
    public func authorize(_ request: AccessRequest, for caller: Caller) async throws(ServiceError) {
        try decide(request, for: caller)
    }
}

/// Lets every verified caller do everything: for tests.
public struct UnrestrictedAuthorizer: ImmediateAuthorizer {
    public init() {}

    public func decide(_ request: AccessRequest, for caller: Caller) throws(ServiceError) {}
}

/// Who sees to it that a call of a service is allowed.
public enum ServiceAccess: Sendable {
    /// The service asks the authorizer itself, for each operation and resource.
    case decidedByService
    /// Nobody but the administrator and principals that may do everything in the service; never an environment.
    case wholeService
    /// The administrator alone.
    case administratorOnly
}

/// What one service needs of KMS to keep another's data: small values encrypted under a customer's key, or under the
/// account's own key of a service (`alias/aws/secretsmanager`), which is made when it is first used.
public protocol KeyService: Sendable {
    /// At most 4,096 bytes. `key` is a key id, key ARN, alias or alias ARN. Errors are KMS's own (`NotFoundException`,
    /// `DisabledException`, `KMSInvalidStateException`, `AccessDeniedException`).
    func encrypt(
        _ plaintext: [UInt8], under key: String, context: [String: String], for caller: Caller
    ) async throws(ServiceError) -> [UInt8]

    /// The key is the one that the blob names.
    func decrypt(
        _ blob: [UInt8], context: [String: String], for caller: Caller
    ) async throws(ServiceError) -> [UInt8]

    /// The key's ARN, for descriptions. Throws `NotFoundException`.
    func keyARN(_ key: String, for caller: Caller) async throws(ServiceError) -> String
}
