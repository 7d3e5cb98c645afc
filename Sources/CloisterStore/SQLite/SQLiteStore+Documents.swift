import CloisterServiceKit
import GRDB

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension SQLiteStore: DocumentStore {
    public func document(_ key: DocumentKey) async throws(StoreError) -> Document? {
        try await read { database in
            try Row.fetchOne(
                database, sql: "SELECT name, revision, body FROM document WHERE kind = ? AND name = ?",
                arguments: [key.kind, key.name]
            ).map { SQLiteStore.document($0, kind: key.kind) }
        }
    }

    public func documents(
        kind: String, prefix: String, after: String?, limit: Int
    ) async throws(StoreError) -> [Document] {
        // U+10FFFF sorts after every other character, in UTF-8 as well, and no name holds it.
        let end = prefix + "\u{10FFFF}"
        return try await read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT name, revision, body FROM document
                    WHERE kind = ? AND name >= ? AND name > ? AND name < ? ORDER BY name LIMIT ?
                    """,
                arguments: [kind, prefix, after ?? "", end, max(0, limit)]
            ).map { SQLiteStore.document($0, kind: kind) }
        }
    }

    public func apply(_ changes: [DocumentChange]) async throws(StoreError) {
        try await committer.commit { database, _ in
            for change in changes { try SQLiteStore.apply(change, database) }
        }
    }

    /// Empties the write-ahead log; in the file itself `secure_delete` has overwritten what was deleted (`erasesDeleted`).
    public func eraseRemains() async throws(StoreError) {
        let isBusy: Bool
        do {
            isBusy = try await pool.writeWithoutTransaction { database in
                try Bool.fetchOne(database, sql: "PRAGMA wal_checkpoint(TRUNCATE)") ?? true
            }
        } catch {
            throw StoreError(database: error)
        }
        guard !isBusy else { throw StoreError(.unavailable, "the journal is being read and can't be emptied now") }
    }

    private static func document(_ row: Row, kind: String) -> Document {
        let body: Data = row["body"]
        return Document(key: DocumentKey(kind: kind, name: row["name"]), revision: row["revision"], body: Array(body))
    }

    private static func apply(_ change: DocumentChange, _ database: Database) throws {
        let key: StatementArguments = [change.key.kind, change.key.name]
        let current = try Int64.fetchOne(
            database, sql: "SELECT revision FROM document WHERE kind = ? AND name = ?", arguments: key)
        try check(change, current: current)
        guard let body = change.body else {
            try database.execute(sql: "DELETE FROM document WHERE kind = ? AND name = ?", arguments: key)
            return
        }
        try database.execute(
            sql: """
                INSERT INTO document (kind, name, revision, body) VALUES (?, ?, 1, ?)
                ON CONFLICT (kind, name) DO UPDATE SET revision = revision + 1, body = excluded.body
                """,
            arguments: [change.key.kind, change.key.name, Data(body)])
    }

    private static func check(_ change: DocumentChange, current: Int64?) throws(StoreError) {
        let isMet =
            switch change.expecting {
            case .anything: true
            case .absent: current == nil
            case .revision(let revision): current == revision
            }
        guard isMet else { throw StoreError(.conflict, "\(change.key) was changed meanwhile") }
    }
}
