extension DynamoDBService {
    func scan(_ call: DynamoDBCall) async throws -> JSON {
        let input = call.input
        let (segment, total) = try DynamoDBService.segments(input)
        try ReadSelection.check(input)
        var variables = try ExpressionInput.variables(input, .scan)
        let filter = try ExpressionInput.filter(input, legacy: "ScanFilter", &variables)
        let projection = try ExpressionInput.projection(input, &variables)
        try variables.checkUse()
        let startKey = try input.item("ExclusiveStartKey")
        let indexName = try input.string("IndexName")
        let select = try ReadSelection.access(input, hasProjection: projection != nil)
        let stored = try await authorizedTable(
            try TableName.read(input.string("TableName"), call: call), index: indexName, "Scan", call
        ) { _ in
            var conditions = AccessConditions()
            conditions.select = select
            conditions.attributes = (filter?.attributes ?? []).union(projection?.paths.map(\.attribute) ?? [])
                .union(startKey.map { Set($0.keys) } ?? [])
            return conditions
        }
        let source = try ReadSource(stored.definition, indexName: indexName)
        let isConsistent = try ReadConstraints.consistency(input, source)
        let selection = try ReadSelection(input, projection: projection, filter: filter, source: source)
        var range = ItemRange(extent: ItemRange.segment(segment, of: total))
        if let startKey {
            let position = try source.position(startKey)
            guard ItemRange.segment(of: position.key.partition, total: total) == segment else {
                throw DynamoDBError.validation(
                    "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey "
                        + "with correct Segment. TotalSegments: \(total) Segment: \(segment)")
            }
            range.after = position
        }
        let table = try await open(stored, for: call.caller)
        let reader = PageReader(
            table: table, source: source, selection: selection, range: range, limit: try input.integer("Limit"))
        let page = try await storage.read { try reader.read($0) }
        return reader.response(
            page, isConsistent: isConsistent, capacityMode: try input.string("ReturnConsumedCapacity"))
    }

    private static func segments(_ input: Input) throws -> (segment: Int, total: Int) {
        let segment = try input.integer("Segment")
        let total = try input.integer("TotalSegments")
        var constraints = Constraints()
        try ReadConstraints.add(input, &constraints)
        constraints.value(total, "totalSegments", 1...1_000_000)
        constraints.value(segment, "segment", 0...999_999)
        try constraints.check()
        switch (segment, total) {
        case (nil, nil): return (0, 1)
        case (nil, _):
            throw DynamoDBError.validation(
                "The Segment parameter is required but was not present in the request "
                    + "when parameter TotalSegments is present")
        case (_, nil):
            throw DynamoDBError.validation(
                "The TotalSegments parameter is required but was not present in the request "
                    + "when Segment parameter is present")
        case (let segment?, let total?):
            guard segment < total else {
                throw DynamoDBError.validation(
                    "The Segment parameter is zero-based and must be less than parameter TotalSegments: "
                        + "Segment: \(segment) is not less than TotalSegments: \(total)")
            }
            return (segment, total)
        }
    }
}
