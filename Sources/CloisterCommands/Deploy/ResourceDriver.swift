import CloisterCore
import CloisterTemplates

/// A resource's properties with every attribute put in, ready to be sent.
struct ResolvedResource {
    var logicalID: String
    var kind: ResourceKind
    var properties: [String: JSONValue]
    var zip: [UInt8]?

    func text(_ key: String) throws -> String {
        guard let text = properties[key]?.string else {
            throw CommandFailure("\(logicalID) has no \(key)")
        }
        return text
    }

    /// The properties that the API's request takes: without `names`.
    func members(without names: Set<String>) -> [String: JSONValue] {
        properties.filter { !names.contains($0.key) }
    }
}

/// What there is after a resource was made.
struct MadeResource {
    var physicalID: String
    var attributes: [String: String]
}

/// Makes, changes and deletes single resources through the Lambda API.
struct ResourceDriver {
    let lambda: LambdaClient
    let account: AccountID
    let onWaiting: (String) -> Void

    var wait: FunctionWait { FunctionWait(lambda: lambda, onWaiting: onWaiting) }

    func create(_ resource: ResolvedResource) throws -> MadeResource {
        switch resource.kind {
        case .function:
            return try createFunction(resource)
        case .layerVersion:
            let name = try resource.text("LayerName")
            let answer = try lambda.publishLayer(
                name, resource.members(without: ["LayerName"]), zip: resource.zip ?? [])
            let arn = try text("LayerVersionArn", in: answer)
            return MadeResource(physicalID: arn, attributes: ["Ref": arn, "LayerVersionArn": arn])
        case .version:
            let answer = try lambda.publishVersion(
                resource.text("FunctionName"), resource.members(without: ["FunctionName", "PublishedProperties", Self.provisioned]))
            let version = try text("Version", in: answer)
            let arn = try text("FunctionArn", in: answer)
            try wait.untilReady(arn, after: answer)
            do { try provision(resource, qualifier: version) } catch {
                try lambda.deleteFunction(try resource.text("FunctionName"), qualifier: version)
                throw error
            }
            return MadeResource(
                physicalID: version, attributes: ["Ref": arn, "FunctionArn": arn, "Version": version])
        case .alias:
            return try createAlias(resource)
        case .permission:
            try lambda.addPermission(resource.text("FunctionName"), resource.members(without: ["FunctionName"]))
            let statement = try resource.text("StatementId")
            return MadeResource(physicalID: statement, attributes: ["Ref": statement, "Id": statement])
        case .eventInvokeConfiguration:
            return try putEventInvoke(resource)
        case .role:
            return try createRole(resource)
        }
    }

    /// Changes `resource` in place; `change` says what differs.
    func update(_ resource: ResolvedResource, before: DeployedResource, change: Change) throws -> MadeResource {
        switch resource.kind {
        case .function:
            try updateFunction(
                resource, before: before, properties: Set(change.properties), isCodeChanged: change.isCodeChanged)
            return MadeResource(physicalID: before.physicalID, attributes: before.attributes)
        case .alias:
            let name = try resource.text("Name")
            try unprovision(resource, before: before, qualifier: name)
            var members = resource.members(without: ["FunctionName", "Name", Self.provisioned])
            // Left out, an old routing would stay.
            members["RoutingConfig"] = members["RoutingConfig"] ?? .object(["AdditionalVersionWeights": .object([:])])
            let answer = try lambda.updateAlias(resource.text("FunctionName"), name, members)
            try provision(resource, qualifier: name)
            return made(alias: try text("AliasArn", in: answer), name: name)
        case .eventInvokeConfiguration:
            return try putEventInvoke(resource)
        case .role:
            return try updateRole(resource)
        case .version:
            try unprovision(resource, before: before, qualifier: before.physicalID)
            try provision(resource, qualifier: before.physicalID)
            return MadeResource(physicalID: before.physicalID, attributes: before.attributes)
        case .layerVersion, .permission:
            throw CommandFailure("\(resource.logicalID) can't be changed in place")
        }
    }

    /// No error when it is gone already.
    func delete(_ resource: DeployedResource, properties: [String: JSONValue]) throws {
        let function = properties["FunctionName"]?.string ?? resource.physicalID
        switch resource.kind {
        case .function:
            try lambda.deleteFunction(function)
        case .layerVersion:
            let parts = resource.physicalID.split(separator: ":").map(String.init)
            if parts.count == 8 { try lambda.deleteLayerVersion(parts[6], parts[7]) }
        case .version:
            try lambda.deleteFunction(function, qualifier: resource.physicalID)
        case .alias:
            try lambda.deleteAlias(function, properties["Name"]?.string ?? resource.physicalID)
        case .permission:
            try lambda.removePermission(function, statement: resource.physicalID)
        case .eventInvokeConfiguration:
            try lambda.deleteEventInvokeConfiguration(function, qualifier: properties["Qualifier"]?.string ?? "$LATEST")
        case .role:
            try deleteRole(properties["RoleName"]?.string ?? resource.physicalID)
        }
    }

    private func putEventInvoke(_ resource: ResolvedResource) throws -> MadeResource {
        let function = try resource.text("FunctionName")
        let qualifier = try resource.text("Qualifier")
        try lambda.putEventInvokeConfiguration(
            function, qualifier: qualifier, resource.members(without: ["FunctionName", "Qualifier"]))
        let id = "\(function)|\(qualifier)"
        return MadeResource(physicalID: id, attributes: ["Ref": id])
    }

    private func createAlias(_ resource: ResolvedResource) throws -> MadeResource {
        let (function, name) = (try resource.text("FunctionName"), try resource.text("Name"))
        let answer = try lambda.createAlias(function, resource.members(without: ["FunctionName", Self.provisioned]))
        let made = made(alias: try text("AliasArn", in: answer), name: name)
        do { try provision(resource, qualifier: name) } catch {
            // It exists although it failed: nobody else will know that it has to go.
            try lambda.deleteAlias(function, name)
            throw error
        }
        return made
    }

    private func made(alias arn: String, name: String) -> MadeResource {
        MadeResource(physicalID: name, attributes: ["Ref": arn, "AliasArn": arn])
    }

    func text(_ key: String, in answer: JSONValue) throws -> String {
        guard let text = answer[key]?.string else {
            throw CommandFailure("the server's answer has no \(key)")
        }
        return text
    }
}
