import CloisterServiceKit
import Crypto

extension DynamoDBService {
    // MARK: TransactWriteItems

    func transactWriteItems(_ call: DynamoDBCall) async throws -> JSON {
        let input = call.input
        let elements = try TransactionInput.actions(input)
        let token = try input.string("ClientRequestToken")
        let parsed = try elements.map { try TransactionInput.write($0, call) }
        return try await transact(
            parsed, call, token: token, digest: TransactionInput.digest(call),
            capacityMode: try input.string("ReturnConsumedCapacity"), metricsFrom: input)
    }

    /// Writes all or nothing. The same token with the same digest is answered again without a second write.
    func transact(
        _ parsed: [WriteInput], _ call: DynamoDBCall, token: String?, digest: [UInt8], capacityMode: String?,
        metricsFrom input: Input, actions: [String]? = nil
    ) async throws -> JSON {
        guard parsed.reduce(0, { $0 + $1.item.byteCount }) <= DynamoDBLimits.transactionBytesMax else {
            throw DynamoDBError.validation("Transaction size exceeds the limit of 4 MB")
        }
        let actions = actions ?? parsed.map(TransactionInput.action)
        let tables = try await openTables(parsed, call, actions)
        let writes = try TransactionInput.check(parsed, actions, tables, call)
        let (now, scope) = (now(), call.scope)
        let outcomes = try await write(Array(tables.values)) { writer -> [ItemWrite.Outcome] in
            if let token {
                let since = now - DynamoDBLimits.idempotencyMilliseconds
                if let known = try writer.rememberedRequest(token, in: scope, since: since) {
                    guard known == digest else { throw TransactionInput.mismatch }
                    return []
                }
                try writer.remember(digest, token: token, in: scope, at: now, since: since)
            }
            return try TransactionInput.perform(writes, writer)
        }
        return JSON.members([
            "ConsumedCapacity": capacities(writes, outcomes, capacityMode, isTransaction: true),
            "ItemCollectionMetrics": try BatchInput.collectionMetrics(input, writes),
        ])
    }

    private func openTables(
        _ parsed: [WriteInput], _ call: DynamoDBCall, _ actions: [String]
    ) async throws -> [String: OpenTable] {
        var tables: [String: OpenTable] = [:]
        var stored: [String: StoredTable] = [:]
        // Every action is authorized before any key is used.
        for (write, action) in zip(parsed, actions) {
            stored[write.tableName] = try await authorizedTable(write.tableName, action, call) { definition in
                var conditions = write.access(definition)
                conditions.enclosingOperation = call.operation
                return conditions
            }
        }
        for (name, table) in stored { tables[name] = try await open(table, for: call.caller) }
        return tables
    }

    // MARK: TransactGetItems

    func transactGetItems(_ call: DynamoDBCall) async throws -> JSON {
        let elements = try TransactionInput.actions(call.input)
        let gets = try elements.map { element in
            guard let get = try element.structure("Get", shape: "Get") else {
                throw DynamoDBError.validation("TransactItems can only contain Get")
            }
            try WriteConstraints.check(get, needs: "Key")
            return try GetInput(get, call)
        }
        return try await transactGet(gets, call, capacityMode: try call.input.string("ReturnConsumedCapacity"))
    }

    func transactGet(
        _ gets: [GetInput], _ call: DynamoDBCall, capacityMode: String?, action: String = "GetItem"
    ) async throws -> JSON {
        var stored: [String: StoredTable] = [:]
        for get in gets {
            stored[get.tableName] = try await authorizedTable(get.tableName, action, call) { definition in
                var conditions = get.access(definition)
                conditions.enclosingOperation = call.operation
                return conditions
            }
        }
        var tables: [String: OpenTable] = [:]
        for (name, table) in stored { tables[name] = try await open(table, for: call.caller) }
        let reads = try TransactionInput.check(gets, tables)
        guard Set(reads.map(\.place.asKey)).count == reads.count else { throw TransactionInput.duplicates }
        let items = try await storage.read { reader in try reads.map { try $0.table.item(at: $0.place.key, reader) } }
        let responses = zip(gets, items).map { get, item in
            JSON.members(["Item": item.map { AttributeValueCoding.json(get.select($0)) }])
        }
        let capacities = stored.values.sorted { $0.id < $1.id }.compactMap { table in
            var capacity = ConsumedCapacity(table.definition, .read, isTransaction: true)
            for (read, item) in zip(reads, items) where read.table.id == table.id {
                capacity.addRead(bytes: item?.byteCount ?? 0, isConsistent: true)
            }
            return capacity.json(capacityMode)
        }
        return JSON.members([
            "Responses": .array(responses), "ConsumedCapacity": capacities.isEmpty ? nil : .array(capacities),
        ])
    }
}

/// The rules of transactions.
enum TransactionInput {
    struct Read: Sendable {
        struct Place: Sendable {
            var table: Int64
            var key: ItemKey
            var asKey: [UInt8] { Array("\(table):\(key.partition.count):".utf8) + key.partition + key.sort }
        }

        var table: OpenTable
        var place: Place
    }

    static let duplicates = DynamoDBError.validation(
        "Transaction request cannot include multiple operations on one item")

    static let mismatch = DynamoDBError(
        "IdempotentParameterMismatchException",
        "Request parameters do not match the parameters of an earlier request with the same token")

    static func actions(_ input: Input) throws -> [Input] {
        var constraints = Constraints()
        let elements = try input.structures("TransactItems", shape: "TransactWriteItem")
        constraints.require(elements != nil, "transactItems")
        constraints.count(elements?.count, "[...]", "transactItems", 1...DynamoDBLimits.transactionActionsMax)
        constraints.length(try input.string("ClientRequestToken"), "clientRequestToken", 1...36)
        try WriteConstraints.addChoices(input, &constraints)
        try constraints.check()
        return elements ?? []
    }

    static func write(_ element: Input, _ call: DynamoDBCall) throws -> WriteInput {
        let kinds: [(Text, WriteInput.Kind, Text)] = [
            ("ConditionCheck", .check, "Key"), ("Put", .put, "Item"), ("Update", .update, "Key"),
            ("Delete", .delete, "Key"),
        ]
        let present = kinds.filter { element.has($0.0) }
        guard present.count == 1, let (name, kind, needed) = present.first,
            let request = try element.structure(name, shape: name.string)
        else {
            throw DynamoDBError.validation("TransactItems can only contain one of Check, Put, Update or Delete")
        }
        var constraints = Constraints()
        if kind == .update { constraints.require(request.has("UpdateExpression"), "updateExpression") }
        if kind == .check { constraints.require(request.has("ConditionExpression"), "conditionExpression") }
        try constraints.check()
        try WriteConstraints.check(request, needs: needed)
        return try WriteInput(request, kind, call)
    }

    static func action(_ write: WriteInput) -> String {
        switch write.kind {
        case .put: "PutItem"
        case .update: "UpdateItem"
        case .delete: "DeleteItem"
        case .check: "ConditionCheckItem"
        }
    }

    /// The same request gives the same digest, whatever the order of members; another principal's doesn't.
    static func digest(_ call: DynamoDBCall) -> [UInt8] {
        let items = call.input["TransactItems"] ?? call.input["TransactStatements"] ?? .null
        let text = Array("\(call.operation)\n\(call.caller.principalARN)\n".utf8)
        return Array(SHA256.hash(data: text + items.canonical.bytes))
    }

    /// What is wrong with an item against its table cancels the transaction, with the reason at its place.
    static func check(
        _ parsed: [WriteInput], _ actions: [String], _ tables: [String: OpenTable], _ call: DynamoDBCall
    ) throws -> [ItemWrite] {
        let writes = try collect(Array(zip(parsed, actions))) { write, action in
            guard let table = tables[write.tableName] else { throw DynamoDBError.tableNotFound }
            return try write.write(table, call, action: action)
        }
        let places = writes.map { Read.Place(table: $0.table.id, key: $0.place).asKey }
        guard Set(places).count == places.count else { throw duplicates }
        return writes
    }

    static func check(_ gets: [GetInput], _ tables: [String: OpenTable]) throws -> [Read] {
        try collect(gets) { get in
            guard let table = tables[get.tableName] else { throw DynamoDBError.tableNotFound }
            return Read(table: table, place: Read.Place(table: table.id, key: try get.place(table)))
        }
    }

    static func perform(_ writes: [ItemWrite], _ writer: any StorageWriter) throws -> [ItemWrite.Outcome] {
        let outcomes = try collect(writes) { try $0.decide(try $0.table.item(at: $0.place, writer)) }
        for (write, outcome) in zip(writes, outcomes) { try write.apply(outcome, writer) }
        return outcomes
    }

    /// All results, or TransactionCanceledException with a reason for every element.
    private static func collect<Element, Output>(
        _ elements: [Element], _ one: (Element) throws -> Output
    ) throws -> [Output] {
        var outputs: [Output] = []
        var reasons: [DynamoDBError?] = []
        for element in elements {
            do {
                outputs.append(try one(element))
                reasons.append(nil)
            } catch {
                let reason = DynamoDBError.from(error)
                guard codes[reason.code] != nil else { throw error }
                reasons.append(reason)
            }
        }
        guard outputs.count == elements.count else { throw canceled(reasons) }
        return outputs
    }

    private static let codes = [
        "ConditionalCheckFailedException": "ConditionalCheckFailed", "ValidationException": "ValidationError",
        "DuplicateItemException": "DuplicateItem",
    ]

    private static func canceled(_ reasons: [DynamoDBError?]) -> DynamoDBError {
        let names = reasons.map { $0.flatMap { codes[$0.code] } ?? "None" }
        let list = zip(names, reasons).map { name, reason in
            JSON.members([
                "Code": .text(name), "Message": reason.map { .text($0.message) },
                "Item": reason?.members.first { $0.name == "Item" }?.value,
            ])
        }
        return DynamoDBError(
            "TransactionCanceledException",
            "Transaction cancelled, please refer cancellation reasons for specific reasons "
                + "[\(names.joined(separator: ", "))]",
            members: [JSON.Member(name: "CancellationReasons", value: .array(list))])
    }
}

extension JSON {
    /// The same value with members in the order of their names.
    var canonical: JSON {
        switch self {
        case .array(let elements): .array(elements.map(\.canonical))
        case .object(let members):
            .object(
                members.map { JSON.Member(name: $0.name, value: $0.value.canonical) }.sorted { $0.name < $1.name })
        default: self
        }
    }
}
