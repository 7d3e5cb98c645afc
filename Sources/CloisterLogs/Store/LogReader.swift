import CloisterCore
import GRDB

/// Reads one page within the caller's transaction.
struct LogReader {
    let db: Database
    let query: LogQuery
    /// Milliseconds since 1970.
    let now: Int64

    /// Throws `groupNotFound` or `streamNotFound`.
    func page() throws -> LogPage {
        let group = try LogGroupRow.find(db, region: query.region, name: query.group)
        var from = query.from
        if let days = group.retentionDays { from = max(from, now - Int64(days) * LogsLimits.millisecondsPerDay) }
        var through = query.through
        if let beyond = query.beyond {
            if query.isBackward { through = min(through, beyond.timestamp) } else { from = max(from, beyond.timestamp) }
        }
        var builder = LogPageBuilder(limit: min(max(query.limit, 1), LogsLimits.pageEventsMax), isBackward: query.isBackward)
        guard from <= through else { return builder.finish() }
        let rows = try Row.fetchCursor(db, try request(group: group.id, from: from, through: through))
        var scanned = 0
        while let row = try rows.next() {
            let near: Int64 = row[query.isBackward ? 2 : 1]
            builder.settle(before: near)
            if builder.isFull { break }
            if scanned > LogsLimits.scanBytesMax, !query.isBackward, near - 1 > (query.beyond?.timestamp ?? .min) {
                return builder.finish(resume: LogPosition(timestamp: near - 1, sequence: .max))
            }
            let chunk = try chunkRow(row)
            scanned += chunk.bytes.count
            try chunk.forEach { entry in
                if matches(entry, from: from, through: through) { builder.add(entry.stored) }
            }
        }
        return builder.finish()
    }

    private func matches(_ entry: LogChunkRow.Entry, from: Int64, through: Int64) -> Bool {
        guard entry.position.timestamp >= from, entry.position.timestamp <= through else { return false }
        if let beyond = query.beyond {
            guard query.isBackward ? entry.position < beyond : entry.position > beyond else { return false }
        }
        return query.pattern?.matches(entry.message) ?? true
    }

    private func chunkRow(_ row: Row) throws -> LogChunkRow {
        let tenant: String? = row[4]
        let bytes = try row.withUnsafeData(atIndex: 5) { data in data.map { [UInt8]($0) } ?? [] }
        return LogChunkRow(
            id: row[0], region: query.region, group: query.group, stream: row[6], tenant: tenant.flatMap { TenantID($0) },
            ingestedAt: row[3], bytes: bytes)
    }

    private func request(group: Int64, from: Int64, through: Int64) throws -> SQLRequest<Row> {
        let span = LogChunk.spanMillisecondsMax
        var sql = """
            SELECT c.id, c.first_timestamp, c.last_timestamp, c.ingested_at, c.tenant, c.data, s.name
            FROM chunks c CROSS JOIN streams s ON s.id = c.stream_id WHERE
            """
        var arguments = StatementArguments()
        switch query.scope {
        case .stream(let name), .streamBackward(let name):
            sql += " c.stream_id = ?"
            arguments += [try LogStreamRow.find(db, group: group, name: name).id]
        case .group(let streams, let prefix):
            sql += " c.group_id = ?"
            arguments += [group]
            // The unary plus keeps the order of the group's index: sorting would copy every chunk.
            if let streams {
                let marks = databaseQuestionMarks(count: streams.count)
                sql += " AND +c.stream_id IN (SELECT id FROM streams WHERE group_id = ? AND name IN (\(marks)))"
                arguments += StatementArguments([group]) + StatementArguments(streams)
            }
            if let prefix {
                sql += " AND +c.stream_id IN (SELECT id FROM streams WHERE group_id = ? AND name >= ?"
                    + " AND substr(name, 1, length(?)) = ?)"
                arguments += [group, prefix, prefix, prefix]
            }
        }
        if let tenant = query.tenant {
            sql += " AND c.tenant = ?"
            arguments += [tenant.rawValue]
        }
        // A chunk spans at most `span`: that bounds the end that the index doesn't know.
        if query.isBackward {
            sql += " AND c.last_timestamp BETWEEN ? AND ? AND c.first_timestamp <= ? ORDER BY c.last_timestamp DESC, c.id DESC"
            arguments += [from, through.addingReportingOverflow(span).overflow ? Int64.max : through + span, through]
        } else {
            sql += " AND c.first_timestamp BETWEEN ? AND ? AND c.last_timestamp >= ? ORDER BY c.first_timestamp, c.id"
            arguments += [from.subtractingReportingOverflow(span).overflow ? Int64.min : from - span, through, from]
        }
        return SQLRequest(sql: sql, arguments: arguments, cached: true)
    }
}
