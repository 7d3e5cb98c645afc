import GRDB

extension LogStore {
    /// One page of records. Throws `groupNotFound`, `streamNotFound`.
    public func records(_ query: LogQuery) async throws -> LogPage {
        try await flush()
        let now = now()
        return try await database.read { db in try LogReader(db: db, query: query, now: now).page() }
    }

    public func group(region: String, name: String) async throws -> LogGroupRow {
        try await flush()
        return try await database.read { db in try LogGroupRow.find(db, region: region, name: name) }
    }

    /// Groups by name (bytewise), after `after`, whose names begin with `prefix` and hold `containing`.
    public func groups(
        region: String, prefix: String? = nil, containing: String? = nil, after: String? = nil, limit: Int
    ) async throws -> [LogGroupRow] {
        try await flush()
        return try await database.read { db in
            var sql = "SELECT \(LogGroupRow.columns) FROM groups WHERE region = ?"
            var arguments: StatementArguments = [region]
            if let prefix {
                sql += " AND name >= ? AND substr(name, 1, length(?)) = ?"
                arguments += [prefix, prefix, prefix]
            }
            if let containing {
                sql += " AND instr(name, ?) > 0"
                arguments += [containing]
            }
            if let after {
                sql += " AND name > ?"
                arguments += [after]
            }
            arguments += [limit]
            return try Row.fetchAll(db, sql: sql + " ORDER BY name LIMIT ?", arguments: arguments).map(LogGroupRow.init)
        }
    }

    /// How `streams` sorts, and where it goes on.
    public enum StreamOrder: Sendable, Equatable {
        case name(after: String?)
        /// By the last record's time, then by name; streams without a record count as time -1.
        case lastEvent(after: LastEvent?)
    }

    public struct LastEvent: Sendable, Equatable {
        public let timestamp: Int64
        public let name: String
    }

    /// A group's streams. Throws `groupNotFound`.
    public func streams(
        region: String, group: String, prefix: String? = nil, order: StreamOrder, isDescending: Bool, limit: Int
    ) async throws -> [LogStreamRow] {
        try await flush()
        return try await database.read { db in
            let group = try LogGroupRow.find(db, region: region, name: group)
            var sql = "SELECT \(LogStreamRow.columns) FROM streams WHERE group_id = ?"
            var arguments: StatementArguments = [group.id]
            if let prefix {
                sql += " AND name >= ? AND substr(name, 1, length(?)) = ?"
                arguments += [prefix, prefix, prefix]
            }
            let (comparison, direction) = isDescending ? ("<", "DESC") : (">", "ASC")
            switch order {
            case .name(let after):
                if let after {
                    sql += " AND name \(comparison) ?"
                    arguments += [after]
                }
                sql += " ORDER BY name \(direction)"
            case .lastEvent(let after):
                if let after {
                    sql += " AND (COALESCE(last_timestamp, -1), name) \(comparison) (?, ?)"
                    arguments += [after.timestamp, after.name]
                }
                sql += " ORDER BY COALESCE(last_timestamp, -1) \(direction), name \(direction)"
            }
            arguments += [limit]
            return try Row.fetchAll(db, sql: sql + " LIMIT ?", arguments: arguments).map(LogStreamRow.init)
        }
    }

    /// Throws `groupNotFound`.
    public func tags(region: String, group: String) async throws -> [String: String] {
        let row = try await self.group(region: region, name: group)
        return try LogStore.decodeTags(row.tagsJSON)
    }
}
