/// Which sort of policy decided; the text is AWS's, for denial messages.
enum PolicySource: String, Sendable, Equatable {
    case identity = "identity-based policy"
    case resource = "resource-based policy"
    case session = "session policy"
    case boundary = "permissions boundary"
    case trust = "role trust policy"

    var article: String { self == .identity ? "an" : "a" }
}

/// A policy with what it is called and where it comes from.
struct NamedPolicy: Sendable, Equatable {
    /// AWS's `PolicySourceType`.
    enum Origin: String, Sendable, Equatable, Codable {
        case user, group, role, awsManaged = "aws-managed", userManaged = "user-managed", resource, none
    }

    /// A managed policy's ARN, an inline policy's name.
    var id: String
    var origin: Origin
    var document: PolicyDocument

    init(id: String, origin: Origin, document: PolicyDocument) {
        self.id = id
        self.origin = origin
        self.document = document
    }
}

/// A statement that spoke for or against a request.
struct MatchedStatement: Sendable, Equatable {
    var policy: String
    var origin: NamedPolicy.Origin
    var source: PolicySource
    var sid: String?
    var start: TextPlace
    var end: TextPlace

    init(_ statement: PolicyStatement, in policy: NamedPolicy, source: PolicySource) {
        self.policy = policy.id
        origin = policy.origin
        self.source = source
        sid = statement.sid
        start = statement.start
        end = statement.end
    }
}

/// What the policies say to a request.
enum PolicyDecision: Sendable, Equatable {
    /// By these statements.
    case allowed([MatchedStatement])
    case explicitlyDenied(MatchedStatement)
    /// No policy of this sort allows it.
    case implicitlyDenied(PolicySource)

    var isAllowed: Bool { if case .allowed = self { true } else { false } }

    /// AWS's words, after `User: … is not authorized to perform: ACTION on resource: ARN`; empty if allowed.
    func reason(action: String) -> String {
        switch self {
        case .allowed: ""
        case .explicitlyDenied(let statement): "with an explicit deny in \(statement.source.article) \(statement.source.rawValue)"
        case .implicitlyDenied(let source): "because no \(source.rawValue) allows the \(action) action"
        }
    }
}
