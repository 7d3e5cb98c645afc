import Foundation
import GRDB

/// One transaction on the SQLite file; lives as long as it.
struct SQLiteTransaction {
    let database: Database

    func fetch(_ sql: String, _ arguments: StatementArguments) throws -> Row? {
        try Row.fetchOne(try database.cachedStatement(sql: sql), arguments: arguments)
    }

    func run(_ sql: String, _ arguments: StatementArguments) throws {
        try database.cachedStatement(sql: sql).execute(arguments: arguments)
    }
}

// MARK: - Tables

extension SQLiteTransaction {
    private static let columns = "id, account, region, revision, definition"

    func table(_ name: String, in scope: TableScope) throws -> StoredTable? {
        let row = try fetch(
            "SELECT \(SQLiteTransaction.columns) FROM tables WHERE account = ? AND region = ? AND name = ?",
            [scope.account, scope.region, name])
        return try row.map(SQLiteTransaction.table)
    }

    func revision(ofTable id: Int64) throws -> Int64? {
        try fetch("SELECT revision FROM tables WHERE id = ?", [id]).map { $0[0] }
    }

    func tableNames(in scope: TableScope, after: String?, limit: Int) throws -> [String] {
        try String.fetchAll(
            database,
            sql: "SELECT name FROM tables WHERE account = ? AND region = ? AND name > ? ORDER BY name LIMIT ?",
            arguments: [scope.account, scope.region, after ?? "", limit])
    }

    func tableCount(in scope: TableScope) throws -> Int {
        let row = try fetch(
            "SELECT count(*) FROM tables WHERE account = ? AND region = ?", [scope.account, scope.region])
        return row.map { $0[0] } ?? 0
    }

    func allTables() throws -> [StoredTable] {
        try Row.fetchAll(database, sql: "SELECT \(SQLiteTransaction.columns) FROM tables ORDER BY id")
            .map(SQLiteTransaction.table)
    }

    func counts(ofTable id: Int64) throws -> [Int64: StorageCounts] {
        let rows = try Row.fetchAll(
            database, sql: "SELECT index_id, items, bytes FROM counts WHERE table_id = ?", arguments: [id])
        return Dictionary(rows.map { ($0[0], StorageCounts(items: $0[1], bytes: $0[2])) }) { first, _ in first }
    }

    private static func table(_ row: Row) throws -> StoredTable {
        let body: Data = row[4]
        guard let definition = try? JSONDecoder().decode(TableDefinition.self, from: body) else {
            throw StorageError(.corrupt, "a table's definition can't be read")
        }
        return StoredTable(
            id: row[0], revision: row[3], scope: TableScope(account: row[1], region: row[2]), definition: definition)
    }
}

// MARK: - Items

extension SQLiteTransaction {
    func item(_ key: ItemKey, inTable id: Int64) throws -> StoredItem? {
        let row = try fetch(
            "SELECT bytes, body FROM items WHERE table_id = ? AND partition = ? AND sort = ?",
            [id, Data(key.partition), Data(key.sort)])
        return row.map { StoredItem(key: key, body: SQLiteTransaction.bytes($0, 1), bytes: $0[0]) }
    }

    func visitItems(ofTable id: Int64, in range: ItemRange, _ visit: (StoredItem) throws -> Bool) throws {
        var query = RangeQuery(range: range, place: ["partition", "sort"])
        query.begin("SELECT partition, sort, bytes, body FROM items WHERE table_id = ?", [id])
        let rows = try Row.fetchCursor(try database.cachedStatement(sql: query.sql), arguments: query.arguments)
        while let row = try rows.next() {
            let key = ItemKey(partition: SQLiteTransaction.bytes(row, 0), sort: SQLiteTransaction.bytes(row, 1))
            guard try visit(StoredItem(key: key, body: SQLiteTransaction.bytes(row, 3), bytes: row[2])) else { return }
        }
    }

    func visitIndex(
        _ index: Int64, ofTable id: Int64, in range: ItemRange,
        _ visit: (StoredItem, _ entry: ItemKey) throws -> Bool
    ) throws {
        var query = RangeQuery(range: range, place: ["e.partition", "e.sort", "e.item_partition", "e.item_sort"])
        query.begin(
            """
            SELECT e.partition, e.sort, e.item_partition, e.item_sort, e.bytes, i.body
            FROM entries e CROSS JOIN items i
                ON i.table_id = ? AND i.partition = e.item_partition AND i.sort = e.item_sort
            WHERE e.index_id = ?
            """, [id, index])
        let rows = try Row.fetchCursor(try database.cachedStatement(sql: query.sql), arguments: query.arguments)
        while let row = try rows.next() {
            let entry = ItemKey(partition: SQLiteTransaction.bytes(row, 0), sort: SQLiteTransaction.bytes(row, 1))
            let key = ItemKey(partition: SQLiteTransaction.bytes(row, 2), sort: SQLiteTransaction.bytes(row, 3))
            let item = StoredItem(key: key, body: SQLiteTransaction.bytes(row, 5), bytes: row[4])
            guard try visit(item, entry) else { return }
        }
    }

    func expiredItems(ofTable id: Int64, in seconds: ClosedRange<Int64>, limit: Int) throws -> [ItemKey] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT partition, sort FROM items
                WHERE table_id = ? AND expires_at >= ? AND expires_at <= ? ORDER BY expires_at LIMIT ?
                """,
            arguments: [id, seconds.lowerBound, seconds.upperBound, limit]
        ).map { ItemKey(partition: SQLiteTransaction.bytes($0, 0), sort: SQLiteTransaction.bytes($0, 1)) }
    }

    func rememberedRequest(_ token: String, in scope: TableScope, since: Int64) throws -> [UInt8]? {
        let row = try fetch(
            "SELECT digest FROM tokens WHERE account = ? AND region = ? AND token = ? AND at >= ?",
            [scope.account, scope.region, token, since])
        return row.map { SQLiteTransaction.bytes($0, 0) }
    }

    private static func bytes(_ row: Row, _ column: Int) -> [UInt8] {
        let data: Data = row[column]
        return [UInt8](data)
    }
}

/// The SQL of one walk along a key.
private struct RangeQuery {
    let range: ItemRange
    /// The columns that order the rows: partition, sort, and in an index the item's own.
    let place: [String]
    var sql = ""
    var arguments = StatementArguments()

    mutating func begin(_ text: String, _ values: StatementArguments) {
        sql = text
        arguments += values
        switch range.extent {
        case .partition(let partition, let lower, let upper):
            add("\(place[0]) = ?", [partition])
            if let lower { add("\(place[1]) \(lower.isInclusive ? ">=" : ">") ?", [lower.sort]) }
            if let upper { add("\(place[1]) \(upper.isInclusive ? "<=" : "<") ?", [upper.sort]) }
        case .partitions(let from, let upTo):
            add("\(place[0]) >= ?", [from])
            if let upTo { add("\(place[0]) < ?", [upTo]) }
        }
        if let after = range.after { add(after) }
        let direction = range.isForward ? "" : " DESC"
        sql += " ORDER BY " + place.map { $0 + direction }.joined(separator: ", ")
    }

    private mutating func add(_ after: ItemRange.Position) {
        var values = [after.key.partition, after.key.sort]
        if place.count == 4, let item = after.item { values += [item.partition, item.sort] }
        let columns = place.prefix(values.count).joined(separator: ", ")
        let marks = values.map { _ in "?" }.joined(separator: ", ")
        add("(\(columns)) \(range.isForward ? ">" : "<") (\(marks))", values)
    }

    private mutating func add(_ condition: String, _ values: [[UInt8]]) {
        sql += " AND " + condition
        arguments += StatementArguments(values.map { Data($0) })
    }
}
