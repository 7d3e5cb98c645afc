import GRDB

/// Removes what is too old or too much, within the caller's transaction.
struct LogPruner {
    let db: Database

    /// Removes the records that arrived first until at most `sizeBytesMax` are stored, and a little more, so that it isn't
    /// needed at every write.
    func enforceSize(_ sizeBytesMax: Int) throws {
        let stored = try Int.fetchOne(db, sql: "SELECT SUM(stored_bytes) FROM groups") ?? 0
        guard stored > sizeBytesMax else { return }
        let surplus = stored - (sizeBytesMax - sizeBytesMax / 32)
        var freed = 0
        var last: Int64 = 0
        let rows = try Row.fetchCursor(db, sql: "SELECT id, bytes FROM chunks ORDER BY id")
        while freed < surplus, let row = try rows.next() {
            last = row[0]
            freed += row[1]
        }
        try remove(where: "id <= ?", [last])
    }

    /// Removes what is older than its group's retention. Chunks of which a part is younger stay; reading hides the rest.
    func enforceRetention(now: Int64) throws {
        let groups = try Row.fetchAll(db, sql: "SELECT id, retention_days FROM groups WHERE retention_days IS NOT NULL")
        for group in groups {
            let id: Int64 = group[0]
            let days: Int64 = group[1]
            let oldest = now - days * LogsLimits.millisecondsPerDay
            try remove(where: "group_id = ? AND first_timestamp < ? AND last_timestamp < ?", [id, oldest, oldest])
        }
    }

    /// Also removes streams that thereby lost their last record: every environment makes one.
    private func remove(where condition: String, _ arguments: StatementArguments) throws {
        let sums = try Row.fetchAll(
            db, sql: "SELECT group_id, stream_id, SUM(bytes) FROM chunks WHERE \(condition) GROUP BY group_id, stream_id",
            arguments: arguments)
        guard !sums.isEmpty else { return }
        try db.execute(sql: "DELETE FROM chunks WHERE \(condition)", arguments: arguments)
        for sum in sums {
            let (group, stream, bytes): (Int64, Int64, Int) = (sum[0], sum[1], sum[2])
            try db.execute(
                sql: "UPDATE groups SET stored_bytes = MAX(0, stored_bytes - ?) WHERE id = ?", arguments: [bytes, group])
            try db.execute(
                sql: "DELETE FROM streams WHERE id = ? AND NOT EXISTS (SELECT 1 FROM chunks WHERE stream_id = ?)",
                arguments: [stream, stream])
        }
    }
}
