/// A policy document, parsed.
public struct PolicyDocument: Sendable, Equatable {
    /// What a document is for; decides which elements it must and must not have.
    public enum Kind: String, Sendable, Codable {
        /// Attached to a user, group or role, a permissions boundary, or a session policy.
        case identity
        /// A key policy, a secret's or a function's policy.
        case resource
        /// Who may assume a role.
        case trust
    }

    let statements: [PolicyStatement]

    public init(_ text: String, kind: Kind) throws(PolicyError) {
        self = try PolicyParser(kind: kind).document(text)
    }

    init(statements: [PolicyStatement]) { self.statements = statements }

    /// The index of the first statement with this effect that is about the request, principal aside.
    func first(_ effect: PolicyStatement.Effect, _ context: PolicyContext) -> Int? {
        statements.indices.first { statements[$0].effect == effect && statements[$0].applies(to: context) }
    }

    /// The condition keys that the document looks at, as written, in conditions and in variables; sorted.
    var contextKeys: [String] {
        var keys: Set<String> = []
        for statement in statements {
            keys.formUnion(statement.conditions.map(\.keyAsWritten))
            for pattern in statement.resources + statement.conditions.flatMap(\.patterns) {
                for case .variable(let key, _) in pattern.parts { keys.insert(key) }
            }
        }
        return keys.sorted()
    }
}

struct PolicyStatement: Sendable, Equatable {
    enum Effect: Sendable, Equatable { case allow, deny }

    var sid: String?
    var effect: Effect
    /// Nil in identity policies.
    var principals: PrincipalElement?
    var actions: [PolicyPattern]
    /// `NotAction`: everything but `actions`.
    var isActionInverted: Bool
    /// Empty in trust policies, which are about one resource anyway.
    var resources: [PolicyPattern]
    var isResourceInverted: Bool
    var conditions: [PolicyCondition]
    /// Where the statement is in its document.
    var start: TextPlace
    var end: TextPlace

    /// Whether the statement is about the request, principal aside.
    func applies(to context: PolicyContext) -> Bool {
        let isNamed = actions.contains {
            $0.matches(context.actionBytes, ignoringCase: true) { context.variable($0) }
        }
        guard isNamed != isActionInverted, coversResource(context) else { return false }
        return conditions.allSatisfy { $0.isMet(in: context) }
    }

    private func coversResource(_ context: PolicyContext) -> Bool {
        guard !resources.isEmpty else { return true }
        let isNamed = resources.contains { $0.matches(context.resourceBytes) { context.variable($0) } }
        return isNamed != isResourceInverted
    }
}

/// A place in a document; both from 1.
struct TextPlace: Sendable, Equatable {
    var line: Int
    var column: Int
}
