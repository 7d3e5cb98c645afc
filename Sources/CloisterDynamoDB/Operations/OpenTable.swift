import CloisterServiceKit

/// A table with its data key: turns items into what the store keeps, and back.
struct OpenTable: Sendable {
    let stored: StoredTable
    let key: TableKey

    var id: Int64 { stored.id }
    var definition: TableDefinition { stored.definition }
    var name: String { stored.definition.name }
    private var indexIDs: [Int64] { definition.indexes.map(\.id) }

    /// The place of an item that was checked by `KeyRules`.
    func place(of item: Item) throws -> ItemKey {
        guard let place = ItemKey(of: item, schema: definition.schema) else { throw DynamoDBError.keyMismatch }
        return place
    }

    func item(_ stored: StoredItem) throws -> Item {
        guard let item = ItemCodec.decode(try key.open(stored.body, at: stored.key)) else {
            throw StorageError(.corrupt, "an item can't be read")
        }
        return item
    }

    func item(at place: ItemKey, _ reader: any StorageReader) throws -> Item? {
        try reader.item(place, inTable: id).map(item)
    }

    func put(_ item: Item, at place: ItemKey, _ writer: any StorageWriter) throws {
        let body = try key.seal(ItemCodec.encode(item), at: place)
        try writer.put(
            StoredItem(key: place, body: body, bytes: item.byteCount), inTable: id, indexes: indexIDs,
            entries: entries(of: item), expiresAt: expiry(of: item))
    }

    func delete(at place: ItemKey, _ writer: any StorageWriter) throws {
        try writer.deleteItem(place, inTable: id, indexes: indexIDs)
    }

    /// Only items with all of an index's key attributes, of the right types, are in it.
    func entries(of item: Item) -> [IndexEntry] {
        definition.indexes.compactMap { index in
            guard index.schema.names.allSatisfy({ isKey(item[$0], $0) }) else { return nil }
            return ItemKey(of: item, schema: index.schema).map {
                IndexEntry(index: index.id, key: $0, bytes: view(of: item, in: index).byteCount)
            }
        }
    }

    /// An index that is made later meets items that were never checked against it.
    private func isKey(_ value: AttributeValue?, _ name: Text) -> Bool {
        guard let value, value.type == definition.type(of: name) else { return false }
        return (1...DynamoDBLimits.sortKeyBytesMax * 2).contains(value.byteCount)
    }

    /// What an index holds of an item.
    func view(of item: Item, in index: IndexDefinition) -> Item {
        guard index.projection != .all else { return item }
        let names = Set(definition.schema.names + index.schema.names + index.nonKeyAttributes)
        return item.filter { names.contains($0.key) }
    }

    /// Seconds since 1970; nil without time to live.
    func expiry(of item: Item) -> Int64? {
        guard let name = definition.timeToLiveAttribute, case .number(let number) = item[name] else { return nil }
        return Int64(number.description.split(separator: ".").first.map(String.init) ?? "")
    }

    /// Throws `StaleTable` when the table was changed or is gone.
    func checkCurrent(_ reader: any StorageReader) throws {
        guard try reader.revision(ofTable: id) == stored.revision else { throw StaleTable() }
    }
}

extension DynamoDBService {
    func table(_ name: String, _ call: DynamoDBCall) async throws -> StoredTable? {
        try await catalog.table(name, in: call.scope)
    }

    /// Unwraps the table's data key; throws when its KMS key doesn't let it.
    func open(_ table: StoredTable, for caller: Caller) async throws -> OpenTable {
        do throws(ServiceError) {
            let key = try await keys.decrypt(
                table.definition.encryption.wrappedKey, context: DynamoDBService.keyContext(table), for: caller)
            return OpenTable(stored: table, key: TableKey(key, table: table.definition.identifier))
        } catch {
            throw DynamoDBError.keyUnavailable(error)
        }
    }

    /// As DynamoDB has it in its own calls of KMS.
    static func keyContext(_ table: StoredTable) -> [String: String] {
        keyContext(name: table.definition.name, scope: table.scope)
    }

    static func keyContext(name: String, scope: TableScope) -> [String: String] {
        ["aws:dynamodb:tableName": name, "aws:dynamodb:subscriberId": scope.account]
    }

    /// One write over checked tables.
    func write<Output: Sendable>(
        _ tables: [OpenTable], _ body: @escaping @Sendable (any StorageWriter) throws -> Output
    ) async throws -> Output {
        try await storage.write { writer in
            for table in tables { try table.checkCurrent(writer) }
            return try body(writer)
        }
    }
}
