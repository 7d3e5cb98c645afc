import CloisterCore
import CloisterServiceKit

/// Policy simulation and the account as a whole.
extension IAMService {
    func simulateCustomPolicy(_ call: QueryCall) async throws(ServiceError) -> XML {
        try await authorize(call, "*")
        var set = PolicySet()
        set.identity = try inputs(call, "PolicyInputList", "PolicyInputList")
        set.boundary = try inputs(call, "PermissionsBoundaryPolicyInputList", "PermissionsBoundaryPolicyInputList").first
        let caller = call.text("CallerArn") ?? "arn:aws:iam::\(account):user/simulated"
        return try simulate(call, set, PolicyPrincipal(account: account.rawValue, arn: caller), name: nil, tags: [:])
    }

    func simulatePrincipalPolicy(_ call: QueryCall) async throws(ServiceError) -> XML {
        let arn = try call.required("PolicySourceArn", length: 20...2_048)
        try await authorize(call, arn)
        let (policies, tags, _) = try sources(arn)
        var set = policies
        set.identity += try inputs(call, "PolicyInputList", "PolicyInputList")
        if let boundary = try inputs(call, "PermissionsBoundaryPolicyInputList", "PermissionsBoundaryPolicyInputList").first {
            set.boundary = boundary
        }
        let isRole = arn.contains(":role/")
        let principal = PolicyPrincipal(
            account: account.rawValue, arn: call.text("CallerArn") ?? arn, roleARN: isRole ? arn : nil)
        let name = isRole ? nil : arn.split(separator: "/").last.map(String.init)
        return try simulate(call, set, principal, name: name, tags: tags)
    }

    /// The policies of a user, a group or a role.
    private func sources(_ arn: String) throws(ServiceError) -> (set: PolicySet, tags: [String: String], texts: [StoredPolicy]) {
        let state = store.snapshot
        var set = PolicySet()
        if let user = state.user(arn: arn) {
            set.add(user, state)
            return (set, user.tags, Array(user.inlinePolicies.values))
        }
        if let role = state.role(arn: arn) {
            set.add(role, state)
            return (set, role.tags, Array(role.inlinePolicies.values))
        }
        if let name = arn.split(separator: "/").last, let group = state.group(String(name)), group.arn(account) == arn {
            set.identity = group.inlinePolicies.map { NamedPolicy(id: $0.key, origin: .group, document: $0.value.document) }
                + group.attachedPolicies.compactMap { state.document(arn: $0) }
            return (set, [:], Array(group.inlinePolicies.values))
        }
        throw IAMError.noSuchEntity("The policy source \(arn) cannot be found.")
    }

    private func inputs(_ call: QueryCall, _ parameter: String, _ id: String) throws(ServiceError) -> [NamedPolicy] {
        var policies: [NamedPolicy] = []
        for (index, text) in call.texts(parameter).enumerated() {
            do throws(PolicyError) {
                let document = try PolicyDocument(text, kind: .identity)
                policies.append(NamedPolicy(id: "\(id).\(index + 1)", origin: .none, document: document))
            } catch {
                throw ServiceError("InvalidInput", status: 400, message: "\(id).\(index + 1): \(error.message)")
            }
        }
        return policies
    }

    private func simulate(
        _ call: QueryCall, _ given: PolicySet, _ principal: PolicyPrincipal, name: String?, tags: [String: String]
    ) throws(ServiceError) -> XML {
        let actions = call.texts("ActionNames")
        guard !actions.isEmpty else { throw IAMError.constraint("ActionNames", nil, "Member must not be null") }
        guard actions.allSatisfy({ $0.contains(":") && $0.utf8.count <= 128 }) else {
            throw IAMError.invalidInput("Invalid action name: it must be of the form service:action.")
        }
        let resources = call.texts("ResourceArns").isEmpty ? ["*"] : call.texts("ResourceArns")
        guard actions.count * resources.count <= 1_000 else {
            throw IAMError.invalidInput("There are too many combinations of actions and resources.")
        }
        var set = given
        if let text = call.text("ResourcePolicy") {
            do throws(PolicyError) {
                set.resource = NamedPolicy(
                    id: "ResourcePolicy", origin: .resource, document: try PolicyDocument(text, kind: .resource))
            } catch {
                throw IAMError.invalidInput("ResourcePolicy: \(error.message)")
            }
        }
        let needed = Set(set.contextKeys.map { $0.lowercased() })
        var results: [XML] = []
        for action in actions {
            for resource in resources {
                var context = PolicyContext(principal: principal, action: action, resource: resource)
                fill(&context, call, name: name, tags: tags)
                let missing = needed.filter { context[$0] == nil }.sorted()
                set.resourceRole = set.resource != nil && action.hasPrefix("kms:") ? .required : .sufficient
                results.append(result(action, resource, PolicyEvaluator.decide(context, set), set, context, missing))
            }
        }
        var indexed: [(key: String, xml: XML)] = []
        for (index, xml) in results.enumerated() {
            let number = String(index)
            indexed.append((String(repeating: "0", count: 6 - min(6, number.count)) + number, xml))
        }
        return try page(call, indexed, by: \.key) { xml, results in
            xml.append("<EvaluationResults>\(results.map(\.xml.text).joined())</EvaluationResults>")
        }
    }

    private func fill(_ context: inout PolicyContext, _ call: QueryCall, name: String?, tags: [String: String]) {
        context.set("aws:PrincipalAccount", [account.rawValue])
        context.set("aws:PrincipalArn", [context.principal.roleARN ?? context.principal.arn])
        context.set("aws:CurrentTime", [PolicyDate.text(epochSeconds: now())])
        context.set("aws:EpochTime", [String(now())])
        if let name { context.set("aws:username", [name]) }
        for (key, value) in tags { context.set("aws:PrincipalTag/\(key)", [value]) }
        for prefix in call.structures("ContextEntries", first: "ContextKeyName") {
            guard let key = call.text(prefix + "ContextKeyName") else { continue }
            context.set(key, call.texts(prefix + "ContextKeyValues"))
        }
    }

    private func result(
        _ action: String, _ resource: String, _ decision: PolicyDecision, _ set: PolicySet, _ context: PolicyContext,
        _ missing: [String]
    ) -> XML {
        var xml = XML()
        xml.nest("member") { xml in
            xml.add("EvalActionName", action)
            xml.add("EvalResourceName", resource)
            let matched: [MatchedStatement]
            switch decision {
            case .allowed(let statements):
                xml.add("EvalDecision", "allowed")
                matched = statements
            case .explicitlyDenied(let statement):
                xml.add("EvalDecision", "explicitDeny")
                matched = [statement]
            case .implicitlyDenied:
                xml.add("EvalDecision", "implicitDeny")
                matched = []
            }
            xml.list("MatchedStatements", matched) { xml, statement in
                xml.add("SourcePolicyId", statement.policy)
                xml.add("SourcePolicyType", statement.origin.rawValue)
                IAMService.place("StartPosition", statement.start, &xml)
                IAMService.place("EndPosition", statement.end, &xml)
            }
            xml.texts("MissingContextValues", missing)
            if let boundary = set.boundary {
                let allows = PolicyEvaluator.decide(context, PolicySet(identity: [boundary])).isAllowed
                xml.nest("PermissionsBoundaryDecisionDetail") { $0.add("AllowedByPermissionsBoundary", allows) }
            }
        }
        return xml
    }

    private static func place(_ name: String, _ place: TextPlace, _ xml: inout XML) {
        xml.nest(name) { xml in
            xml.add("Line", place.line)
            xml.add("Column", place.column)
        }
    }

    // MARK: Context keys

    func contextKeysForCustomPolicy(_ call: QueryCall) async throws(ServiceError) -> XML {
        try await authorize(call, "*")
        return contextKeys(try inputs(call, "PolicyInputList", "PolicyInputList"))
    }

    func contextKeysForPrincipalPolicy(_ call: QueryCall) async throws(ServiceError) -> XML {
        let arn = try call.required("PolicySourceArn", length: 20...2_048)
        try await authorize(call, arn)
        return contextKeys(try sources(arn).set.identity + (try inputs(call, "PolicyInputList", "PolicyInputList")))
    }

    private func contextKeys(_ policies: [NamedPolicy]) -> XML {
        var xml = XML()
        xml.texts("ContextKeyNames", Set(policies.flatMap(\.document.contextKeys)).sorted())
        return xml
    }

    // MARK: The account

    func getAccountSummary(_ call: QueryCall) async throws(ServiceError) -> XML {
        try await authorize(call, "*")
        let state = store.snapshot
        let counts = [
            "Users": state.users.count, "UsersQuota": 5_000, "Groups": state.groups.count, "GroupsQuota": 300,
            "Roles": state.roles.count, "RolesQuota": 5_000, "Policies": state.policies.count, "PoliciesQuota": 5_000,
            "AccessKeysPerUserQuota": IAMService.accessKeysMax, "PolicySizeQuota": IAMService.managedCharactersMax,
            "VersionsPerPolicyQuota": IAMService.versionsMax, "AccountMFAEnabled": 0, "MFADevices": 0,
        ]
        var xml = XML()
        xml.nest("SummaryMap") { xml in
            for (key, value) in counts.sorted(by: { $0.key < $1.key }) {
                xml.nest("entry") { xml in
                    xml.add("key", key)
                    xml.add("value", value)
                }
            }
        }
        return xml
    }

    func getAccountAuthorizationDetails(_ call: QueryCall) async throws(ServiceError) -> XML {
        try await authorize(call, "*")
        let filter = Set(call.texts("Filter"))
        let state = store.snapshot
        func isWanted(_ kind: String) -> Bool { filter.isEmpty || filter.contains(kind) }
        var xml = XML()
        xml.add("IsTruncated", false)
        xml.list("UserDetailList", isWanted("User") ? state.users.values.sorted { $0.name < $1.name } : []) { xml, user in
            describe(user, &xml)
            inline("UserPolicyList", user, &xml)
            xml.texts("GroupList", user.groups)
            IAMService.attached(&xml, name: "AttachedManagedPolicies", user.attachedPolicies)
        }
        xml.list("GroupDetailList", isWanted("Group") ? state.groups.values.sorted { $0.name < $1.name } : []) { xml, group in
            describe(group, &xml)
            inline("GroupPolicyList", group, &xml)
            IAMService.attached(&xml, name: "AttachedManagedPolicies", group.attachedPolicies)
        }
        xml.list("RoleDetailList", isWanted("Role") ? state.roles.values.sorted { $0.name < $1.name } : []) { xml, role in
            describe(role, &xml)
            inline("RolePolicyList", role, &xml)
            IAMService.attached(&xml, name: "AttachedManagedPolicies", role.attachedPolicies)
            xml.texts("InstanceProfileList", [])
        }
        let policies = isWanted("LocalManagedPolicy") ? state.policies.values.sorted { $0.name < $1.name } : []
        xml.list("Policies", policies) { xml, policy in
            describe(policy, &xml)
            xml.list("PolicyVersionList", policy.versions) { xml, version in
                xml.add("Document", IAMService.encoded(version.policy.text))
                xml.add("VersionId", version.id)
                xml.add("IsDefaultVersion", version.number == policy.defaultVersion)
                xml.add("CreateDate", PolicyDate.text(epochSeconds: version.createdAt))
            }
        }
        return xml
    }

    private func inline(_ name: String, _ holder: some PolicyHolder, _ xml: inout XML) {
        xml.list(name, holder.inlinePolicies.sorted { $0.key < $1.key }) { xml, policy in
            xml.add("PolicyName", policy.key)
            xml.add("PolicyDocument", IAMService.encoded(policy.value.text))
        }
    }

    func listAccountAliases(_ call: QueryCall) async throws(ServiceError) -> XML {
        try await authorize(call, "*")
        return try page(call, [String](), by: \.self) { xml, _ in xml.texts("AccountAliases", []) }
    }
}

extension PolicySet {
    /// The condition keys that any of the policies looks at.
    fileprivate var contextKeys: Set<String> {
        let all = identity + (boundary.map { [$0] } ?? []) + (session ?? []) + (resource.map { [$0] } ?? [])
        return Set(all.flatMap(\.document.contextKeys))
    }
}
