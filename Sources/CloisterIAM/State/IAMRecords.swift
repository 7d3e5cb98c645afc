import CloisterCore

/// A policy document with its text, as it is kept: read once, evaluated often.
struct StoredPolicy: Sendable, Equatable, Codable {
    let text: String
    let kind: PolicyDocument.Kind
    let document: PolicyDocument

    init(_ text: String, kind: PolicyDocument.Kind) throws(PolicyError) {
        document = try PolicyDocument(text, kind: kind)
        self.text = text
        self.kind = kind
    }

    private enum CodingKeys: String, CodingKey { case text, kind }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        try self.init(
            try container.decode(String.self, forKey: .text), kind: try container.decode(PolicyDocument.Kind.self, forKey: .kind))
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(text, forKey: .text)
        try container.encode(kind, forKey: .kind)
    }

    static func == (lhs: StoredPolicy, rhs: StoredPolicy) -> Bool { lhs.text == rhs.text && lhs.kind == rhs.kind }
}

/// What policies can be attached to: users, groups, roles.
protocol PolicyHolder {
    static var origin: NamedPolicy.Origin { get }
    var name: String { get }
    /// By name.
    var inlinePolicies: [String: StoredPolicy] { get set }
    /// ARNs, in the order in which they were attached.
    var attachedPolicies: [String] { get set }
    var permissionsBoundary: String? { get set }
    var tags: [String: String] { get set }
}

struct AccessKeyRecord: Sendable, Equatable, Codable {
    var id: String
    /// Wrapped by `IAMKeys`, base64.
    var sealedSecret: String
    var isActive: Bool
    /// Seconds since 1970.
    var createdAt: Int64
}

struct UserRecord: Sendable, Equatable, Codable, PolicyHolder {
    static let origin = NamedPolicy.Origin.user

    var name: String
    var path: String
    var id: String
    var createdAt: Int64
    var tags: [String: String] = [:]
    var inlinePolicies: [String: StoredPolicy] = [:]
    var attachedPolicies: [String] = []
    var permissionsBoundary: String?
    /// Names.
    var groups: [String] = []
    var accessKeys: [AccessKeyRecord] = []

    func arn(_ account: AccountID) -> String { "arn:aws:iam::\(account):user\(path)\(name)" }
}

struct GroupRecord: Sendable, Equatable, Codable, PolicyHolder {
    static let origin = NamedPolicy.Origin.group

    var name: String
    var path: String
    var id: String
    var createdAt: Int64
    var tags: [String: String] = [:]
    var inlinePolicies: [String: StoredPolicy] = [:]
    var attachedPolicies: [String] = []
    var permissionsBoundary: String?

    func arn(_ account: AccountID) -> String { "arn:aws:iam::\(account):group\(path)\(name)" }
}

struct RoleRecord: Sendable, Equatable, Codable, PolicyHolder {
    static let origin = NamedPolicy.Origin.role

    var name: String
    var path: String
    var id: String
    var createdAt: Int64
    var description: String?
    var trust: StoredPolicy
    var sessionSecondsMax: Int
    var tags: [String: String] = [:]
    var inlinePolicies: [String: StoredPolicy] = [:]
    var attachedPolicies: [String] = []
    var permissionsBoundary: String?

    func arn(_ account: AccountID) -> String { "arn:aws:iam::\(account):role\(path)\(name)" }
}

/// A managed policy of the account's own.
struct ManagedPolicyRecord: Sendable, Equatable, Codable {
    struct Version: Sendable, Equatable, Codable {
        var number: Int
        var policy: StoredPolicy
        var createdAt: Int64

        var id: String { "v\(number)" }
    }

    var name: String
    var path: String
    var id: String
    var description: String?
    var createdAt: Int64
    var updatedAt: Int64
    /// At least one, in the order in which they were made.
    var versions: [Version]
    var defaultVersion: Int
    /// Numbers are never used twice.
    var lastVersion: Int
    var tags: [String: String] = [:]

    func arn(_ account: AccountID) -> String { "arn:aws:iam::\(account):policy\(path)\(name)" }

    var current: StoredPolicy? { versions.first { $0.number == defaultVersion }?.policy }
}
