import CloisterServiceKit

extension DynamoDBService {
    func describeTable(_ call: DynamoDBCall) async throws -> JSON {
        let stored = try await named(call, "DescribeTable")
        return ["Table": try await description(stored)]
    }

    func description(_ table: StoredTable, status: TableDescription.Status = .active) async throws -> JSON {
        let counts = try await storage.read { try $0.counts(ofTable: table.id) }
        return TableDescription.json(table, counts, status: status)
    }

    func listTables(_ call: DynamoDBCall) async throws -> JSON {
        var constraints = Constraints()
        let limit = try call.input.integer("Limit")
        let start = try call.input.string("ExclusiveStartTableName")
        constraints.name(start, "exclusiveStartTableName")
        constraints.value(limit, "limit", 1...100)
        try constraints.check()
        try await authorize("ListTables", "*", for: call)
        let (scope, count) = (call.scope, limit ?? 100)
        let names = try await storage.read { try $0.tableNames(in: scope, after: start, limit: count + 1) }
        let page = names.prefix(count)
        return JSON.members([
            "TableNames": .array(page.map { .text($0) }),
            "LastEvaluatedTableName": names.count > count ? page.last.map { .text($0) } : nil,
        ])
    }

    func deleteTable(_ call: DynamoDBCall) async throws -> JSON {
        let stored = try await named(call, "DeleteTable")
        guard !stored.definition.isDeletionProtected else {
            throw DynamoDBError.validation(
                "Resource cannot be deleted as it is currently protected against deletion. "
                    + "Disable deletion protection first.")
        }
        let answer = try await description(stored, status: .deleting)
        try await storage.write { writer in
            guard try writer.revision(ofTable: stored.id) == stored.revision else { throw StaleTable() }
            try writer.delete(stored)
        }
        catalog.forgetAll()
        startRemovingDropped()
        return ["TableDescription": answer]
    }

    /// The table that `TableName` names, once the caller may do `action`.
    func named(_ call: DynamoDBCall, _ action: String) async throws -> StoredTable {
        var constraints = Constraints()
        try TableName.check(call.input, &constraints)
        try constraints.check()
        let name = try TableName.read(call.input.string("TableName"), call: call)
        let stored = try await table(name, call)
        var conditions = AccessConditions()
        conditions.resourceTags = stored?.definition.tags ?? []
        try await authorize(action, call.tableARN(name), conditions, for: call)
        guard let stored else { throw DynamoDBError.tableNotFound(name) }
        return stored
    }

    /// Keeps a changed definition; throws `StaleTable` when another change came first.
    func update(_ table: StoredTable) async throws {
        try await storage.write { writer in
            guard try writer.revision(ofTable: table.id) == table.revision else { throw StaleTable() }
            try writer.update(table)
        }
        catalog.forgetAll()
    }

    // MARK: Limits and endpoints

    func describeLimits(_ call: DynamoDBCall) async throws -> JSON {
        try await authorize("DescribeLimits", "*", for: call)
        return [
            "AccountMaxReadCapacityUnits": 80_000, "AccountMaxWriteCapacityUnits": 80_000,
            "TableMaxReadCapacityUnits": 40_000, "TableMaxWriteCapacityUnits": 40_000,
        ]
    }

    /// The endpoint that the client uses already; it isn't asked for by clients that were given one.
    func describeEndpoints(_ call: DynamoDBCall) async throws -> JSON {
        try await authorize("DescribeEndpoints", "*", for: call)
        return [
            "Endpoints": [
                ["Address": .text("dynamodb.\(call.caller.region).amazonaws.com"), "CachePeriodInMinutes": 1_440]
            ]
        ]
    }
}
