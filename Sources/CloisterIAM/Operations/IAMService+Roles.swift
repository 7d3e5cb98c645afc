import CloisterServiceKit

extension IAMService {
    static let trustCharactersMax = 4_096

    func createRole(_ call: QueryCall) async throws(ServiceError) -> XML {
        let name = try call.name("RoleName", lengthMax: RoleRecord.nameLengthMax)
        let path = try call.path()
        let tags = try call.tags()
        let boundary = try call.optional("PermissionsBoundary", length: 20...2_048)
        var conditions = IAMService.conditions(tags)
        if let boundary { conditions["iam:PermissionsBoundary"] = [boundary] }
        try await authorize(call, RoleRecord.arn(path: path, name: name, account), conditions)
        let role = RoleRecord(
            name: name, path: path, id: identifier("AROA"), createdAt: now(),
            description: try call.optional("Description", length: 0...1_000),
            trust: try trust(call, "AssumeRolePolicyDocument"),
            sessionSecondsMax: try call.integer("MaxSessionDuration", in: 3_600...43_200) ?? 3_600, tags: tags,
            permissionsBoundary: boundary)
        try await store.change { (state) throws(ServiceError) in
            guard state.role(name) == nil else { throw IAMError.exists("Role with name \(name) already exists.") }
            if let boundary { try IAMService.checkBoundary(boundary, state) }
            guard state.roles.count < 5_000 else { throw IAMError.limitExceeded("Cannot exceed quota for RolesPerAccount: 5000") }
            try state.put(role)
        }
        var xml = XML()
        xml.nest("Role") { describe(role, &$0) }
        return xml
    }

    private func trust(_ call: QueryCall, _ parameter: String) throws(ServiceError) -> StoredPolicy {
        let policy = try document(call, parameter, .trust)
        guard IAMService.characters(policy.text) <= IAMService.trustCharactersMax else {
            throw IAMError.limitExceeded("Cannot exceed quota for ACLSizePerRole: \(IAMService.trustCharactersMax)")
        }
        return policy
    }

    func describe(_ role: RoleRecord, _ xml: inout XML, isListed: Bool = false) {
        xml.add("Path", role.path)
        xml.add("RoleName", role.name)
        xml.add("RoleId", role.id)
        xml.add("Arn", role.arn(account))
        xml.add("CreateDate", PolicyDate.text(epochSeconds: role.createdAt))
        xml.add("AssumeRolePolicyDocument", IAMService.encoded(role.trust.text))
        xml.add("Description", role.description)
        xml.add("MaxSessionDuration", role.sessionSecondsMax)
        if isListed { return }
        describeBoundary(role.permissionsBoundary, &xml)
        if !role.tags.isEmpty { xml.tags(role.tags) }
        xml.nest("RoleLastUsed") { _ in }
    }

    func getRole(_ call: QueryCall) async throws(ServiceError) -> XML {
        let role = try await entity(RoleRecord.self, call)
        var xml = XML()
        xml.nest("Role") { describe(role, &$0) }
        return xml
    }

    func listRoles(_ call: QueryCall) async throws(ServiceError) -> XML {
        try await authorize(call, "arn:aws:iam::\(account):role/")
        let prefix = call.text("PathPrefix") ?? "/"
        let roles = store.read { $0.roles.values.filter { $0.path.hasPrefix(prefix) } }.sorted { $0.name < $1.name }
        return try page(call, roles, by: \.name) { xml, roles in
            xml.list("Roles", roles) { describe($1, &$0, isListed: true) }
        }
    }

    func updateRole(_ call: QueryCall) async throws(ServiceError) -> XML {
        let role = try await entity(RoleRecord.self, call)
        let description = try call.optional("Description", length: 0...1_000)
        let seconds = try call.integer("MaxSessionDuration", in: 3_600...43_200)
        try await update(role) { (role, _) throws(ServiceError) in
            if let description { role.description = description }
            if let seconds { role.sessionSecondsMax = seconds }
        }
        return XML()
    }

    func updateRoleDescription(_ call: QueryCall) async throws(ServiceError) -> XML {
        let role = try await entity(RoleRecord.self, call)
        let description = try call.required("Description", length: 0...1_000)
        try await update(role) { (role, _) throws(ServiceError) in role.description = description }
        var xml = XML()
        let changed = try RoleRecord.existing(role.name, in: store.snapshot)
        xml.nest("Role") { describe(changed, &$0) }
        return xml
    }

    func updateAssumeRolePolicy(_ call: QueryCall) async throws(ServiceError) -> XML {
        let role = try await entity(RoleRecord.self, call)
        let trust = try trust(call, "PolicyDocument")
        try await update(role) { (role, _) throws(ServiceError) in role.trust = trust }
        return XML()
    }

    func deleteRole(_ call: QueryCall) async throws(ServiceError) -> XML {
        let role = try await entity(RoleRecord.self, call)
        try await store.change { (state) throws(ServiceError) in
            let role = try RoleRecord.existing(role.name, in: state)
            try IAMService.requireNoPolicies(role)
            state.remove(role)
        }
        return XML()
    }

    /// There are no instances here, and so no profiles.
    func listInstanceProfilesForRole(_ call: QueryCall) async throws(ServiceError) -> XML {
        _ = try await entity(RoleRecord.self, call)
        return try page(call, [String](), by: \.self) { xml, _ in xml.texts("InstanceProfiles", []) }
    }
}
