import CloisterServiceKit

extension IAMService {
    func createGroup(_ call: QueryCall) async throws(ServiceError) -> XML {
        let name = try call.name("GroupName", lengthMax: GroupRecord.nameLengthMax)
        let path = try call.path()
        try await authorize(call, GroupRecord.arn(path: path, name: name, account))
        let group = GroupRecord(name: name, path: path, id: identifier("AGPA"), createdAt: now())
        try await store.change { (state) throws(ServiceError) in
            guard state.group(name) == nil else { throw IAMError.exists("Group with name \(name) already exists.") }
            guard state.groups.count < 300 else { throw IAMError.limitExceeded("Cannot exceed quota for GroupsPerAccount: 300") }
            try state.put(group)
        }
        var xml = XML()
        xml.nest("Group") { describe(group, &$0) }
        return xml
    }

    func describe(_ group: GroupRecord, _ xml: inout XML) {
        xml.add("Path", group.path)
        xml.add("GroupName", group.name)
        xml.add("GroupId", group.id)
        xml.add("Arn", group.arn(account))
        xml.add("CreateDate", PolicyDate.text(epochSeconds: group.createdAt))
    }

    func getGroup(_ call: QueryCall) async throws(ServiceError) -> XML {
        let group = try await entity(GroupRecord.self, call)
        let users = store.read { $0.users.values.filter { $0.groups.contains(group.name) } }.sorted { $0.name < $1.name }
        var xml = try page(call, users, by: \.name) { xml, users in
            xml.list("Users", users) { describe($1, &$0, withTags: false) }
        }
        xml.nest("Group") { describe(group, &$0) }
        return xml
    }

    func listGroups(_ call: QueryCall) async throws(ServiceError) -> XML {
        try await authorize(call, "arn:aws:iam::\(account):group/")
        let prefix = call.text("PathPrefix") ?? "/"
        let groups = store.read { $0.groups.values.filter { $0.path.hasPrefix(prefix) } }.sorted { $0.name < $1.name }
        return try page(call, groups, by: \.name) { xml, groups in xml.list("Groups", groups) { describe($1, &$0) } }
    }

    func listGroupsForUser(_ call: QueryCall) async throws(ServiceError) -> XML {
        let user = try await entity(UserRecord.self, call)
        let groups = store.read { state in user.groups.compactMap { state.group($0) } }.sorted { $0.name < $1.name }
        return try page(call, groups, by: \.name) { xml, groups in xml.list("Groups", groups) { describe($1, &$0) } }
    }

    func deleteGroup(_ call: QueryCall) async throws(ServiceError) -> XML {
        let group = try await entity(GroupRecord.self, call)
        try await store.change { (state) throws(ServiceError) in
            let group = try GroupRecord.existing(group.name, in: state)
            guard !state.users.values.contains(where: { $0.groups.contains(group.name) }) else {
                throw IAMError.deleteConflict("Cannot delete entity, must remove users from group first.")
            }
            try IAMService.requireNoPolicies(group)
            state.remove(group)
        }
        return XML()
    }

    func addUserToGroup(_ call: QueryCall) async throws(ServiceError) -> XML {
        let group = try await entity(GroupRecord.self, call)
        let userName = try call.name("UserName", lengthMax: 128)
        try await store.change { (state) throws(ServiceError) in
            let group = try GroupRecord.existing(group.name, in: state)
            var user = try UserRecord.existing(userName, in: state)
            guard !user.groups.contains(group.name) else { return }
            guard user.groups.count < 10 else { throw IAMError.limitExceeded("Cannot exceed quota for GroupsPerUser: 10") }
            user.groups.append(group.name)
            try state.put(user)
        }
        return XML()
    }

    func removeUserFromGroup(_ call: QueryCall) async throws(ServiceError) -> XML {
        let group = try await entity(GroupRecord.self, call)
        let userName = try call.name("UserName", lengthMax: 128)
        try await store.change { (state) throws(ServiceError) in
            var user = try UserRecord.existing(userName, in: state)
            user.groups.removeAll { $0 == group.name }
            try state.put(user)
        }
        return XML()
    }
}
