/// One write of one item, checked against its table's definition; decides, then acts within the store's transaction.
struct ItemWrite: Sendable {
    enum Change: Sendable {
        case put(Item)
        case update(Update)
        case delete
        /// Of a transaction: only the condition matters.
        case check
    }

    /// What the authorizer has agreed to.
    struct Approval: Sendable {
        var action: String
        /// Values of partition keys of indexes.
        var indexKeys: Set<AttributeValue>
    }

    struct Outcome: Sendable {
        var old: Item?
        var new: Item?
        var isChange: Bool { old != new }
    }

    let table: OpenTable
    let key: Item
    let place: ItemKey
    let change: Change
    var condition: Condition?
    var returnsOldOnFailure = false
    var conditionFailure: DynamoDBError?
    /// Nil for a change that can't make an index key which the request doesn't show.
    var approval: Approval?

    /// `key` must be the table's key attributes, checked by `KeyRules`.
    init(
        _ table: OpenTable, key: Item, _ change: Change, condition: Condition? = nil, returnsOldOnFailure: Bool = false
    ) throws {
        self.table = table
        self.key = key
        place = try table.place(of: key)
        self.change = change
        self.condition = condition
        self.returnsOldOnFailure = returnsOldOnFailure
    }

    /// Reads, decides, writes. Throws what the condition or the update finds wrong; nothing is written then.
    func perform(_ writer: any StorageWriter) throws -> Outcome {
        let outcome = try decide(try table.item(at: place, writer))
        try apply(outcome, writer)
        return outcome
    }

    func decide(_ old: Item?) throws -> Outcome {
        if let condition, !condition.isMet(by: old ?? [:]) {
            throw conditionFailure ?? DynamoDBError.conditionFailed(returnsOldOnFailure ? old : nil)
        }
        switch change {
        case .put(let item): return Outcome(old: old, new: item)
        case .delete: return Outcome(old: old, new: nil)
        case .check: return Outcome(old: old, new: old)
        case .update(let update): return Outcome(old: old, new: try updated(old, update))
        }
    }

    func apply(_ outcome: Outcome, _ writer: any StorageWriter) throws {
        if case .check = change { return }
        if let new = outcome.new {
            try table.put(new, at: place, writer)
        } else if outcome.old != nil {
            try table.delete(at: place, writer)
        }
    }

    private func updated(_ old: Item?, _ update: Update) throws -> Item? {
        let new = try update.apply(to: old ?? key)
        // Removing from an item that isn't there doesn't make it.
        if old == nil, !update.actions.isEmpty, update.actions.allSatisfy(\.onlyRemoves) { return nil }
        guard new.byteCount <= DynamoDBLimits.itemBytesMax else {
            throw DynamoDBError.validation("Item size to update has exceeded the maximum allowed size")
        }
        guard new.values.allSatisfy({ $0.nestingDepth <= DynamoDBLimits.nestingMax }) else {
            throw AttributeValueCoding.nestingTooDeep
        }
        try KeyRules.checkIndexes(new, table.definition)
        try checkApproved(new, old)
        return new
    }

    /// An update can compute an index's key from the item; then the authorizer is asked with the value.
    private func checkApproved(_ new: Item, _ old: Item?) throws {
        guard let approval else { return }
        let values = table.definition.indexPartitionNames.compactMap { name in
            new[name] == old?[name] ? nil : new[name]
        }
        let unknown = values.filter { !approval.indexKeys.contains($0) }
        guard !unknown.isEmpty else { return }
        throw UnapprovedIndexKeys(
            table: table.stored, action: approval.action, partition: key[table.definition.schema.partition],
            keys: unknown)
    }
}

/// A write would give an index a key that the authorizer hasn't seen. Nothing was written.
struct UnapprovedIndexKeys: Error {
    var table: StoredTable
    var action: String
    var partition: AttributeValue?
    var keys: [AttributeValue]
}

extension Update.Action {
    var onlyRemoves: Bool {
        switch self {
        case .remove, .delete: true
        case .set, .add: false
        }
    }
}
