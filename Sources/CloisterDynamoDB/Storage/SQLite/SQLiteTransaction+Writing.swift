import Foundation
import GRDB

extension SQLiteTransaction: StorageWriter {
    func newIdentifier() throws -> Int64 {
        try run("INSERT INTO identifiers DEFAULT VALUES", [])
        let id = database.lastInsertedRowID
        try run("DELETE FROM identifiers WHERE id = ?", [id])
        return id
    }

    func insert(_ table: StoredTable) throws {
        try run(
            "INSERT INTO tables (id, account, region, name, revision, definition) VALUES (?, ?, ?, ?, ?, ?)",
            [
                table.id, table.scope.account, table.scope.region, table.definition.name, table.revision,
                try JSONEncoder().encode(table.definition),
            ])
    }

    func update(_ table: StoredTable) throws {
        try run(
            "UPDATE tables SET revision = revision + 1, definition = ? WHERE id = ?",
            [try JSONEncoder().encode(table.definition), table.id])
    }

    func delete(_ table: StoredTable) throws {
        try run("DELETE FROM tables WHERE id = ?", [table.id])
        try run("INSERT OR IGNORE INTO dropped (id, is_index) VALUES (?, 0)", [table.id])
        try run("DELETE FROM counts WHERE table_id = ?", [table.id])
        for index in table.definition.indexes {
            try run("INSERT OR IGNORE INTO dropped (id, is_index) VALUES (?, 1)", [index.id])
        }
    }

    func dropIndex(_ index: Int64, ofTable id: Int64) throws {
        try run("INSERT OR IGNORE INTO dropped (id, is_index) VALUES (?, 1)", [index])
        try run("DELETE FROM counts WHERE table_id = ? AND index_id = ?", [id, index])
    }

    func removeDropped(limit: Int) throws -> Bool {
        guard let row = try fetch("SELECT id, is_index FROM dropped LIMIT 1", []) else { return false }
        let (id, isIndex): (Int64, Bool) = (row[0], row[1])
        if isIndex {
            try run(
                """
                DELETE FROM entries WHERE index_id = ?1 AND (partition, sort, item_partition, item_sort) IN
                    (SELECT partition, sort, item_partition, item_sort FROM entries WHERE index_id = ?1 LIMIT ?2)
                """, [id, limit])
        } else {
            try run(
                """
                DELETE FROM items WHERE table_id = ?1 AND (partition, sort) IN
                    (SELECT partition, sort FROM items WHERE table_id = ?1 LIMIT ?2)
                """, [id, limit])
        }
        if database.changesCount < limit { try run("DELETE FROM dropped WHERE id = ?", [id]) }
        return true
    }

    func put(
        _ item: StoredItem, inTable id: Int64, indexes: [Int64], entries: [IndexEntry], expiresAt: Int64?
    ) throws {
        let (partition, sort) = (Data(item.key.partition), Data(item.key.sort))
        let old = try fetch(
            "SELECT bytes FROM items WHERE table_id = ? AND partition = ? AND sort = ?", [id, partition, sort])
        try run(
            """
            INSERT OR REPLACE INTO items (table_id, partition, sort, bytes, expires_at, body)
            VALUES (?, ?, ?, ?, ?, ?)
            """, [id, partition, sort, item.bytes, expiresAt, Data(item.body)])
        let oldBytes: Int? = old.map { $0[0] }
        try count(table: id, index: 0, items: oldBytes == nil ? 1 : 0, bytes: item.bytes - (oldBytes ?? 0))
        if !indexes.isEmpty { try removeEntries(of: item.key, table: id, indexes: indexes) }
        for entry in entries {
            try run(
                """
                INSERT INTO entries (index_id, partition, sort, item_partition, item_sort, bytes)
                VALUES (?, ?, ?, ?, ?, ?)
                """, [entry.index, Data(entry.key.partition), Data(entry.key.sort), partition, sort, entry.bytes])
            try count(table: id, index: entry.index, items: 1, bytes: entry.bytes)
        }
    }

    func deleteItem(_ key: ItemKey, inTable id: Int64, indexes: [Int64]) throws {
        let (partition, sort) = (Data(key.partition), Data(key.sort))
        let row = try fetch(
            "SELECT bytes FROM items WHERE table_id = ? AND partition = ? AND sort = ?", [id, partition, sort])
        guard let bytes: Int = row.map({ $0[0] }) else { return }
        try run("DELETE FROM items WHERE table_id = ? AND partition = ? AND sort = ?", [id, partition, sort])
        try count(table: id, index: 0, items: -1, bytes: -bytes)
        try removeEntries(of: key, table: id, indexes: indexes)
    }

    func remember(_ digest: [UInt8], token: String, in scope: TableScope, at now: Int64, since: Int64) throws {
        try run("DELETE FROM tokens WHERE at < ?", [since])
        try run(
            "INSERT OR REPLACE INTO tokens (account, region, token, digest, at) VALUES (?, ?, ?, ?, ?)",
            [scope.account, scope.region, token, Data(digest), now])
    }

    private func removeEntries(of key: ItemKey, table: Int64, indexes: [Int64]) throws {
        for index in indexes {
            let arguments: StatementArguments = [index, Data(key.partition), Data(key.sort)]
            let row = try fetch(
                "SELECT bytes FROM entries WHERE index_id = ? AND item_partition = ? AND item_sort = ?", arguments)
            guard let bytes: Int = row.map({ $0[0] }) else { continue }
            try run("DELETE FROM entries WHERE index_id = ? AND item_partition = ? AND item_sort = ?", arguments)
            try count(table: table, index: index, items: -1, bytes: -bytes)
        }
    }

    private func count(table: Int64, index: Int64, items: Int, bytes: Int) throws {
        if items == 0, bytes == 0 { return }
        try run(
            """
            INSERT INTO counts (table_id, index_id, items, bytes) VALUES (?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET items = items + excluded.items, bytes = bytes + excluded.bytes
            """, [table, index, items, bytes])
    }
}
