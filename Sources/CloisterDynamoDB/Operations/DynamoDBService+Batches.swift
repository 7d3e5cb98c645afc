extension DynamoDBService {
    // MARK: BatchGetItem

    private struct BatchGet {
        var table: OpenTable
        var places: [(place: ItemKey, key: JSON)]
        var projection: Projection?
        var isConsistent: Bool
        var request: Input
        /// As the request names the table.
        var name: Text
    }

    func batchGetItem(_ call: DynamoDBCall) async throws -> JSON {
        let tables = try BatchInput.tables(call.input)
        var constraints = Constraints()
        var count = 0
        for (name, json) in tables {
            let request = try Input(json, shape: "KeysAndAttributes")
            let keys = try request.list("Keys")
            constraints.require(keys != nil, "requestItems.\(name).member.keys")
            constraints.count(keys?.count, "[...]", "requestItems.\(name).member.keys", 1...100)
            count += keys?.count ?? 0
        }
        try constraints.check()
        guard count <= DynamoDBLimits.batchGetKeysMax else {
            throw DynamoDBError.validation("Too many items requested for the BatchGetItem call")
        }
        var gets: [BatchGet] = []
        for (name, json) in tables {
            gets.append(try await batchGet(name, try Input(json, shape: "KeysAndAttributes"), call))
        }
        return try await read(gets, capacityMode: try call.input.string("ReturnConsumedCapacity"))
    }

    private func batchGet(_ name: Text, _ request: Input, _ call: DynamoDBCall) async throws -> BatchGet {
        var variables = try ExpressionInput.variables(request, .get)
        let projection = try ExpressionInput.projection(request, &variables)
        try variables.checkUse()
        let keys = try request.list("Keys") ?? []
        let items = try keys.map { try AttributeValueCoding.item($0) }
        guard Set(items).count == items.count else { throw BatchInput.duplicates }
        let tableName = try TableName.read(name.string, call: call)
        let stored = try await authorizedTable(tableName, "BatchGetItem", call) { definition in
            var conditions = AccessConditions()
            conditions.leadingKeys = definition.map { definition in
                items.compactMap { $0[definition.schema.partition] }
            }
            conditions.select = projection == nil ? "ALL_ATTRIBUTES" : "SPECIFIC_ATTRIBUTES"
            conditions.attributes = items.reduce(Set(projection?.paths.map(\.attribute) ?? [])) { $0.union($1.keys) }
            return conditions
        }
        let table = try await open(stored, for: call.caller)
        let places = try zip(items, keys).map { item, key in
            try KeyRules.check(key: item, stored.definition)
            return (place: try table.place(of: item), key: key)
        }
        return BatchGet(
            table: table, places: places, projection: projection,
            isConsistent: try request.bool("ConsistentRead") ?? false, request: request, name: name)
    }

    /// What doesn't fit into 16 MB is left unprocessed.
    private func read(_ gets: [BatchGet], capacityMode: String?) async throws -> JSON {
        try await storage.read { reader in
            var responses: [JSON.Member] = []
            var unprocessed: [JSON.Member] = []
            var capacities: [JSON] = []
            var bytes = 0
            for get in gets {
                var capacity = ConsumedCapacity(get.table.definition, .read)
                var items: [JSON] = []
                var left: [JSON] = []
                for (place, key) in get.places {
                    guard bytes < DynamoDBLimits.batchGetBytesMax else {
                        left.append(key)
                        continue
                    }
                    let item = try get.table.item(at: place, reader)
                    capacity.addRead(bytes: item?.byteCount ?? 0, isConsistent: get.isConsistent)
                    guard let item else { continue }
                    bytes += item.byteCount
                    guard bytes <= DynamoDBLimits.batchGetBytesMax else {
                        left.append(key)
                        continue
                    }
                    items.append(AttributeValueCoding.json(get.projection?.apply(to: item) ?? item))
                }
                responses.append(JSON.Member(name: get.name, value: .array(items)))
                if !left.isEmpty {
                    let others = get.request.members.filter { $0.name != "Keys" }
                    let request = JSON.object(others + [JSON.Member(name: "Keys", value: .array(left))])
                    unprocessed.append(JSON.Member(name: get.name, value: request))
                }
                if let json = capacity.json(capacityMode) { capacities.append(json) }
            }
            return JSON.members([
                "Responses": .object(responses), "UnprocessedKeys": .object(unprocessed),
                "ConsumedCapacity": capacities.isEmpty ? nil : .array(capacities),
            ])
        }
    }

    // MARK: BatchWriteItem

    private struct BatchWrite {
        var item: Item
        var isPut: Bool
    }

    func batchWriteItem(_ call: DynamoDBCall) async throws -> JSON {
        let tables = try BatchInput.tables(call.input)
        let parsed = try tables.map { name, json in (name: name, writes: try requests(name, json)) }
        guard parsed.reduce(0, { $0 + $1.writes.count }) <= DynamoDBLimits.batchWriteRequestsMax else {
            throw DynamoDBError.validation("Too many items requested for the BatchWriteItem call")
        }
        var writes: [ItemWrite] = []
        for (name, requests) in parsed { writes += try await batchWrites(name, requests, call) }
        let all = writes
        let outcomes = try await write(BatchInput.tables(of: all)) { writer in try all.map { try $0.perform(writer) } }
        return JSON.members([
            "UnprocessedItems": [:],
            "ConsumedCapacity": capacities(all, outcomes, try call.input.string("ReturnConsumedCapacity")),
            "ItemCollectionMetrics": try BatchInput.collectionMetrics(call.input, all),
        ])
    }

    private func requests(_ name: Text, _ json: JSON) throws -> [BatchWrite] {
        let requests = try WireType.elements(json).map { try Input($0, shape: "WriteRequest") }
        var constraints = Constraints()
        constraints.count(requests.count, "[...]", "requestItems.\(name).member", 1...25)
        try constraints.check()
        return try requests.map { request in
            let put = try request.structure("PutRequest")
            let delete = try request.structure("DeleteRequest")
            guard (put == nil) != (delete == nil) else {
                throw DynamoDBError.validation(
                    "Supplied AttributeValue has more than one datatypes set, "
                        + "must contain exactly one of the supported datatypes")
            }
            let item = try put?.item("Item") ?? delete?.item("Key")
            guard let item else {
                let member = put == nil ? "deleteRequest.key" : "putRequest.item"
                constraints.require(false, "requestItems.\(name).member.\(member)")
                try constraints.check()
                return BatchWrite(item: [:], isPut: false)
            }
            if put != nil { try KeyRules.checkSize(item) }
            return BatchWrite(item: item, isPut: put != nil)
        }
    }

    private func batchWrites(_ name: Text, _ requests: [BatchWrite], _ call: DynamoDBCall) async throws -> [ItemWrite] {
        let tableName = try TableName.read(name.string, call: call)
        let stored = try await authorizedTable(tableName, "BatchWriteItem", call) { definition in
            var conditions = AccessConditions()
            conditions.leadingKeys = definition.map { definition in
                requests.compactMap { $0.item[definition.schema.partition] }
            }
            conditions.attributes = requests.reduce([]) { $0.union($1.item.keys) }
            let names = definition?.indexPartitionNames ?? []
            conditions.indexKeys = requests.filter(\.isPut).flatMap { request in names.compactMap { request.item[$0] } }
            return conditions
        }
        let table = try await open(stored, for: call.caller)
        let names = stored.definition.schema.names
        let writes = try requests.map { request in
            guard request.isPut else {
                try KeyRules.check(key: request.item, stored.definition)
                return try ItemWrite(table, key: request.item, .delete)
            }
            try KeyRules.check(item: request.item, stored.definition)
            return try ItemWrite(table, key: request.item.filter { names.contains($0.key) }, .put(request.item))
        }
        guard Set(writes.map(\.place)).count == writes.count else { throw BatchInput.duplicates }
        return writes
    }

    /// One for each table, in the order of the writes.
    func capacities(
        _ writes: [ItemWrite], _ outcomes: [ItemWrite.Outcome], _ mode: String?, isTransaction: Bool = false
    ) -> JSON? {
        let capacities = BatchInput.tables(of: writes).compactMap { table in
            var capacity = ConsumedCapacity(table.definition, .write, isTransaction: isTransaction)
            for (write, outcome) in zip(writes, outcomes) where write.table.id == table.id {
                capacity.addWrite(outcome, table)
            }
            return capacity.json(mode)
        }
        return capacities.isEmpty ? nil : .array(capacities)
    }
}

/// What batches and transactions share.
enum BatchInput {
    static let duplicates = DynamoDBError.validation("Provided list of item keys contains duplicates")

    static func tables(_ input: Input) throws -> [(name: Text, request: JSON)] {
        var constraints = Constraints()
        let members = try input.map("RequestItems")
        constraints.require(members != nil, "requestItems")
        constraints.count(members?.count, "{}", "requestItems", 1...25)
        constraints.choice(
            try input.string("ReturnConsumedCapacity"), "returnConsumedCapacity", WriteConstraints.consumedCapacity)
        constraints.choice(
            try input.string("ReturnItemCollectionMetrics"), "returnItemCollectionMetrics", ["SIZE", "NONE"])
        try constraints.check()
        return (members ?? []).map { (name: $0.name, request: $0.value) }
    }

    static func tables(of writes: [ItemWrite]) -> [OpenTable] {
        var known: Set<Int64> = []
        return writes.map(\.table).filter { known.insert($0.id).inserted }
    }

    static func collectionMetrics(_ input: Input, _ writes: [ItemWrite]) throws -> JSON? {
        guard try input.string("ReturnItemCollectionMetrics") == "SIZE" else { return nil }
        let members = tables(of: writes).compactMap { table -> JSON.Member? in
            let metrics = writes.filter { $0.table.id == table.id }.compactMap(DynamoDBService.collectionMetrics)
            return metrics.isEmpty ? nil : JSON.Member(name: Text(table.name), value: .array(metrics))
        }
        return members.isEmpty ? nil : .object(members)
    }
}
