/// All the policies that have a say in one request within one account.
struct PolicySet: Sendable {
    enum ResourcePolicyRole: Sendable {
        /// The resource's policy and the principal's add up.
        case sufficient
        /// Nothing goes without the resource's policy: KMS keys, trust policies.
        case required
    }

    var identity: [NamedPolicy] = []
    var boundary: NamedPolicy?
    /// Nil: the session isn't restricted.
    var session: [NamedPolicy]?
    var resource: NamedPolicy?
    var resourceRole = ResourcePolicyRole.sufficient
    /// How the resource's policy is called in messages.
    var resourceSource = PolicySource.resource
}

/// Evaluates policies in AWS's order: an explicit deny anywhere, then the resource's policy, the principal's own, its
/// permissions boundary, its session policies. Without an allow it is a deny.
enum PolicyEvaluator {
    static func decide(_ context: PolicyContext, _ policies: PolicySet) -> PolicyDecision {
        if let denial = denial(context, policies) { return .explicitlyDenied(denial) }
        let granted = resourceGrant(context, policies)
        if let granted, granted.match == .itself { return .allowed([granted.statement]) }
        if policies.resourceRole == .required, granted == nil { return .implicitlyDenied(policies.resourceSource) }
        var allowing: [MatchedStatement] = []
        if let granted, granted.match > .account {
            allowing.append(granted.statement)
        } else if let own = first(.allow, context, policies.identity, .identity) {
            allowing.append(own)
        } else {
            return .implicitlyDenied(.identity)
        }
        if let boundary = policies.boundary {
            guard let allow = first(.allow, context, [boundary], .boundary) else { return .implicitlyDenied(.boundary) }
            allowing.append(allow)
        }
        if let session = policies.session {
            guard let allow = first(.allow, context, session, .session) else { return .implicitlyDenied(.session) }
            allowing.append(allow)
        }
        return .allowed(allowing)
    }

    private static func denial(_ context: PolicyContext, _ policies: PolicySet) -> MatchedStatement? {
        if let statement = first(.deny, context, policies.identity, .identity) { return statement }
        if let resource = policies.resource {
            for statement in resource.document.statements where statement.effect == .deny {
                guard let principals = statement.principals, principals.match(context.principal) != .none,
                    statement.applies(to: context)
                else { continue }
                return MatchedStatement(statement, in: resource, source: policies.resourceSource)
            }
        }
        if let boundary = policies.boundary, let statement = first(.deny, context, [boundary], .boundary) { return statement }
        return policies.session.flatMap { first(.deny, context, $0, .session) }
    }

    /// The statement of the resource's policy that names the principal most closely.
    private static func resourceGrant(
        _ context: PolicyContext, _ policies: PolicySet
    ) -> (match: PrincipalElement.Match, statement: MatchedStatement)? {
        guard let resource = policies.resource else { return nil }
        var best: (match: PrincipalElement.Match, statement: MatchedStatement)?
        for statement in resource.document.statements where statement.effect == .allow {
            guard let match = statement.principals?.match(context.principal), match > best?.match ?? .none,
                statement.applies(to: context)
            else { continue }
            best = (match, MatchedStatement(statement, in: resource, source: policies.resourceSource))
        }
        return best
    }

    private static func first(
        _ effect: PolicyStatement.Effect, _ context: PolicyContext, _ policies: [NamedPolicy], _ source: PolicySource
    ) -> MatchedStatement? {
        // By index: statements are large, and a copy of each would cost more than looking at it.
        for index in policies.indices {
            guard let at = policies[index].document.first(effect, context) else { continue }
            return MatchedStatement(policies[index].document.statements[at], in: policies[index], source: source)
        }
        return nil
    }
}
