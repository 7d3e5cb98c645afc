import CloisterServiceKit

extension IAMService {
    static let managedCharactersMax = 6_144
    static let versionsMax = 5

    func createPolicy(_ call: QueryCall) async throws(ServiceError) -> XML {
        let name = try call.name("PolicyName", lengthMax: 128)
        let path = try call.path()
        let tags = try call.tags()
        try await authorize(call, "arn:aws:iam::\(account):policy\(path)\(name)", IAMService.conditions(tags))
        let document = try managedDocument(call)
        let time = now()
        let policy = ManagedPolicyRecord(
            name: name, path: path, id: identifier("ANPA"), description: try call.optional("Description", length: 0...1_000),
            createdAt: time, updatedAt: time,
            versions: [ManagedPolicyRecord.Version(number: 1, policy: document, createdAt: time)], defaultVersion: 1,
            lastVersion: 1, tags: tags)
        try await store.change { (state) throws(ServiceError) in
            guard state.policies[name.lowercased()] == nil else {
                throw IAMError.exists("A policy called \(name) already exists. Duplicate names are not allowed.")
            }
            guard state.policies.count < 5_000 else {
                throw IAMError.limitExceeded("Cannot exceed quota for PoliciesPerAccount: 5000")
            }
            try state.put(policy)
        }
        var xml = XML()
        xml.nest("Policy") { describe(policy, &$0) }
        return xml
    }

    func managedDocument(_ call: QueryCall) throws(ServiceError) -> StoredPolicy {
        let document = try document(call, "PolicyDocument", .identity)
        guard IAMService.characters(document.text) <= IAMService.managedCharactersMax else {
            throw IAMError.limitExceeded("Cannot exceed quota for PolicySize: \(IAMService.managedCharactersMax)")
        }
        return document
    }

    func describe(_ policy: ManagedPolicyRecord, _ xml: inout XML, isListed: Bool = false) {
        let arn = policy.arn(account)
        xml.add("PolicyName", policy.name)
        xml.add("PolicyId", policy.id)
        xml.add("Arn", arn)
        xml.add("Path", policy.path)
        xml.add("DefaultVersionId", "v\(policy.defaultVersion)")
        describeUse(arn, &xml)
        xml.add("CreateDate", PolicyDate.text(epochSeconds: policy.createdAt))
        xml.add("UpdateDate", PolicyDate.text(epochSeconds: policy.updatedAt))
        if isListed { return }
        xml.add("Description", policy.description)
        if !policy.tags.isEmpty { xml.tags(policy.tags) }
    }

    private func describeUse(_ arn: String, _ xml: inout XML) {
        let state = store.snapshot
        let used = state.attachments(of: arn)
        xml.add("AttachmentCount", used.users.count + used.groups.count + used.roles.count)
        xml.add(
            "PermissionsBoundaryUsageCount",
            state.users.values.count { $0.permissionsBoundary == arn } + state.roles.values.count { $0.permissionsBoundary == arn })
        xml.add("IsAttachable", true)
    }

    private func describe(_ policy: AWSManagedPolicies.Policy, _ xml: inout XML) {
        xml.add("PolicyName", policy.name)
        xml.add("PolicyId", policy.id)
        xml.add("Arn", policy.arn)
        xml.add("Path", policy.path)
        xml.add("DefaultVersionId", "v1")
        describeUse(policy.arn, &xml)
        xml.add("CreateDate", PolicyDate.text(epochSeconds: 1_422_748_800))
        xml.add("UpdateDate", PolicyDate.text(epochSeconds: 1_422_748_800))
    }

    func describe(_ version: ManagedPolicyRecord.Version, default number: Int, withDocument: Bool, _ xml: inout XML) {
        if withDocument { xml.add("Document", IAMService.encoded(version.policy.text)) }
        xml.add("VersionId", version.id)
        xml.add("IsDefaultVersion", version.number == number)
        xml.add("CreateDate", PolicyDate.text(epochSeconds: version.createdAt))
    }

    /// The ARN that the call names, once the caller may do the operation to it.
    func policyARN(_ call: QueryCall, _ conditions: [String: [String]] = [:]) async throws(ServiceError) -> String {
        let arn = try call.required("PolicyArn", length: 20...2_048)
        try await authorize(call, arn, conditions)
        return arn
    }

    static func existingPolicy(_ arn: String, in state: IAMState) throws(ServiceError) -> ManagedPolicyRecord {
        guard let policy = state.managedPolicy(arn: arn) else {
            throw IAMError.noSuchEntity("Policy \(arn) was not found.")
        }
        return policy
    }

    func changePolicy(
        _ arn: String, _ body: @escaping @Sendable (inout ManagedPolicyRecord) throws(ServiceError) -> Void
    ) async throws(ServiceError) -> ManagedPolicyRecord {
        try await store.change { (state) throws(ServiceError) in
            var policy = try IAMService.existingPolicy(arn, in: state)
            try body(&policy)
            try state.put(policy)
            return policy
        }
    }

    func getPolicy(_ call: QueryCall) async throws(ServiceError) -> XML {
        let arn = try await policyARN(call)
        var xml = XML()
        if let policy = AWSManagedPolicies.policy(arn: arn) {
            xml.nest("Policy") { describe(policy, &$0) }
            return xml
        }
        let policy = try IAMService.existingPolicy(arn, in: store.snapshot)
        xml.nest("Policy") { describe(policy, &$0) }
        return xml
    }

    func listPolicies(_ call: QueryCall) async throws(ServiceError) -> XML {
        try await authorize(call, "arn:aws:iam::\(account):policy/")
        let scope = call.text("Scope") ?? "All"
        guard ["All", "AWS", "Local"].contains(scope) else {
            throw IAMError.constraint("Scope", scope, "Member must satisfy enum value set: [All, AWS, Local]")
        }
        let prefix = call.text("PathPrefix") ?? "/"
        let onlyAttached = try call.flag("OnlyAttached") ?? false
        let state = store.snapshot
        var items: [(arn: String, xml: XML)] = []
        func add(_ arn: String, path: String, _ body: (inout XML) -> Void) {
            let used = state.attachments(of: arn)
            guard path.hasPrefix(prefix), !onlyAttached || used.users.count + used.groups.count + used.roles.count > 0 else {
                return
            }
            var xml = XML()
            xml.nest("member", body)
            items.append((arn, xml))
        }
        if scope != "AWS" {
            for policy in state.policies.values {
                add(policy.arn(account), path: policy.path) { describe(policy, &$0, isListed: true) }
            }
        }
        if scope != "Local" {
            for policy in AWSManagedPolicies.all.values { add(policy.arn, path: policy.path) { describe(policy, &$0) } }
        }
        return try page(call, items.sorted { $0.arn < $1.arn }, by: \.arn) { xml, items in
            xml.raw("Policies", items.map(\.xml))
        }
    }

    func deletePolicy(_ call: QueryCall) async throws(ServiceError) -> XML {
        let arn = try await policyARN(call)
        try await store.change { (state) throws(ServiceError) in
            let policy = try IAMService.existingPolicy(arn, in: state)
            let used = state.attachments(of: arn)
            guard used.users.isEmpty, used.groups.isEmpty, used.roles.isEmpty,
                !state.users.values.contains(where: { $0.permissionsBoundary == arn }),
                !state.roles.values.contains(where: { $0.permissionsBoundary == arn })
            else { throw IAMError.deleteConflict("Cannot delete a policy attached to entities.") }
            guard policy.versions.count == 1 else {
                throw IAMError.deleteConflict(
                    "This policy has more than one version. Before you delete a policy, you must delete the policy's "
                        + "versions. The default version is deleted with the policy.")
            }
            state.remove(policy)
        }
        return XML()
    }

    func tagPolicy(_ call: QueryCall) async throws(ServiceError) -> XML {
        let tags = try call.tags()
        let arn = try await policyARN(call, IAMService.conditions(tags))
        _ = try await changePolicy(arn) { (policy) throws(ServiceError) in try IAMService.add(tags, to: &policy.tags) }
        return XML()
    }

    func untagPolicy(_ call: QueryCall) async throws(ServiceError) -> XML {
        let keys = call.texts("TagKeys")
        let arn = try await policyARN(call, ["aws:TagKeys": keys])
        _ = try await changePolicy(arn) { (policy) throws(ServiceError) in
            for key in keys { policy.tags = policy.tags.filter { $0.key.lowercased() != key.lowercased() } }
        }
        return XML()
    }

    func listPolicyTags(_ call: QueryCall) async throws(ServiceError) -> XML {
        let arn = try await policyARN(call)
        return try tagPage(call, try IAMService.existingPolicy(arn, in: store.snapshot).tags)
    }

    func listEntitiesForPolicy(_ call: QueryCall) async throws(ServiceError) -> XML {
        let arn = try await policyARN(call)
        let state = store.snapshot
        guard state.document(arn: arn) != nil else { throw IAMError.noSuchEntity("Policy \(arn) was not found.") }
        let used = state.attachments(of: arn)
        var xml = XML()
        xml.add("IsTruncated", false)
        func add(_ list: String, _ member: String, _ items: [(name: String, id: String)]) {
            xml.list(list, items) { xml, item in
                xml.add("\(member)Name", item.name)
                xml.add("\(member)Id", item.id)
            }
        }
        add("PolicyUsers", "User", used.users.map { ($0.name, $0.id) })
        add("PolicyGroups", "Group", used.groups.map { ($0.name, $0.id) })
        add("PolicyRoles", "Role", used.roles.map { ($0.name, $0.id) })
        return xml
    }
}

extension XML {
    /// Elements that were built on their own.
    fileprivate mutating func raw(_ name: String, _ elements: [XML]) {
        let body = elements.map(\.text).joined()
        append("<\(name)>\(body)</\(name)>")
    }
}
