import CloisterServiceKit
import Foundation
import GRDB

extension LogStore {
    /// Throws `groupExists`, `tooManyGroups`.
    public func createGroup(region: String, name: String, tags: [String: String]) async throws {
        let json = try LogStore.encodeTags(tags)
        try await change { db, now in
            let count = try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM groups WHERE region = ?", arguments: [region]) ?? 0
            try db.execute(
                sql: "INSERT OR IGNORE INTO groups (region, name, created_at, tags) VALUES (?, ?, ?, ?)",
                arguments: [region, name, now, json])
            guard db.changesCount == 1 else { throw LogStoreError(.groupExists) }
            guard count < LogsLimits.groupsMax else { throw LogStoreError(.tooManyGroups) }
        }
    }

    /// Throws `groupNotFound`, `streamExists`.
    public func createStream(region: String, group: String, name: String) async throws {
        try await change { db, now in
            let group = try LogGroupRow.find(db, region: region, name: group)
            try db.execute(
                sql: "INSERT OR IGNORE INTO streams (group_id, name, created_at) VALUES (?, ?, ?)",
                arguments: [group.id, name, now])
            guard db.changesCount == 1 else { throw LogStoreError(.streamExists) }
        }
    }

    /// Removes the group and everything in it. Records appended later make it anew. Throws `groupNotFound`.
    public func deleteGroup(region: String, name: String) async throws {
        try await change { db, _ in
            let group = try LogGroupRow.find(db, region: region, name: name)
            try db.execute(sql: "DELETE FROM chunks WHERE group_id = ?", arguments: [group.id])
            try db.execute(sql: "DELETE FROM groups WHERE id = ?", arguments: [group.id])
        }
    }

    /// Throws `groupNotFound`, `streamNotFound`.
    public func deleteStream(region: String, group: String, name: String) async throws {
        try await change { db, _ in
            let group = try LogGroupRow.find(db, region: region, name: group)
            let stream = try LogStreamRow.find(db, group: group.id, name: name)
            try db.execute(
                sql: """
                    UPDATE groups SET stored_bytes = MAX(0, stored_bytes
                        - (SELECT COALESCE(SUM(bytes), 0) FROM chunks WHERE stream_id = ?)) WHERE id = ?
                    """, arguments: [stream.id, group.id])
            try db.execute(sql: "DELETE FROM streams WHERE id = ?", arguments: [stream.id])
        }
    }

    /// Nil keeps records for ever (as far as the size limit allows). Throws `groupNotFound`.
    public func setRetention(region: String, group: String, days: Int?) async throws {
        try await change { db, now in
            let group = try LogGroupRow.find(db, region: region, name: group)
            try db.execute(sql: "UPDATE groups SET retention_days = ? WHERE id = ?", arguments: [days, group.id])
            try LogPruner(db: db).enforceRetention(now: now)
        }
    }

    /// Sets `tags` and removes `keys`. Throws `groupNotFound`, `tooManyTags` (more than 50 in the end).
    public func changeTags(region: String, group: String, set tags: [String: String], remove keys: [String]) async throws {
        try await change { db, _ in
            let group = try LogGroupRow.find(db, region: region, name: group)
            var all = try LogStore.decodeTags(group.tagsJSON)
            for key in keys { all[key] = nil }
            all.merge(tags) { $1 }
            guard all.count <= LogsLimits.tagsMax else { throw LogStoreError(.tooManyTags) }
            try db.execute(
                sql: "UPDATE groups SET tags = ? WHERE id = ?", arguments: [try LogStore.encodeTags(all), group.id])
        }
    }

    /// Writes a client's records; on disk on return. Throws `groupNotFound`, `streamNotFound`.
    public func put(_ records: [LogRecord], region: String, group: String, stream: String) async throws {
        try await flush()
        let now = now()
        try await database.writeWithoutTransaction { [self] db in
            var writer = LogWriter(db: db, now: now, isObserved: !subscribers.isEmpty)
            try db.inTransaction(.immediate) {
                let row = try LogGroupRow.find(db, region: region, name: group)
                _ = try LogStreamRow.find(db, group: row.id, name: stream)
                try writer.write(records, to: LogStreamKey(region: region, group: group, stream: stream))
                try LogPruner(db: db).enforceSize(configuration.sizeBytesMax)
                return .commit
            }
            subscribers.deliver(writer.written)
        }
    }

    /// Runs `body` in one transaction, after all that was appended before.
    private func change(_ body: @escaping @Sendable (Database, _ now: Int64) throws -> Void) async throws {
        try await flush()
        let now = now()
        try await database.write { db in try body(db, now) }
    }

    static func encodeTags(_ tags: [String: String]) throws -> String {
        String(decoding: try JSONEncoder().encode(tags), as: UTF8.self)
    }

    static func decodeTags(_ json: String) throws -> [String: String] {
        try JSONDecoder().decode([String: String].self, from: Data(json.utf8))
    }
}
