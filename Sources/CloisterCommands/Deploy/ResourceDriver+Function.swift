import CloisterTemplates

/// Functions: their parts are changed by several operations.
extension ResourceDriver {
    /// Not part of CreateFunction's or UpdateFunctionConfiguration's request.
    private static let ownOperations: Set<String> = ["ReservedConcurrentExecutions"]
    /// Not part of UpdateFunctionConfiguration's.
    private static let notConfiguration: Set<String> = [
        "FunctionName", "Tags", "Architectures", "TenancyConfig", "ReservedConcurrentExecutions",
    ]

    func createFunction(_ resource: ResolvedResource) throws -> MadeResource {
        let name = try resource.text("FunctionName")
        let members = resource.members(without: Self.ownOperations).filter { !Self.isEmpty($0.value) }
        let answer = try lambda.createFunction(members, zip: resource.zip ?? [])
        let arn = try text("FunctionArn", in: answer)
        let made = MadeResource(physicalID: name, attributes: ["Ref": name, "Arn": arn])
        do {
            try wait.untilReady(name, after: answer)
            if let reserved = resource.properties["ReservedConcurrentExecutions"]?.integer {
                try lambda.setReservedConcurrency(name, reserved)
            }
        } catch {
            // It exists although it failed: nobody else will know that it has to go.
            try lambda.deleteFunction(name)
            throw error
        }
        return made
    }

    func updateFunction(
        _ resource: ResolvedResource, before: DeployedResource, properties: Set<String>, isCodeChanged: Bool
    ) throws {
        let name = try resource.text("FunctionName")
        let configuration = properties.subtracting(Self.notConfiguration)
        if !configuration.isEmpty {
            let members = resource.properties.filter { configuration.contains($0.key) }
            try wait.untilReady(name, after: try lambda.updateConfiguration(name, members))
        }
        if isCodeChanged || properties.contains("Architectures") {
            let answer = try lambda.updateCode(
                name, zip: resource.zip ?? [], architectures: resource.properties["Architectures"])
            try wait.untilReady(name, after: answer)
        }
        if properties.contains("ReservedConcurrentExecutions") {
            try lambda.setReservedConcurrency(name, resource.properties["ReservedConcurrentExecutions"]?.integer)
        }
        if properties.contains("Tags") {
            let old = before.properties["Tags"]?.object ?? [:]
            let new = resource.properties["Tags"]?.object ?? [:]
            try lambda.setTags(
                arn: before.attributes["Arn"] ?? name, adding: new,
                removing: old.keys.filter { new[$0] == nil }.sorted())
        }
    }

    /// The code that is deployed, for putting it back. Throws when the server doesn't hand it out.
    func deployedCode(_ name: String) throws -> [UInt8] {
        guard let location = try lambda.function(name)?["Code"]?["Location"]?.string else {
            throw CommandFailure("the server names no place to fetch it from")
        }
        return try lambda.api.download(location)
    }

    /// Values that mean "none" and that a create request leaves out.
    private static func isEmpty(_ value: JSONValue) -> Bool {
        switch value {
        case .string(let text): text.isEmpty
        case .array(let items): items.isEmpty
        case .object(let members): members.values.allSatisfy(isEmpty)
        case .null: true
        case .bool, .integer, .number: false
        }
    }
}
