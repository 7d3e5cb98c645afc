import CloisterCore
import CloisterServiceKit
import Foundation
import GRDB

/// Writes what the buffer held, within the caller's transaction.
struct LogWriter {
    /// What a row takes beside its data, with its index entries.
    static let chunkOverheadBytes = 256

    let db: Database
    /// Milliseconds since 1970.
    let now: Int64
    /// Whether somebody wants the records that were written.
    let isObserved: Bool
    private(set) var written: [StoredLogRecord] = []

    init(db: Database, now: Int64, isObserved: Bool) {
        self.db = db
        self.now = now
        self.isObserved = isObserved
    }

    mutating func write(_ contents: LogBuffer.Contents) throws {
        var order: [LogStreamKey] = []
        var records: [LogStreamKey: [LogRecord]] = [:]
        for batch in contents.batches {
            if records[batch.key] == nil { order.append(batch.key) }
            records[batch.key, default: []].append(contentsOf: batch.records)
        }
        for (key, drop) in contents.drops {
            if records[key] == nil { order.append(key) }
            records[key, default: []].append(dropRecord(drop))
        }
        for key in order { try write(records[key] ?? [], to: key) }
    }

    /// Makes the group and the stream where they aren't there.
    mutating func write(_ records: [LogRecord], to key: LogStreamKey) throws {
        guard !records.isEmpty else { return }
        let group = try groupID(key)
        let stream = try streamID(key, group: group)
        var bytes = 0
        for chunk in LogWriter.chunks(of: records) { bytes += try insert(chunk, key: key, group: group, stream: stream) }
        let first = records.reduce(Int64.max) { min($0, $1.timestamp) }
        let last = records.reduce(Int64.min) { max($0, $1.timestamp) }
        try statement("UPDATE groups SET stored_bytes = stored_bytes + ? WHERE id = ?").execute(arguments: [bytes, group])
        try statement(
            """
            UPDATE streams SET first_timestamp = MIN(COALESCE(first_timestamp, ?1), ?1),
                last_timestamp = MAX(COALESCE(last_timestamp, ?2), ?2), ingested_at = ?3 WHERE id = ?4
            """
        ).execute(arguments: [first, last, now, stream])
    }

    private static func chunks(of records: [LogRecord]) -> [LogChunk] {
        var chunks: [LogChunk] = []
        for record in records {
            if let last = chunks.indices.last, chunks[last].takes(record) {
                chunks[last].add(record)
            } else {
                chunks.append(LogChunk(first: record))
            }
        }
        return chunks
    }

    private mutating func insert(_ chunk: LogChunk, key: LogStreamKey, group: Int64, stream: Int64) throws -> Int {
        let bytes = chunk.bytes.count + LogWriter.chunkOverheadBytes
        try statement(
            """
            INSERT INTO chunks (group_id, stream_id, tenant, first_timestamp, last_timestamp, ingested_at, bytes, data)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """
        ).execute(arguments: [
            group, stream, chunk.tenant?.rawValue, chunk.firstTimestamp, chunk.lastTimestamp, now, bytes,
            Data(chunk.bytes),
        ])
        if isObserved {
            let row = LogChunkRow(
                id: db.lastInsertedRowID, region: key.region, group: key.group, stream: key.stream, tenant: chunk.tenant,
                ingestedAt: now, bytes: chunk.bytes)
            try row.forEach { written.append($0.stored) }
        }
        return bytes
    }

    private func groupID(_ key: LogStreamKey) throws -> Int64 {
        let find = try statement("SELECT id FROM groups WHERE region = ? AND name = ?")
        if let id = try Int64.fetchOne(find, arguments: [key.region, key.group]) { return id }
        try statement("INSERT INTO groups (region, name, created_at) VALUES (?, ?, ?)")
            .execute(arguments: [key.region, key.group, now])
        return db.lastInsertedRowID
    }

    private func streamID(_ key: LogStreamKey, group: Int64) throws -> Int64 {
        let find = try statement("SELECT id FROM streams WHERE group_id = ? AND name = ?")
        if let id = try Int64.fetchOne(find, arguments: [group, key.stream]) { return id }
        try statement("INSERT INTO streams (group_id, name, created_at) VALUES (?, ?, ?)")
            .execute(arguments: [group, key.stream, now])
        return db.lastInsertedRowID
    }

    private func statement(_ sql: String) throws -> Statement { try db.cachedStatement(sql: sql) }

    /// Lambda's own record for lost logs (`platform.logsDropped` of the Telemetry API).
    private func dropRecord(_ drop: LogDrop) -> LogRecord {
        let time = Date(timeIntervalSince1970: Double(now) / 1_000)
            .ISO8601Format(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        return LogRecord(
            timestamp: now,
            message: #"{"time":"\#(time)","type":"platform.logsDropped","record":{"droppedBytes":\#(drop.bytes),"#
                + #""droppedRecords":\#(drop.records),"reason":"The log buffer was full"}}"#,
            tenant: nil, requestID: nil)
    }
}
