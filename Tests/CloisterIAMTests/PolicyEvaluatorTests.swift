import Testing

@testable import CloisterIAM

struct PolicyEvaluatorTests {
    private static let user = "arn:aws:iam::000000000000:user/ann"
    private static let role = "arn:aws:iam::000000000000:role/r"
    private static let session = "arn:aws:sts::000000000000:assumed-role/r/s"

    private func policy(_ effect: String, _ action: String = "kms:*", principal: String? = nil) throws -> NamedPolicy {
        let element = principal.map { #""Principal":\#($0),"# } ?? ""
        let text = #"{"Version":"2012-10-17","Statement":[{\#(element)"Effect":"\#(effect)","Action":"\#(action)","Resource":"*"}]}"#
        return NamedPolicy(id: "p", origin: .none, document: try PolicyDocument(text, kind: principal == nil ? .identity : .resource))
    }

    private func decide(_ set: PolicySet, as caller: PolicyPrincipal = principal(user)) -> PolicyDecision {
        PolicyEvaluator.decide(PolicyContext(principal: caller, action: "kms:Decrypt", resource: "arn:aws:kms:r:0:key/k"), set)
    }

    @Test func withoutAPolicyNothingGoes() {
        #expect(decide(PolicySet()) == .implicitlyDenied(.identity))
    }

    @Test func identityPolicies() throws {
        #expect(try decide(PolicySet(identity: [policy("Allow")])).isAllowed)
        #expect(try decide(PolicySet(identity: [policy("Allow", "KMS:decrypt")])).isAllowed)
        #expect(try decide(PolicySet(identity: [policy("Allow", "kms:Encrypt")])) == .implicitlyDenied(.identity))
        let denied = try decide(PolicySet(identity: [policy("Allow"), policy("Deny", "*")]))
        #expect(denied.reason(action: "kms:Decrypt") == "with an explicit deny in an identity-based policy")
    }

    @Test func boundaryAndSessionOnlyTakeAway() throws {
        let allow = try policy("Allow")
        let other = try policy("Allow", "s3:*")
        #expect(decide(PolicySet(identity: [allow], boundary: other)) == .implicitlyDenied(.boundary))
        #expect(decide(PolicySet(identity: [allow], boundary: allow)).isAllowed)
        #expect(decide(PolicySet(boundary: allow)) == .implicitlyDenied(.identity))
        #expect(decide(PolicySet(identity: [allow], session: [other])) == .implicitlyDenied(.session))
        #expect(decide(PolicySet(identity: [allow], session: [])) == .implicitlyDenied(.session))
        #expect(decide(PolicySet(identity: [allow], session: [other, allow])).isAllowed)
        #expect(decide(PolicySet(session: [allow])) == .implicitlyDenied(.identity))
    }

    @Test func everyExplicitDenyWins() throws {
        let allow = try policy("Allow")
        let deny = try policy("Deny")
        let everyone = try policy("Deny", principal: #""*""#)
        let full = PolicySet(identity: [allow], boundary: allow, session: [allow])
        for (set, source) in [
            (PolicySet(identity: [allow, deny]), PolicySource.identity), (PolicySet(identity: [allow], boundary: deny), .boundary),
            (PolicySet(identity: [allow], session: [deny]), .session), (PolicySet(identity: [allow], resource: everyone), .resource),
        ] {
            guard case .explicitlyDenied(let statement) = decide(set) else {
                Issue.record("not denied by the \(source.rawValue)")
                continue
            }
            #expect(statement.source == source)
        }
        #expect(decide(full).isAllowed)
    }

    @Test func resourcePolicyAddsUp() throws {
        let caller = principal(Self.session, role: Self.role)
        for (named, set, isAllowed) in [
            // The session itself: nothing else is asked.
            (Self.session, PolicySet(session: []), true), (Self.role, PolicySet(), true), (Self.role, PolicySet(session: []), false),
            ("arn:aws:iam::000000000000:root", PolicySet(), false), ("000000000000", PolicySet(), false),
            ("arn:aws:iam::111111111111:root", PolicySet(), false), (Self.user, PolicySet(), false), ("*", PolicySet(), true),
        ] {
            var set = set
            set.resource = try policy("Allow", principal: #"{"AWS":"\#(named)"}"#)
            #expect(decide(set, as: caller).isAllowed == isAllowed, "\(named)")
        }
    }

    @Test func keyPoliciesAreRequired() throws {
        var set = PolicySet(identity: [try policy("Allow")])
        set.resourceRole = .required
        set.resource = try policy("Allow", principal: #"{"AWS":"arn:aws:iam::000000000000:root"}"#)
        #expect(decide(set).isAllowed)
        set.identity = []
        #expect(decide(set) == .implicitlyDenied(.identity))
        set.identity = [try policy("Allow")]
        set.resource = try policy("Allow", principal: #"{"AWS":"\#(Self.role)"}"#)
        #expect(decide(set) == .implicitlyDenied(.resource))
    }

    @Test func servicePrincipals() throws {
        var set = PolicySet(resource: try policy("Allow", principal: #"{"Service":"events.amazonaws.com"}"#))
        #expect(decide(set, as: principal("events.amazonaws.com", service: "events.amazonaws.com")).isAllowed)
        #expect(!decide(set, as: principal("sns.amazonaws.com", service: "sns.amazonaws.com")).isAllowed)
        #expect(!decide(set, as: principal("events.amazonaws.com")).isAllowed)
        set.resource = try policy("Allow", principal: #"{"AWS":"arn:aws:iam::000000000000:root"}"#)
        #expect(!decide(set, as: principal("events.amazonaws.com", service: "events.amazonaws.com")).isAllowed)
    }

    @Test func notPrincipal() throws {
        let text = #"{"Statement":{"Effect":"Deny","NotPrincipal":{"AWS":"\#(Self.user)"},"Action":"*","Resource":"*"}}"#
        let deny = NamedPolicy(id: "p", origin: .resource, document: try PolicyDocument(text, kind: .resource))
        let set = PolicySet(identity: [try policy("Allow")], resource: deny)
        #expect(decide(set).isAllowed)
        #expect(!decide(set, as: principal(Self.session, role: Self.role)).isAllowed)
    }

    @Test func notActionAndNotResource() throws {
        let text = #"{"Statement":{"Effect":"Allow","NotAction":"iam:*","NotResource":"arn:aws:kms:r:0:key/secret*"}}"#
        let set = PolicySet(identity: [NamedPolicy(id: "p", origin: .user, document: try PolicyDocument(text, kind: .identity))])
        func isAllowed(_ action: String, _ resource: String) -> Bool {
            PolicyEvaluator.decide(PolicyContext(principal: principal(), action: action, resource: resource), set).isAllowed
        }
        #expect(isAllowed("kms:Decrypt", "arn:aws:kms:r:0:key/k"))
        #expect(!isAllowed("IAM:CreateUser", "*") && !isAllowed("kms:Decrypt", "arn:aws:kms:r:0:key/secret1"))
    }

    @Test func tenantScopedTables() throws {
        let text = """
            {"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["dynamodb:GetItem","dynamodb:Query"],
             "Resource":"arn:aws:dynamodb:*:*:table/orders",
             "Condition":{"ForAllValues:StringLike":{"dynamodb:LeadingKeys":["TENANT#${aws:PrincipalTag/tenant_id}"]},
                          "Null":{"dynamodb:LeadingKeys":"false"}}}}
            """
        let set = PolicySet(identity: [NamedPolicy(id: "p", origin: .role, document: try PolicyDocument(text, kind: .identity))])
        for (tenant, keys, isAllowed) in [
            ("acme", ["TENANT#acme"], true), ("acme", ["TENANT#acme", "TENANT#globex"], false), ("acme", [], false),
            ("*", ["TENANT#globex"], false), ("globex", ["TENANT#globex"], true),
        ] as [(String, [String], Bool)] {
            var context = PolicyContext(
                principal: principal(), action: "dynamodb:GetItem", resource: "arn:aws:dynamodb:eu-west-1:0:table/orders")
            context.set("aws:PrincipalTag/tenant_id", [tenant])
            if !keys.isEmpty { context.set("dynamodb:LeadingKeys", keys) }
            #expect(PolicyEvaluator.decide(context, set).isAllowed == isAllowed, "\(tenant) \(keys)")
        }
    }
}
