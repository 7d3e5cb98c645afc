/// The parsed form of PutItem, UpdateItem, DeleteItem and of a transaction's actions, before the table is known.
struct WriteInput: Sendable {
    enum Kind: Sendable { case put, update, delete, check }

    let kind: Kind
    let tableName: String
    /// The whole item of a put, else the key.
    let item: Item
    let update: Update?
    let condition: Condition?
    let returnsOldOnFailure: Bool
    /// What a condition that isn't met is called, where it has a name of its own.
    var conditionFailure: DynamoDBError?

    init(
        _ kind: Kind, tableName: String, item: Item, update: Update? = nil, condition: Condition? = nil,
        returnsOldOnFailure: Bool = false, conditionFailure: DynamoDBError? = nil
    ) {
        self.kind = kind
        self.tableName = tableName
        self.item = item
        self.update = update
        self.condition = condition
        self.returnsOldOnFailure = returnsOldOnFailure
        self.conditionFailure = conditionFailure
    }

    /// The constraints of the model must hold already.
    init(_ input: Input, _ kind: Kind, _ call: DynamoDBCall) throws {
        self.kind = kind
        let parameters: ExpressionParameters = kind == .update ? .update : .put
        item = try input.item(kind == .put ? "Item" : "Key") ?? [:]
        var variables = try ExpressionInput.variables(input, parameters)
        update = kind == .update ? try WriteInput.update(input, &variables) : nil
        condition = try ExpressionInput.condition(input, &variables)
        try variables.checkUse()
        if kind == .put { try WriteInput.check(item) }
        returnsOldOnFailure = try input.string("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
        tableName = try TableName.read(input.string("TableName"), call: call)
    }

    static func check(_ item: Item) throws {
        for name in item.keys {
            guard name.byteCount <= DynamoDBLimits.attributeNameBytesMax else {
                throw DynamoDBError.invalidParameter("Attribute name is too large, must be less than 65536 bytes")
            }
        }
        try KeyRules.checkSize(item)
    }

    private static func update(_ input: Input, _ variables: inout ExpressionVariables) throws -> Update {
        if let text = try input.string("UpdateExpression") {
            return try UpdateParser.parse(text, variables: &variables)
        }
        return try LegacyUpdates.update(try input.map("AttributeUpdates") ?? [])
    }

    /// What IAM may look at.
    func access(_ definition: TableDefinition?) -> AccessConditions {
        var conditions = AccessConditions()
        if let value = definition.flatMap({ item[$0.schema.partition] }) { conditions.leadingKeys = [value] }
        conditions.attributes = Set(item.keys)
            .union(update?.attributes ?? []).union(condition?.attributes ?? [])
        conditions.indexKeys = definition.map(indexKeys) ?? []
        return conditions
    }

    /// What the write gives to partition keys of indexes, as far as the request says it.
    private func indexKeys(_ definition: TableDefinition) -> [AttributeValue] {
        let names = definition.indexPartitionNames
        guard let update else { return kind == .put ? names.compactMap { item[$0] } : [] }
        return update.actions.compactMap { action in
            guard case .set(let path, .value(let value)) = action, path.isTopLevel, names.contains(path.attribute)
            else { return nil }
            return value
        }
    }

    /// Checks the item or the key against the table.
    func write(_ table: OpenTable, _ call: DynamoDBCall, action: String) throws -> ItemWrite {
        let definition = table.definition
        let key: Item
        let change: ItemWrite.Change
        switch kind {
        case .put:
            try KeyRules.check(item: item, definition)
            key = item.filter { definition.schema.names.contains($0.key) }
            change = .put(item)
        case .update:
            try KeyRules.check(key: item, definition)
            let update = update ?? Update(actions: [])
            try WriteInput.checkKeyUnchanged(update, definition)
            key = item
            change = .update(update)
        case .delete, .check:
            try KeyRules.check(key: item, definition)
            key = item
            change = kind == .delete ? .delete : .check
        }
        var write = try ItemWrite(
            table, key: key, change, condition: condition, returnsOldOnFailure: returnsOldOnFailure)
        write.conditionFailure = conditionFailure
        write.approval = ItemWrite.Approval(
            action: action, indexKeys: call.approvedIndexKeys.union(indexKeys(definition)))
        return write
    }

    private static func checkKeyUnchanged(_ update: Update, _ definition: TableDefinition) throws {
        for path in update.paths where definition.schema.names.contains(path.attribute) {
            throw DynamoDBError.invalidParameter(
                "Cannot update attribute \(path.attribute). This attribute is part of the key")
        }
    }
}

/// The constraints that item operations share.
enum WriteConstraints {
    static let returnValues = ["ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW"]
    static let consumedCapacity = ["INDEXES", "TOTAL", "NONE"]

    static func check(_ input: Input, needs member: Text) throws {
        var constraints = Constraints()
        try TableName.check(input, &constraints)
        let lower = member.string.prefix(1).lowercased() + member.string.dropFirst()
        constraints.require(input.has(member), lower)
        try addChoices(input, &constraints)
        try constraints.check()
    }

    static func addChoices(_ input: Input, _ constraints: inout Constraints) throws {
        constraints.choice(try input.string("ReturnConsumedCapacity"), "returnConsumedCapacity", consumedCapacity)
        constraints.choice(try input.string("ReturnValues"), "returnValues", returnValues)
        constraints.choice(
            try input.string("ReturnItemCollectionMetrics"), "returnItemCollectionMetrics", ["SIZE", "NONE"])
        constraints.choice(try input.string("ConditionalOperator"), "conditionalOperator", ["OR", "AND"])
        constraints.choice(
            try input.string("ReturnValuesOnConditionCheckFailure"), "returnValuesOnConditionCheckFailure",
            ["ALL_OLD", "NONE"])
    }
}
