extension DynamoDBService {
    // MARK: ExecuteStatement

    func executeStatement(_ call: DynamoDBCall) async throws -> JSON {
        let input = call.input
        var constraints = Constraints()
        try StatementInput.addConstraints(input, "", &constraints)
        constraints.value(try input.integer("Limit"), "limit", 1...Int.max)
        constraints.length(try input.string("NextToken"), "nextToken", 1...32_768)
        try WriteConstraints.addChoices(input, &constraints)
        try constraints.check()
        let statement = try StatementInput(input, call)
        let mode = try input.string("ReturnConsumedCapacity")
        if case .select(let select) = statement.parsed {
            let page = try await self.select(select, statement, call)
            return page
        }
        let (outcome, capacity) = try await execute(statement, call)
        guard case .change(let change) = statement.parsed, let returning = change.returning else {
            return JSON.members(["Items": [], "ConsumedCapacity": capacity.json(mode)])
        }
        let returned = DynamoDBService.attributes(returning, outcome, change.update)
        return JSON.members([
            "Items": .array(returned.map { [$0] } ?? []), "ConsumedCapacity": capacity.json(mode),
        ])
    }

    private func execute(
        _ statement: StatementInput, _ call: DynamoDBCall
    ) async throws -> (ItemWrite.Outcome, ConsumedCapacity) {
        if case .exists = statement.parsed {
            throw DynamoDBError.validation("EXISTS can only be used in ExecuteTransaction")
        }
        let write = try await writeInput(statement, call)
        let stored = try await authorizedTable(write.tableName, statement.parsed.action, call) { write.access($0) }
        let table = try await open(stored, for: call.caller)
        let itemWrite = try write.write(table, call, action: statement.parsed.action)
        let outcome = try await self.write([table]) { try itemWrite.perform($0) }
        var capacity = ConsumedCapacity(stored.definition, .write)
        capacity.addWrite(outcome, table)
        return (outcome, capacity)
    }

    /// The statement needs the table's schema to become a write; without a table only the permission is checked.
    private func writeInput(_ statement: StatementInput, _ call: DynamoDBCall) async throws -> WriteInput {
        let definition = try await definition(statement, call)
        return try PartiQLWrite.input(
            statement.parsed, definition, returnsOldOnFailure: statement.returnsOldOnFailure)
    }

    private func definition(_ statement: StatementInput, _ call: DynamoDBCall) async throws -> TableDefinition {
        let name = try TableName.read(statement.parsed.table, call: call)
        guard let stored = try await table(name, call) else {
            try await authorize(statement.parsed.action, call.tableARN(name), for: call)
            throw DynamoDBError.tableNotFound
        }
        return stored.definition
    }

    // MARK: SELECT

    private func select(
        _ select: PartiQLStatement.Select, _ statement: StatementInput, _ call: DynamoDBCall
    ) async throws -> JSON {
        let read = try PartiQLRead(select, try await definition(statement, call))
        let stored = try await authorizedTable(
            select.table, index: select.index, statement.parsed.action, call) { _ in read.access }
        var position = PartiQLPosition()
        if let token = try call.input.string("NextToken") {
            position = try PartiQLPosition(token: token, statement: statement.text)
        }
        let isConsistent = try ReadConstraints.consistency(call.input, read.source)
        let table = try await open(stored, for: call.caller)
        let limit = try call.input.integer("Limit")
        let mode = try call.input.string("ReturnConsumedCapacity")
        let (page, next) = try await pages(read, table, from: position, limit: limit)
        var capacity = ConsumedCapacity(table.definition, .read)
        capacity.addRead(bytes: page.bytes, isConsistent: isConsistent, index: select.index)
        return JSON.members([
            "Items": .array(page.items.map { AttributeValueCoding.json($0) }),
            "NextToken": next.map { .text($0.token(statement: statement.text)) },
            "LastEvaluatedKey": page.lastKey.map { AttributeValueCoding.json($0) },
            "ConsumedCapacity": capacity.json(mode),
        ])
    }

    /// One partition after another until the page is full.
    private func pages(
        _ read: PartiQLRead, _ table: OpenTable, from start: PartiQLPosition, limit: Int?
    ) async throws -> (PageReader.Page, PartiQLPosition?) {
        let selection = try ReadSelection(
            Input(members: []), projection: read.select.projection, filter: read.select.condition,
            source: read.source)
        var all = PageReader.Page()
        var position = start
        let parts = read.partitions?.count ?? 1
        while position.part < parts {
            let range = try read.range(part: position.part, startKey: position.startKey)
            let reader = PageReader(
                table: table, source: read.source, selection: selection, range: range,
                limit: limit.map { $0 - all.scannedCount })
            let page = try await storage.read { try reader.read($0) }
            all.items += page.items
            all.scannedCount += page.scannedCount
            all.bytes += page.bytes
            if let last = page.lastKey {
                all.lastKey = last
                return (all, PartiQLPosition(part: position.part, startKey: last))
            }
            position = PartiQLPosition(part: position.part + 1)
        }
        return (all, nil)
    }

    // MARK: BatchExecuteStatement

    func batchExecuteStatement(_ call: DynamoDBCall) async throws -> JSON {
        let statements = try StatementInput.all(call, "Statements", max: DynamoDBLimits.batchStatementsMax)
        try StatementInput.checkUniform(statements)
        var responses: [JSON] = []
        for statement in statements {
            do {
                // Anew for this statement alone: the ones before it have happened.
                responses.append(try await retrying(call) { try await batchResponse(statement, $0) })
            } catch {
                responses.append(StatementInput.errorResponse(DynamoDBError.from(error), statement))
            }
        }
        return ["Responses": .array(responses)]
    }

    private func batchResponse(_ statement: StatementInput, _ call: DynamoDBCall) async throws -> JSON {
        let name: JSON = .text(statement.parsed.table)
        guard case .select(let select) = statement.parsed else {
            _ = try await execute(statement, call)
            return ["TableName": name]
        }
        let get = try PartiQLWrite.get(
            select, try await definition(statement, call),
            where: "Select statements within BatchExecuteStatement must specify the primary key in the where clause.")
        let stored = try await authorizedTable(get.tableName, statement.parsed.action, call) { get.access($0) }
        let table = try await open(stored, for: call.caller)
        let place = try get.place(table)
        let item = try await storage.read { try table.item(at: place, $0) }
        return JSON.members(["TableName": name, "Item": item.map { AttributeValueCoding.json(get.select($0)) }])
    }

    // MARK: ExecuteTransaction

    func executeTransaction(_ call: DynamoDBCall) async throws -> JSON {
        let statements = try StatementInput.all(
            call, "TransactStatements", max: DynamoDBLimits.transactionActionsMax)
        try StatementInput.checkUniform(statements)
        let mode = try call.input.string("ReturnConsumedCapacity")
        if statements.first?.parsed.isRead == true {
            var gets: [GetInput] = []
            for statement in statements {
                guard case .select(let select) = statement.parsed else { continue }
                gets.append(
                    try PartiQLWrite.get(
                        select, try await definition(statement, call),
                        where: "Select statements within ExecuteTransaction must specify the primary key "
                            + "in the where clause."))
            }
            return try await transactGet(gets, call, capacityMode: mode, action: "PartiQLSelect")
        }
        var writes: [WriteInput] = []
        for statement in statements { writes.append(try await writeInput(statement, call)) }
        let answer = try await transact(
            writes, call, token: try call.input.string("ClientRequestToken"), digest: TransactionInput.digest(call),
            capacityMode: mode, metricsFrom: call.input, actions: statements.map(\.parsed.action))
        return JSON.members([
            "Responses": .array(statements.map { _ in [:] }), "ConsumedCapacity": answer["ConsumedCapacity"],
        ])
    }
}

/// A statement of a request, with its parameters.
struct StatementInput: Sendable {
    let text: String
    let parsed: PartiQLStatement
    let returnsOldOnFailure: Bool

    init(_ input: Input, _ call: DynamoDBCall) throws {
        text = try input.string("Statement") ?? ""
        let parameters = try input.list("Parameters")?.map { try AttributeValueCoding.value($0) } ?? []
        parsed = try PartiQLParser.parse(text, parameters: parameters)
        returnsOldOnFailure = try input.string("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
        guard try TableName.read(parsed.table, call: call) == parsed.table else {
            throw DynamoDBError.validation("A statement names its table by its name, not its ARN")
        }
    }

    static func addConstraints(_ input: Input, _ prefix: String, _ constraints: inout Constraints) throws {
        let text = try input.string("Statement")
        constraints.require(text != nil, prefix + "statement")
        constraints.length(text, prefix + "statement", 1...DynamoDBLimits.statementBytesMax)
        constraints.count(try input.list("Parameters")?.count, "[]", prefix + "parameters", 1...Int.max)
    }

    static func all(_ call: DynamoDBCall, _ member: Text, max: Int) throws -> [StatementInput] {
        var constraints = Constraints()
        let elements = try call.input.structures(member, shape: "ParameterizedStatement")
        let name = member.string.prefix(1).lowercased() + member.string.dropFirst()
        constraints.require(elements != nil, name)
        constraints.count(elements?.count, "[...]", name, 1...max)
        for (index, element) in (elements ?? []).enumerated() {
            try addConstraints(element, "\(name).\(index + 1).member.", &constraints)
        }
        try WriteConstraints.addChoices(call.input, &constraints)
        constraints.length(try call.input.string("ClientRequestToken"), "clientRequestToken", 1...36)
        try constraints.check()
        return try (elements ?? []).map { try StatementInput($0, call) }
    }

    static func checkUniform(_ statements: [StatementInput]) throws {
        guard Set(statements.map(\.parsed.isRead)).count <= 1 else {
            throw DynamoDBError.validation("Batch or transaction cannot contain both read and write operations")
        }
    }

    /// A failed statement of a batch: the others are carried out all the same.
    static func errorResponse(_ error: DynamoDBError, _ statement: StatementInput) -> JSON {
        let codes = [
            "ConditionalCheckFailedException": "ConditionalCheckFailed", "ValidationException": "ValidationError",
            "ResourceNotFoundException": "ResourceNotFound", "AccessDeniedException": "AccessDenied",
            "DuplicateItemException": "DuplicateItem",
        ]
        let item = error.members.first { $0.name == "Item" }?.value
        return [
            "Error": JSON.members([
                "Code": .text(codes[error.code] ?? "InternalServerError"), "Message": .text(error.message),
                "Item": item,
            ]),
            "TableName": .text(statement.parsed.table),
        ]
    }
}
