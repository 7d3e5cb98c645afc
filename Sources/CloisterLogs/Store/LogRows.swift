import GRDB

/// A log group.
public struct LogGroupRow: Sendable, Equatable {
    let id: Int64
    public let region: String
    public let name: String
    /// Milliseconds since 1970.
    public let createdAt: Int64
    public let retentionDays: Int?
    /// On disk, with overhead.
    public let storedBytes: Int
    let tagsJSON: String

    static let columns = "id, region, name, created_at, retention_days, stored_bytes, tags"

    init(_ row: Row) {
        id = row[0]
        region = row[1]
        name = row[2]
        createdAt = row[3]
        retentionDays = row[4]
        storedBytes = row[5]
        tagsJSON = row[6]
    }

    static func find(_ db: Database, region: String, name: String) throws -> LogGroupRow {
        let sql = "SELECT \(columns) FROM groups WHERE region = ? AND name = ?"
        guard let row = try Row.fetchOne(db, sql: sql, arguments: [region, name]) else {
            throw LogStoreError(.groupNotFound)
        }
        return LogGroupRow(row)
    }
}

/// A log stream. Times are in milliseconds since 1970, and nil while it has had no record.
public struct LogStreamRow: Sendable, Equatable {
    let id: Int64
    public let name: String
    public let createdAt: Int64
    public let firstTimestamp: Int64?
    public let lastTimestamp: Int64?
    public let ingestedAt: Int64?

    static let columns = "id, name, created_at, first_timestamp, last_timestamp, ingested_at"

    init(_ row: Row) {
        id = row[0]
        name = row[1]
        createdAt = row[2]
        firstTimestamp = row[3]
        lastTimestamp = row[4]
        ingestedAt = row[5]
    }

    static func find(_ db: Database, group: Int64, name: String) throws -> LogStreamRow {
        let sql = "SELECT \(columns) FROM streams WHERE group_id = ? AND name = ?"
        guard let row = try Row.fetchOne(db, sql: sql, arguments: [group, name]) else {
            throw LogStoreError(.streamNotFound)
        }
        return LogStreamRow(row)
    }
}
