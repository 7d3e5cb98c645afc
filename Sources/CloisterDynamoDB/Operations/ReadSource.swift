/// What a query or scan reads: the table itself, or one of its indexes.
struct ReadSource: Sendable {
    let table: TableDefinition
    let index: IndexDefinition?

    /// Throws when there is no such index, or it can't be read yet.
    init(_ table: TableDefinition, indexName: String?) throws {
        self.table = table
        guard let indexName else {
            index = nil
            return
        }
        guard let index = table.index(named: indexName) else {
            throw DynamoDBError.validation("The table does not have the specified index: \(indexName)")
        }
        guard index.status == .active else {
            throw DynamoDBError.validation("Cannot read from backfilling global secondary index: \(indexName)")
        }
        self.index = index
    }

    var schema: KeySchema { index?.schema ?? table.schema }

    /// All that LastEvaluatedKey and ExclusiveStartKey have.
    var keyNames: [Text] {
        var names = schema.names
        for name in table.schema.names where !names.contains(name) { names.append(name) }
        return names
    }

    func lastKey(_ item: Item) -> Item {
        let names = keyNames
        return item.filter { names.contains($0.key) }
    }

    /// Where an ExclusiveStartKey is.
    func position(_ key: Item) throws -> ItemRange.Position {
        let invalid = "The provided starting key is invalid"
        guard key.count == keyNames.count else {
            throw DynamoDBError.validation(
                index == nil ? "Exclusive Start Key must have same size as table's key schema" : invalid)
        }
        for name in keyNames {
            guard let value = key[name], value.type == table.type(of: name) else {
                throw DynamoDBError.validation(
                    index == nil ? "\(invalid): The provided key element does not match the schema" : invalid)
            }
        }
        guard let item = ItemKey(of: key, schema: table.schema), let place = ItemKey(of: key, schema: schema) else {
            throw DynamoDBError.validation(invalid)
        }
        return index == nil
            ? ItemRange.Position(key: item) : ItemRange.Position(key: place, item: item)
    }
}

/// What a query or scan returns of the items it finds.
struct ReadSelection: Sendable {
    var projection: Projection?
    var filter: Condition?
    var isCount = false
    /// All attributes of the table's items, whatever the index holds.
    var wantsTable = false

    /// Checks `Select` and the projections against each other and against the index.
    init(_ input: Input, projection: Projection?, filter: Condition?, source: ReadSource) throws {
        let select = try input.string("Select")
        self.projection = projection
        self.filter = filter
        isCount = select == "COUNT"
        guard let index = source.index else { return }
        if select == "ALL_ATTRIBUTES" {
            guard index.kind == .local || index.projection == .all else {
                throw DynamoDBError.invalidParameter(
                    "Select type ALL_ATTRIBUTES is not supported for global secondary index \(index.name) "
                        + "because its projection type is not ALL")
            }
            wantsTable = true
        }
        try checkProjected(index, source)
    }

    /// Before the table is known.
    static func check(_ input: Input) throws {
        let select = try input.string("Select")
        let isExpression = input.has("ProjectionExpression")
        let hasProjection = isExpression || input.has("AttributesToGet")
        if select == "SPECIFIC_ATTRIBUTES", !hasProjection {
            throw DynamoDBError.validation(
                "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES")
        }
        if let select, select != "SPECIFIC_ATTRIBUTES", hasProjection {
            throw DynamoDBError.validation(
                "Cannot specify the \(isExpression ? "ProjectionExpression" : "AttributesToGet") "
                    + "when choosing to get \(select == "COUNT" ? "only the Count" : select)")
        }
        if select == "ALL_PROJECTED_ATTRIBUTES", !input.has("IndexName") {
            throw DynamoDBError.validation(
                "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
        }
    }

    /// A local index fetches what it doesn't have from the table; a global one refuses.
    private mutating func checkProjected(_ index: IndexDefinition, _ source: ReadSource) throws {
        guard index.projection != .all else { return }
        let held = Set(source.keyNames + index.nonKeyAttributes)
        let missing = Set((projection?.paths ?? []).map(\.attribute)).subtracting(held)
        let filtered = (filter?.attributes ?? []).subtracting(held)
        guard !missing.isEmpty || !filtered.isEmpty else { return }
        if index.kind == .local {
            wantsTable = true
        } else if !missing.isEmpty {
            throw DynamoDBError.invalidParameter(
                "Global secondary index \(index.name) does not project "
                    + "[\(missing.sorted().map(\.string).joined(separator: ", "))]")
        }
    }

    /// IAM's `dynamodb:Select`.
    static func access(_ input: Input, hasProjection: Bool) throws -> String {
        try input.string("Select")
            ?? (hasProjection
                ? "SPECIFIC_ATTRIBUTES" : input.has("IndexName") ? "ALL_PROJECTED_ATTRIBUTES" : "ALL_ATTRIBUTES")
    }
}
