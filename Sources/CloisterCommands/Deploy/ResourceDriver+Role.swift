import CloisterTemplates

/// Roles with their policies. Everything that a role has and the template doesn't say goes: the template is the role.
extension ResourceDriver {
    var iam: IAMClient { IAMClient(api: lambda.api) }

    func createRole(_ role: ResolvedResource) throws -> MadeResource {
        var parameters = ["RoleName": try role.text("RoleName"), "Path": role.properties["Path"]?.string ?? "/"]
        parameters["AssumeRolePolicyDocument"] = try document(role.properties["AssumeRolePolicyDocument"])
        parameters["Description"] = role.properties["Description"]?.string
        parameters["MaxSessionDuration"] = role.properties["MaxSessionDuration"]?.integer.map(String.init)
        try iam.send("CreateRole", parameters)
        try completeRole(role)
        return try madeRole(role)
    }

    /// Makes the role if an earlier version of Cloister had kept it as a name only.
    func updateRole(_ role: ResolvedResource) throws -> MadeResource {
        let name = try role.text("RoleName")
        guard try iam.sendUnlessMissing("GetRole", ["RoleName": name]) != nil else { return try createRole(role) }
        try iam.send(
            "UpdateAssumeRolePolicy",
            ["RoleName": name, "PolicyDocument": try document(role.properties["AssumeRolePolicyDocument"])])
        try iam.send(
            "UpdateRole",
            [
                "RoleName": name, "Description": role.properties["Description"]?.string ?? "",
                "MaxSessionDuration": String(role.properties["MaxSessionDuration"]?.integer ?? 3_600),
            ])
        try completeRole(role)
        return try madeRole(role)
    }

    /// No error when it is gone already.
    func deleteRole(_ name: String) throws {
        guard try iam.sendUnlessMissing("GetRole", ["RoleName": name]) != nil else { return }
        for policy in try inlinePolicies(name) {
            try iam.sendUnlessMissing("DeleteRolePolicy", ["RoleName": name, "PolicyName": policy])
        }
        for arn in try attachedPolicies(name) {
            try iam.sendUnlessMissing("DetachRolePolicy", ["RoleName": name, "PolicyArn": arn])
        }
        try iam.sendUnlessMissing("DeleteRole", ["RoleName": name])
    }

    /// Policies, boundary and tags. What is to go goes last, so that a role never lacks what it has before and after.
    private func completeRole(_ role: ResolvedResource) throws {
        let name = try role.text("RoleName")
        var inline: Set<String> = []
        for policy in role.properties["Policies"]?.array ?? [] {
            guard let policyName = policy["PolicyName"]?.string else { continue }
            inline.insert(policyName)
            try iam.send(
                "PutRolePolicy",
                ["RoleName": name, "PolicyName": policyName, "PolicyDocument": try document(policy["PolicyDocument"])])
        }
        let managed = (role.properties["ManagedPolicyArns"]?.array ?? []).compactMap(\.string)
        for arn in managed { try iam.send("AttachRolePolicy", ["RoleName": name, "PolicyArn": arn]) }
        if let boundary = role.properties["PermissionsBoundary"]?.string {
            try iam.send("PutRolePermissionsBoundary", ["RoleName": name, "PermissionsBoundary": boundary])
        } else {
            try iam.sendUnlessMissing("DeleteRolePermissionsBoundary", ["RoleName": name])
        }
        for policy in try inlinePolicies(name) where !inline.contains(policy) {
            try iam.send("DeleteRolePolicy", ["RoleName": name, "PolicyName": policy])
        }
        for arn in try attachedPolicies(name) where !managed.contains(arn) {
            try iam.send("DetachRolePolicy", ["RoleName": name, "PolicyArn": arn])
        }
        try tag(role, name)
    }

    private func tag(_ role: ResolvedResource, _ name: String) throws {
        let tags = (role.properties["Tags"]?.object ?? [:]).compactMapValues(\.string)
        let before = IAMClient.texts("Key", in: try iam.send("ListRoleTags", ["RoleName": name, "MaxItems": "1000"]))
        var parameters = ["RoleName": name]
        for (index, tag) in tags.sorted(by: { $0.key < $1.key }).enumerated() {
            parameters["Tags.member.\(index + 1).Key"] = tag.key
            parameters["Tags.member.\(index + 1).Value"] = tag.value
        }
        if !tags.isEmpty { try iam.send("TagRole", parameters) }
        for key in before where tags[key] == nil {
            try iam.send("UntagRole", ["RoleName": name, "TagKeys.member.1": key])
        }
    }

    private func inlinePolicies(_ name: String) throws -> [String] {
        IAMClient.texts("member", in: try iam.send("ListRolePolicies", ["RoleName": name, "MaxItems": "1000"]))
    }

    private func attachedPolicies(_ name: String) throws -> [String] {
        IAMClient.texts("PolicyArn", in: try iam.send("ListAttachedRolePolicies", ["RoleName": name, "MaxItems": "1000"]))
    }

    private func document(_ value: JSONValue?) throws -> String {
        String(decoding: try (value ?? .object([:])).bytes, as: UTF8.self)
    }

    private func madeRole(_ role: ResolvedResource) throws -> MadeResource {
        let name = try role.text("RoleName")
        let arn = "arn:aws:iam::\(account):role\(role.properties["Path"]?.string ?? "/")\(name)"
        return MadeResource(physicalID: name, attributes: ["Ref": name, "Arn": arn])
    }
}
