import CloisterServiceKit

/// IAM's condition keys of an item operation, collected from the request.
struct AccessConditions: Sendable {
    /// Nil where the request names no partition: then the key is absent.
    var leadingKeys: [AttributeValue]?
    var attributes: Set<Text> = []
    var select: String?
    var returnValues: String?
    var returnConsumedCapacity: String?
    /// The transaction that the action is part of.
    var enclosingOperation: String?
    var isFullTableScan: Bool?
    /// Cloister's own: what a write makes the partition keys of secondary indexes.
    var indexKeys: [AttributeValue] = []
    /// Cloister's own: the attribute whose values `leadingKeys` are.
    var partitionKeyName: Text?
    var resourceTags: [TableDefinition.Tag] = []
    var requestTags: [TableDefinition.Tag] = []
    var tagKeys: [String] = []

    var values: [String: [String]] {
        var values: [String: [String]] = [:]
        values["dynamodb:LeadingKeys"] = leadingKeys?.map(AccessConditions.text)
        values["dynamodb:Attributes"] = attributes.isEmpty ? nil : attributes.sorted().map(\.string)
        values["dynamodb:Select"] = select.map { [$0] }
        values["dynamodb:ReturnValues"] = returnValues.map { [$0] }
        values["dynamodb:ReturnConsumedCapacity"] = returnConsumedCapacity.map { [$0] }
        values["dynamodb:EnclosingOperation"] = enclosingOperation.map { [$0] }
        values["dynamodb:FullTableScan"] = isFullTableScan.map { [$0 ? "true" : "false"] }
        values["cloister:IndexKeys"] = indexKeys.isEmpty ? nil : indexKeys.map(AccessConditions.text)
        values["cloister:PartitionKeyName"] = partitionKeyName.map { [$0.string] }
        for tag in resourceTags { values["aws:ResourceTag/" + tag.key] = [tag.value] }
        for tag in requestTags { values["aws:RequestTag/" + tag.key] = [tag.value] }
        let keys = tagKeys + requestTags.map(\.key)
        values["aws:TagKeys"] = keys.isEmpty ? nil : keys
        return values
    }

    private static func text(_ value: AttributeValue) -> String {
        switch value {
        case .string(let text): text.string
        case .number(let number): number.description
        case .binary(let bytes): Base64.encode(bytes)
        default: ""
        }
    }
}

extension DynamoDBService {
    /// Asks before anything is read or changed.
    func authorize(
        _ action: String, _ resource: String, _ conditions: AccessConditions = AccessConditions(),
        for call: DynamoDBCall
    ) async throws {
        try await authorizer.authorize(
            AccessRequest(action: "dynamodb:" + action, resource: resource, conditions: conditions.values),
            for: call.caller)
    }

    /// The table that `name` names, once the caller may do `action` on it; asks also when there is none, so that nobody
    /// learns of tables by what they are refused. Keys are needed to know which of `key`'s values leads.
    func authorizedTable(
        _ name: String, index: String? = nil, _ action: String, _ call: DynamoDBCall,
        _ conditions: (TableDefinition?) -> AccessConditions
    ) async throws -> StoredTable {
        let table = try await table(name, call)
        let definition = table?.definition
        let resource = call.tableARN(name) + (index.map { "/index/\($0)" } ?? "")
        var conditions = conditions(definition)
        let schema = index.map { definition?.index(named: $0)?.schema } ?? definition?.schema
        conditions.partitionKeyName = schema?.partition
        conditions.resourceTags = definition?.tags ?? []
        try await authorize(action, resource, conditions, for: call)
        guard let table else { throw DynamoDBError.tableNotFound }
        return table
    }
}

extension Condition {
    /// The attributes that the condition looks at.
    var attributes: Set<Text> {
        switch self {
        case .compare(_, let first, let second), .beginsWith(let first, let second), .contains(let first, let second):
            first.attributes.union(second.attributes)
        case .between(let first, let second, let third):
            first.attributes.union(second.attributes).union(third.attributes)
        case .among(let first, let others): others.reduce(first.attributes) { $0.union($1.attributes) }
        case .exists(let path), .notExists(let path), .type(let path, _): [path.attribute]
        case .all(let conditions), .any(let conditions): conditions.reduce([]) { $0.union($1.attributes) }
        case .not(let condition): condition.attributes
        }
    }
}

extension Operand {
    var attributes: Set<Text> {
        switch self {
        case .path(let path): [path.attribute]
        case .value: []
        case .size(let operand): operand.attributes
        }
    }
}

extension Update {
    /// The attributes that the update changes or reads.
    var attributes: Set<Text> {
        actions.reduce([]) { attributes, action in
            let read: Set<Text> = if case .set(_, let value) = action { value.attributes } else { [] }
            return attributes.union(read).union([action.path.attribute])
        }
    }
}

extension Update.SetValue {
    var attributes: Set<Text> {
        switch self {
        case .value: []
        case .path(let path): [path.attribute]
        case .ifNotExists(let path, let value): value.attributes.union([path.attribute])
        case .listAppend(let first, let second), .sum(let first, let second), .difference(let first, let second):
            first.attributes.union(second.attributes)
        }
    }
}
