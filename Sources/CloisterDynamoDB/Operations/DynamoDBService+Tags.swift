extension DynamoDBService {
    func tagResource(_ call: DynamoDBCall) async throws -> JSON {
        var constraints = Constraints()
        constraints.require(call.input.has("ResourceArn"), "resourceArn")
        constraints.require(call.input.has("Tags"), "tags")
        try constraints.check()
        let added = try TagInput.tags(call.input)
        guard !added.isEmpty else { throw DynamoDBError.validation("Atleast one Tag needs to be provided as Input.") }
        var table = try await tagged(call, "TagResource", added: added)
        var tags = table.definition.tags.filter { tag in !added.contains { Text($0.key) == Text(tag.key) } }
        tags += added
        guard tags.count <= DynamoDBLimits.tagsMax else {
            throw DynamoDBError.validation("The number of tags exceeds the limit of \(DynamoDBLimits.tagsMax)")
        }
        table.definition.tags = tags
        try await update(table)
        return [:]
    }

    func untagResource(_ call: DynamoDBCall) async throws -> JSON {
        var constraints = Constraints()
        let keys = try call.input.strings("TagKeys")
        constraints.require(call.input.has("ResourceArn"), "resourceArn")
        constraints.require(keys != nil, "tagKeys")
        try constraints.check()
        guard let keys, !keys.isEmpty else {
            throw DynamoDBError.validation("Atleast one Tag Key needs to be provided as Input.")
        }
        var table = try await tagged(call, "UntagResource", removed: keys)
        table.definition.tags.removeAll { tag in keys.contains(Text(tag.key)) }
        try await update(table)
        return [:]
    }

    func listTagsOfResource(_ call: DynamoDBCall) async throws -> JSON {
        var constraints = Constraints()
        constraints.require(call.input.has("ResourceArn"), "resourceArn")
        try constraints.check()
        let table = try await tagged(call, "ListTagsOfResource")
        return [
            "Tags": .array(table.definition.tags.map { ["Key": .text($0.key), "Value": .text($0.value)] })
        ]
    }

    private func tagged(
        _ call: DynamoDBCall, _ action: String, added: [TableDefinition.Tag] = [], removed: [Text] = []
    ) async throws -> StoredTable {
        let arn = try call.input.string("ResourceArn") ?? ""
        guard arn.hasPrefix("arn:") else {
            throw DynamoDBError.validation("Invalid TableArn: Invalid ResourceArn provided as input \(arn)")
        }
        let name = try TableName.name(ofARN: arn, call: call)
        let stored = try await table(name, call)
        var conditions = AccessConditions()
        conditions.resourceTags = stored?.definition.tags ?? []
        conditions.requestTags = added
        conditions.tagKeys = removed.map(\.string)
        try await authorize(action, call.tableARN(name), conditions, for: call)
        guard let stored else {
            throw DynamoDBError(
                "ResourceNotFoundException", "Requested resource not found: ResourcArn: \(arn) not found")
        }
        return stored
    }
}

enum TagInput {
    static func tags(_ input: Input) throws -> [TableDefinition.Tag] {
        var constraints = Constraints()
        var tags: [TableDefinition.Tag] = []
        for (index, element) in (try input.structures("Tags", shape: "Tag") ?? []).enumerated() {
            let member = "tags.\(index + 1).member"
            let key = try element.string("Key")
            let value = try element.string("Value")
            constraints.require(key != nil, member + ".key")
            constraints.length(key, member + ".key", 1...128)
            constraints.require(value != nil, member + ".value")
            constraints.length(value, member + ".value", 0...256)
            if let key, let value { tags.append(TableDefinition.Tag(key: key, value: value)) }
        }
        try constraints.check()
        guard tags.count <= DynamoDBLimits.tagsMax else {
            throw DynamoDBError.validation("The number of tags exceeds the limit of \(DynamoDBLimits.tagsMax)")
        }
        guard Set(tags.map { Text($0.key) }).count == tags.count else {
            throw DynamoDBError.validation("One or more parameter values are not valid. Tag keys must be unique")
        }
        return tags
    }
}
