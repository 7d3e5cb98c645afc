/// Tables and items at rest. Every driver passes the same contract suite (`StorageContract` in the tests).
///
/// A driver sees no plaintext but keys: an item's body comes encrypted.
protocol Storage: Sendable {
    /// Runs `body` on one consistent state.
    func read<Output: Sendable>(
        _ body: @escaping @Sendable (any StorageReader) throws -> Output
    ) async throws -> Output

    /// Runs `body` alone, after every write that was acknowledged. All of its changes or, if it throws, none; on disk
    /// on return.
    func write<Output: Sendable>(
        _ body: @escaping @Sendable (any StorageWriter) throws -> Output
    ) async throws -> Output

    func close() throws
}

struct StorageCounts: Sendable, Equatable {
    var items: Int
    var bytes: Int
}

protocol StorageReader {
    func table(_ name: String, in scope: TableScope) throws -> StoredTable?
    /// Nil when the table is gone.
    func revision(ofTable id: Int64) throws -> Int64?
    /// In the order of their bytes, after `after`.
    func tableNames(in scope: TableScope, after: String?, limit: Int) throws -> [String]
    func tableCount(in scope: TableScope) throws -> Int
    /// Of every account.
    func allTables() throws -> [StoredTable]
    /// By index; the table's own under 0.
    func counts(ofTable id: Int64) throws -> [Int64: StorageCounts]

    func item(_ key: ItemKey, inTable id: Int64) throws -> StoredItem?
    /// Calls `visit` in order until it says false.
    func visitItems(ofTable id: Int64, in range: ItemRange, _ visit: (StoredItem) throws -> Bool) throws
    /// The items of an index's entries; calls `visit` in order until it says false.
    func visitIndex(
        _ index: Int64, ofTable id: Int64, in range: ItemRange,
        _ visit: (StoredItem, _ entry: ItemKey) throws -> Bool
    ) throws
    /// Items whose expiry is in `seconds` (since 1970), earliest first.
    func expiredItems(ofTable id: Int64, in seconds: ClosedRange<Int64>, limit: Int) throws -> [ItemKey]
    /// What was remembered under `token`, and not before `since`.
    func rememberedRequest(_ token: String, in scope: TableScope, since: Int64) throws -> [UInt8]?
}

protocol StorageWriter: StorageReader {
    /// For a table or an index.
    func newIdentifier() throws -> Int64
    func insert(_ table: StoredTable) throws
    /// Keeps the definition, in the revision that comes next.
    func update(_ table: StoredTable) throws
    /// The table is gone at once; its items are removed by `removeDropped`.
    func delete(_ table: StoredTable) throws
    /// The index's entries are removed by `removeDropped`.
    func dropIndex(_ index: Int64, ofTable id: Int64) throws
    /// Removes at most `limit` rows of what was dropped; says whether there may be more.
    func removeDropped(limit: Int) throws -> Bool

    /// Puts or replaces. `indexes` are all of the table's; the item's entries in them become exactly `entries`.
    func put(
        _ item: StoredItem, inTable id: Int64, indexes: [Int64], entries: [IndexEntry], expiresAt: Int64?) throws
    func deleteItem(_ key: ItemKey, inTable id: Int64, indexes: [Int64]) throws

    /// Keeps `digest` under `token` and forgets what is from before `since`.
    func remember(_ digest: [UInt8], token: String, in scope: TableScope, at now: Int64, since: Int64) throws
}

/// Why the store refused or failed. `message` is for the log, never for a caller of the API.
struct StorageError: Error, Equatable {
    enum Code: String { case foreign, corrupt, unavailable }

    var code: Code
    var message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}
