import CloisterServiceKit

extension IAMService {
    static let accessKeysMax = 2

    func createUser(_ call: QueryCall) async throws(ServiceError) -> XML {
        let name = try call.name("UserName", lengthMax: UserRecord.nameLengthMax)
        let path = try call.path()
        let tags = try call.tags()
        let boundary = try call.optional("PermissionsBoundary", length: 20...2_048)
        var conditions = IAMService.conditions(tags)
        if let boundary { conditions["iam:PermissionsBoundary"] = [boundary] }
        try await authorize(call, UserRecord.arn(path: path, name: name, account), conditions)
        let user = UserRecord(
            name: name, path: path, id: identifier("AIDA"), createdAt: now(), tags: tags, permissionsBoundary: boundary)
        try await store.change { (state) throws(ServiceError) in
            guard state.user(name) == nil, name.lowercased() != "administrator" else {
                throw IAMError.exists("User with name \(name) already exists.")
            }
            if let boundary { try IAMService.checkBoundary(boundary, state) }
            guard state.users.count < 5_000 else { throw IAMError.limitExceeded("Cannot exceed quota for UsersPerAccount: 5000") }
            try state.put(user)
        }
        var xml = XML()
        xml.nest("User") { describe(user, &$0) }
        return xml
    }

    func describe(_ user: UserRecord, _ xml: inout XML, withTags: Bool = true) {
        xml.add("Path", user.path)
        xml.add("UserName", user.name)
        xml.add("UserId", user.id)
        xml.add("Arn", user.arn(account))
        xml.add("CreateDate", PolicyDate.text(epochSeconds: user.createdAt))
        describeBoundary(user.permissionsBoundary, &xml)
        if withTags, !user.tags.isEmpty { xml.tags(user.tags) }
    }

    func describeBoundary(_ arn: String?, _ xml: inout XML) {
        guard let arn else { return }
        xml.nest("PermissionsBoundary") { xml in
            xml.add("PermissionsBoundaryType", "Policy")
            xml.add("PermissionsBoundaryArn", arn)
        }
    }

    /// Without a name: the caller.
    func getUser(_ call: QueryCall) async throws(ServiceError) -> XML {
        var xml = XML()
        guard call.text("UserName") == nil else {
            let user = try await entity(UserRecord.self, call)
            xml.nest("User") { describe(user, &$0) }
            return xml
        }
        switch call.caller.principalType {
        case .user:
            guard let user = store.read({ $0.user(arn: call.caller.principalARN) }) else {
                throw IAMError.noSuchEntity("The user of this access key cannot be found.")
            }
            try await authorize(call, user.arn(account))
            xml.nest("User") { describe(user, &$0) }
        case .administrator:
            xml.nest("User") { xml in
                xml.add("Path", "/")
                xml.add("UserName", "administrator")
                xml.add("UserId", call.caller.principalID)
                xml.add("Arn", call.caller.principalARN)
                xml.add("CreateDate", PolicyDate.text(epochSeconds: 0))
            }
        case .assumedRole, .service:
            throw IAMError.validation("Must specify userName when calling with non-User credentials")
        }
        return xml
    }

    func listUsers(_ call: QueryCall) async throws(ServiceError) -> XML {
        try await authorize(call, "arn:aws:iam::\(account):user/")
        let prefix = call.text("PathPrefix") ?? "/"
        let users = store.read { $0.users.values.filter { $0.path.hasPrefix(prefix) } }.sorted { $0.name < $1.name }
        return try page(call, users, by: \.name) { xml, users in
            xml.list("Users", users) { describe($1, &$0, withTags: false) }
        }
    }

    func updateUser(_ call: QueryCall) async throws(ServiceError) -> XML {
        let user = try await entity(UserRecord.self, call)
        let newName = call.text("NewUserName") == nil ? nil : try call.name("NewUserName", lengthMax: 64)
        var newPath: String?
        if let path = call.text("NewPath") {
            guard path.hasPrefix("/"), path.hasSuffix("/"), path.utf8.count <= 512 else {
                throw IAMError.validation("The specified value for newPath is invalid.")
            }
            newPath = path
        }
        let path = newPath
        try await store.change { (state) throws(ServiceError) in
            var changed = try UserRecord.existing(user.name, in: state)
            if let newName {
                guard state.user(newName) == nil || newName.lowercased() == user.name.lowercased(),
                    newName.lowercased() != "administrator"
                else { throw IAMError.exists("User with name \(newName) already exists.") }
                state.remove(changed)
                changed.name = newName
            }
            if let path { changed.path = path }
            try state.put(changed)
        }
        return XML()
    }

    func deleteUser(_ call: QueryCall) async throws(ServiceError) -> XML {
        let user = try await entity(UserRecord.self, call)
        try await store.change { (state) throws(ServiceError) in
            let user = try UserRecord.existing(user.name, in: state)
            guard user.accessKeys.isEmpty else {
                throw IAMError.deleteConflict("Cannot delete entity, must delete access keys first.")
            }
            guard user.groups.isEmpty else {
                throw IAMError.deleteConflict("Cannot delete entity, must remove users from group first.")
            }
            try IAMService.requireNoPolicies(user)
            state.remove(user)
        }
        return XML()
    }

    static func requireNoPolicies(_ holder: some PolicyHolder) throws(ServiceError) {
        guard holder.attachedPolicies.isEmpty else {
            throw IAMError.deleteConflict("Cannot delete entity, must detach all policies first.")
        }
        guard holder.inlinePolicies.isEmpty else {
            throw IAMError.deleteConflict("Cannot delete entity, must delete policies first.")
        }
    }

    // MARK: Access keys

    /// The user that the call names, or the caller.
    private func keyOwner(_ call: QueryCall) async throws(ServiceError) -> UserRecord {
        if call.text("UserName") != nil { return try await entity(UserRecord.self, call) }
        guard call.caller.principalType == .user, let user = store.read({ $0.user(arn: call.caller.principalARN) }) else {
            throw IAMError.validation("Must specify userName when calling with non-User credentials")
        }
        try await authorize(call, user.arn(account))
        return user
    }

    /// The only time that the secret is shown.
    func createAccessKey(_ call: QueryCall) async throws(ServiceError) -> XML {
        let user = try await keyOwner(call)
        let secret = store.keys.secret()
        let id = store.keys.identifier("AKIA", 16)
        guard let sealed = store.keys.wrap(secret: secret, of: id) else { throw IAMError.unavailable("a secret can't be wrapped") }
        let key = AccessKeyRecord(id: id, sealedSecret: sealed, isActive: true, createdAt: now())
        try await update(user) { (user, _) throws(ServiceError) in
            guard user.accessKeys.count < IAMService.accessKeysMax else {
                throw IAMError.limitExceeded("Cannot exceed quota for AccessKeysPerUser: \(IAMService.accessKeysMax)")
            }
            user.accessKeys.append(key)
        }
        var xml = XML()
        xml.nest("AccessKey") { xml in
            xml.add("UserName", user.name)
            xml.add("AccessKeyId", id)
            xml.add("Status", "Active")
            xml.add("SecretAccessKey", secret)
            xml.add("CreateDate", PolicyDate.text(epochSeconds: key.createdAt))
        }
        return xml
    }

    func listAccessKeys(_ call: QueryCall) async throws(ServiceError) -> XML {
        let user = try await keyOwner(call)
        return try page(call, user.accessKeys.sorted { $0.id < $1.id }, by: \.id) { xml, keys in
            xml.list("AccessKeyMetadata", keys) { xml, key in
                xml.add("UserName", user.name)
                xml.add("AccessKeyId", key.id)
                xml.add("Status", key.isActive ? "Active" : "Inactive")
                xml.add("CreateDate", PolicyDate.text(epochSeconds: key.createdAt))
            }
        }
    }

    func updateAccessKey(_ call: QueryCall) async throws(ServiceError) -> XML {
        let user = try await keyOwner(call)
        let id = try call.required("AccessKeyId", length: 16...128)
        let status = try call.required("Status", length: 1...16)
        guard status == "Active" || status == "Inactive" else {
            throw IAMError.constraint("Status", status, "Member must satisfy enum value set: [Active, Inactive]")
        }
        try await update(user) { (user, _) throws(ServiceError) in
            user.accessKeys[try IAMService.index(of: id, user)].isActive = status == "Active"
        }
        return XML()
    }

    func deleteAccessKey(_ call: QueryCall) async throws(ServiceError) -> XML {
        let user = try await keyOwner(call)
        let id = try call.required("AccessKeyId", length: 16...128)
        try await update(user) { (user, _) throws(ServiceError) in
            user.accessKeys.remove(at: try IAMService.index(of: id, user))
        }
        return XML()
    }

    private static func index(of id: String, _ user: UserRecord) throws(ServiceError) -> Int {
        guard let index = user.accessKeys.firstIndex(where: { $0.id == id }) else {
            throw IAMError.noSuchEntity("The Access Key with id \(id) cannot be found.")
        }
        return index
    }
}
