extension DynamoDBService {
    func putItem(_ call: DynamoDBCall) async throws -> JSON {
        try await write(call, .put, action: "PutItem", needs: "Item")
    }

    func deleteItem(_ call: DynamoDBCall) async throws -> JSON {
        try await write(call, .delete, action: "DeleteItem", needs: "Key")
    }

    func updateItem(_ call: DynamoDBCall) async throws -> JSON {
        try await write(call, .update, action: "UpdateItem", needs: "Key")
    }

    private func write(
        _ call: DynamoDBCall, _ kind: WriteInput.Kind, action: String, needs member: Text
    ) async throws -> JSON {
        let input = call.input
        try WriteConstraints.check(input, needs: member)
        let returnValues = try input.string("ReturnValues") ?? "NONE"
        if kind != .update, returnValues != "NONE", returnValues != "ALL_OLD" {
            throw DynamoDBError.validation("ReturnValues can only be ALL_OLD or NONE")
        }
        let parsed = try WriteInput(input, kind, call)
        let capacityMode = try input.string("ReturnConsumedCapacity")
        let stored = try await authorizedTable(parsed.tableName, action, call) { definition in
            var conditions = parsed.access(definition)
            conditions.returnValues = returnValues
            conditions.returnConsumedCapacity = capacityMode
            return conditions
        }
        let table = try await open(stored, for: call.caller)
        let write = try parsed.write(table, call, action: action)
        let outcome = try await self.write([table]) { try write.perform($0) }
        var capacity = ConsumedCapacity(stored.definition, .write)
        capacity.addWrite(outcome, table)
        return JSON.members([
            "Attributes": DynamoDBService.attributes(returnValues, outcome, parsed.update),
            "ConsumedCapacity": capacity.json(capacityMode),
            "ItemCollectionMetrics": try DynamoDBService.collectionMetrics(input, write),
        ])
    }

    /// What `ReturnValues` asks for; nil when there is none of it.
    static func attributes(_ mode: String, _ outcome: ItemWrite.Outcome, _ update: Update?) -> JSON? {
        let projection = Projection(update?.paths ?? [])
        let item: Item? =
            switch mode {
            case "ALL_OLD": outcome.old
            case "ALL_NEW": outcome.new
            case "UPDATED_OLD": outcome.old.map(projection.apply)
            case "UPDATED_NEW": outcome.new.map(projection.apply)
            default: nil
            }
        return item.flatMap { $0.isEmpty ? nil : AttributeValueCoding.json($0) }
    }

    static func collectionMetrics(_ input: Input, _ write: ItemWrite) throws -> JSON? {
        guard try input.string("ReturnItemCollectionMetrics") == "SIZE" else { return nil }
        return collectionMetrics(write)
    }

    /// Only tables with local indexes have item collections; one of them is reckoned below a gigabyte.
    static func collectionMetrics(_ write: ItemWrite) -> JSON? {
        let definition = write.table.definition
        guard !definition.localIndexes.isEmpty else { return nil }
        let name = definition.schema.partition
        return [
            "ItemCollectionKey": AttributeValueCoding.json(write.key.filter { $0.key == name }),
            "SizeEstimateRangeGB": [.number("0.0"), .number("1.0")],
        ]
    }

    func getItem(_ call: DynamoDBCall) async throws -> JSON {
        let input = call.input
        try WriteConstraints.check(input, needs: "Key")
        let get = try GetInput(input, call)
        let capacityMode = try input.string("ReturnConsumedCapacity")
        let stored = try await authorizedTable(get.tableName, "GetItem", call) { definition in
            var conditions = get.access(definition)
            conditions.returnConsumedCapacity = capacityMode
            return conditions
        }
        let table = try await open(stored, for: call.caller)
        let place = try get.place(table)
        let item = try await storage.read { try table.item(at: place, $0) }
        var capacity = ConsumedCapacity(stored.definition, .read)
        capacity.addRead(bytes: item?.byteCount ?? 0, isConsistent: try input.bool("ConsistentRead") ?? false)
        return JSON.members([
            "Item": item.map { AttributeValueCoding.json(get.select($0)) },
            "ConsumedCapacity": capacity.json(capacityMode),
        ])
    }
}

/// The parsed form of GetItem and of a transaction's reads.
struct GetInput: Sendable {
    let tableName: String
    let key: Item
    let projection: Projection?

    init(tableName: String, key: Item, projection: Projection?) {
        self.tableName = tableName
        self.key = key
        self.projection = projection
    }

    init(_ input: Input, _ call: DynamoDBCall) throws {
        key = try input.item("Key") ?? [:]
        var variables = try ExpressionInput.variables(input, .get)
        projection = try ExpressionInput.projection(input, &variables)
        try variables.checkUse()
        tableName = try TableName.read(input.string("TableName"), call: call)
    }

    func access(_ definition: TableDefinition?) -> AccessConditions {
        var conditions = AccessConditions()
        if let value = definition.flatMap({ key[$0.schema.partition] }) { conditions.leadingKeys = [value] }
        conditions.select = projection == nil ? "ALL_ATTRIBUTES" : "SPECIFIC_ATTRIBUTES"
        conditions.attributes = Set(key.keys).union(projection?.paths.map(\.attribute) ?? [])
        return conditions
    }

    func place(_ table: OpenTable) throws -> ItemKey {
        try KeyRules.check(key: key, table.definition)
        return try table.place(of: key)
    }

    func select(_ item: Item) -> Item { projection?.apply(to: item) ?? item }
}
