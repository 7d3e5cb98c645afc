extension DynamoDBService {
    func query(_ call: DynamoDBCall) async throws -> JSON {
        let input = call.input
        var constraints = Constraints()
        try ReadConstraints.add(input, &constraints)
        try constraints.check()
        try ReadSelection.check(input)
        var variables = try ExpressionInput.variables(input, .query)
        let parts = try DynamoDBService.keyParts(input, &variables)
        let filter = try ExpressionInput.filter(input, legacy: "QueryFilter", &variables)
        let projection = try ExpressionInput.projection(input, &variables)
        try variables.checkUse()
        let startKey = try input.item("ExclusiveStartKey")
        let indexName = try input.string("IndexName")
        let select = try ReadSelection.access(input, hasProjection: projection != nil)
        let stored = try await authorizedTable(
            try TableName.read(input.string("TableName"), call: call), index: indexName, "Query", call
        ) { definition in
            DynamoDBService.access(
                definition, indexName: indexName, parts, filter: filter, projection: projection, startKey: startKey,
                select: select)
        }
        let source = try ReadSource(stored.definition, indexName: indexName)
        let isConsistent = try ReadConstraints.consistency(input, source)
        let condition = try KeyCondition(parts, schema: source.schema, types: stored.definition.types)
        try DynamoDBService.check(filter, doesNotUse: source.schema)
        let selection = try ReadSelection(input, projection: projection, filter: filter, source: source)
        let range = try QueryRange.range(
            condition, source: source, startKey: startKey, isForward: try input.bool("ScanIndexForward") ?? true)
        let table = try await open(stored, for: call.caller)
        let reader = PageReader(
            table: table, source: source, selection: selection, range: range, limit: try input.integer("Limit"))
        let page = try await storage.read { try reader.read($0) }
        return reader.response(
            page, isConsistent: isConsistent, capacityMode: try input.string("ReturnConsumedCapacity"))
    }

    private static func keyParts(_ input: Input, _ variables: inout ExpressionVariables) throws -> [KeyCondition.Part] {
        if let text = try input.string("KeyConditionExpression") {
            let condition = try ConditionParser.parse(
                text, parameter: "KeyConditionExpression", variables: &variables)
            return try KeyCondition.parts(of: condition)
        }
        guard let members = try input.map("KeyConditions") else {
            throw DynamoDBError.validation(
                "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
        }
        return try LegacyConditions.keyParts(members)
    }

    private static func access(
        _ definition: TableDefinition?, indexName: String?, _ parts: [KeyCondition.Part], filter: Condition?,
        projection: Projection?, startKey: Item?, select: String
    ) -> AccessConditions {
        var conditions = AccessConditions()
        let schema = definition.flatMap { definition in
            indexName.map { definition.index(named: $0)?.schema } ?? definition.schema
        }
        if let name = schema?.partition {
            conditions.leadingKeys = parts.filter { $0.name == name }.flatMap(\.values)
        }
        conditions.select = select
        conditions.attributes = Set(parts.map(\.name))
            .union(filter?.attributes ?? []).union(projection?.paths.map(\.attribute) ?? [])
            .union(startKey.map { Set($0.keys) } ?? [])
        return conditions
    }

    private static func check(_ filter: Condition?, doesNotUse schema: KeySchema) throws {
        guard let filter, let name = schema.names.first(where: filter.attributes.contains) else { return }
        throw DynamoDBError.validation(
            "Filter Expression can only contain non-primary key attributes: Primary key attribute: \(name)")
    }
}

/// A key condition, as a range of the store's keys.
enum QueryRange {
    static func range(
        _ condition: KeyCondition, source: ReadSource, startKey: Item?, isForward: Bool
    ) throws -> ItemRange {
        try checkNotEmpty(condition, source.schema)
        guard let partition = ItemKey.partition(condition.partition) else { throw DynamoDBError.keyMismatch }
        let (lower, upper) = bounds(condition.sort)
        var range = ItemRange(
            extent: .partition(partition, lower: lower, upper: upper), after: nil, isForward: isForward)
        guard let startKey else { return range }
        let position = try source.position(startKey)
        guard position.key.partition == partition else {
            throw DynamoDBError.validation(
                "The provided starting key is outside query boundaries based on provided conditions")
        }
        guard contains(position.key.sort, lower, upper) else {
            throw DynamoDBError.validation(
                "The provided starting key does not match the range key predicate")
        }
        range.after = position
        return range
    }

    private static func checkNotEmpty(_ condition: KeyCondition, _ schema: KeySchema) throws {
        guard condition.partition.byteCount > 0 else {
            throw DynamoDBError.validation(
                "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain "
                    + "an empty \(condition.partition.type == .binary ? "binary" : "string") value. "
                    + "Key: \(schema.partition)")
        }
    }

    private static func bounds(_ sort: KeyCondition.Sort?) -> (ItemRange.Bound?, ItemRange.Bound?) {
        switch sort {
        case nil: return (nil, nil)
        case .compare(let comparator, let value):
            let bytes = KeyEncoding.bytes(value) ?? []
            let inclusive = ItemRange.Bound(sort: bytes, isInclusive: true)
            let exclusive = ItemRange.Bound(sort: bytes, isInclusive: false)
            switch comparator {
            case .equal, .notEqual: return (inclusive, inclusive)
            case .less: return (nil, exclusive)
            case .lessOrEqual: return (nil, inclusive)
            case .greater: return (exclusive, nil)
            case .greaterOrEqual: return (inclusive, nil)
            }
        case .between(let low, let high):
            return (
                ItemRange.Bound(sort: KeyEncoding.bytes(low) ?? [], isInclusive: true),
                ItemRange.Bound(sort: KeyEncoding.bytes(high) ?? [], isInclusive: true)
            )
        case .beginsWith(let prefix):
            let bytes = KeyEncoding.bytes(prefix) ?? []
            let end = successor(of: bytes).map { ItemRange.Bound(sort: $0, isInclusive: false) }
            return (ItemRange.Bound(sort: bytes, isInclusive: true), end)
        }
    }

    /// The first bytes that sort after everything that begins with `prefix`; nil when nothing does.
    private static func successor(of prefix: [UInt8]) -> [UInt8]? {
        var bytes = prefix
        while let last = bytes.popLast() {
            if last < 0xFF { return bytes + [last + 1] }
        }
        return nil
    }

    private static func contains(_ sort: [UInt8], _ lower: ItemRange.Bound?, _ upper: ItemRange.Bound?) -> Bool {
        if let lower, sort.lexicographicallyPrecedes(lower.sort) || (sort == lower.sort && !lower.isInclusive) {
            return false
        }
        if let upper, upper.sort.lexicographicallyPrecedes(sort) || (sort == upper.sort && !upper.isInclusive) {
            return false
        }
        return true
    }
}

/// The constraints that queries and scans share.
enum ReadConstraints {
    static func add(_ input: Input, _ constraints: inout Constraints) throws {
        try TableName.check(input, &constraints)
        constraints.name(try input.string("IndexName"), "indexName")
        constraints.choice(
            try input.string("Select"), "select",
            ["SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"])
        constraints.value(try input.integer("Limit"), "limit", 1...Int.max)
        try WriteConstraints.addChoices(input, &constraints)
        if let count = try input.list("AttributesToGet")?.count {
            constraints.count(count, "[]", "attributesToGet", 1...Int.max)
        }
    }

    static func consistency(_ input: Input, _ source: ReadSource) throws -> Bool {
        let isConsistent = try input.bool("ConsistentRead") ?? false
        guard !isConsistent || source.index?.kind != .global else {
            throw DynamoDBError.validation("Consistent reads are not supported on global secondary indexes")
        }
        return isConsistent
    }
}
