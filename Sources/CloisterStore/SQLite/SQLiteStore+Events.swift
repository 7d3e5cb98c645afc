import CloisterCore
import CloisterServiceKit
import GRDB

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension SQLiteStore: EventStore {
    public func enqueue(_ event: QueuedEvent) async throws {
        try await committer.commit { [limits] database, usage in
            try SQLiteStore.insert(event, database, &usage, limits: limits)
        }
    }

    public func reschedule(_ id: RequestID, attempts: Int, notBefore: Int64) async throws {
        try await committer.commit { database, _ in
            try database.execute(
                sql: "UPDATE event SET attempts = ?, not_before = ? WHERE id = ?",
                arguments: [attempts, notBefore, id.rawValue])
        }
    }

    public func complete(_ id: RequestID, followUps: [QueuedEvent]) async throws {
        try await committer.commit { [limits] database, usage in
            let bytes = try Int.fetchOne(
                database, sql: "DELETE FROM event WHERE id = ? RETURNING length(payload)", arguments: [id.rawValue])
            // Already completed: then its follow-ups are in the queue too.
            guard let bytes else { return }
            usage.remove(bytes: bytes)
            for event in followUps { try SQLiteStore.insert(event, database, &usage, limits: limits) }
        }
    }

    public func pending() async throws -> [QueuedEvent] {
        try await read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT id, region, function, qualifier, tenant, client_context, trace_header, accepted_at,
                        attempts, not_before
                    FROM event ORDER BY not_before, sequence
                    """
            ).map(SQLiteStore.event)
        }
    }

    public func payload(of id: RequestID) async throws -> [UInt8]? {
        try await read { database in
            try Data.fetchOne(database, sql: "SELECT payload FROM event WHERE id = ?", arguments: [id.rawValue])
                .map { Array($0) }
        }
    }

    private static func insert(
        _ event: QueuedEvent, _ database: Database, _ usage: inout EventQueueUsage, limits: EventQueueLimits
    ) throws {
        try usage.add(bytes: event.payload.count, limits: limits)
        do {
            try database.execute(
                sql: """
                    INSERT INTO event (id, region, function, qualifier, tenant, client_context, trace_header,
                        accepted_at, attempts, not_before, payload)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    event.id.rawValue, event.function.region, event.function.name, event.qualifier,
                    event.tenant?.rawValue, event.clientContext, event.traceHeader, event.acceptedAt, event.attempts,
                    event.notBefore, Data(event.payload),
                ])
        } catch let error as DatabaseError where error.extendedResultCode == .SQLITE_CONSTRAINT_UNIQUE {
            throw StoreError(.duplicate, "event \(event.id) is already in the queue")
        }
    }

    private static func event(_ row: Row) throws -> QueuedEvent {
        let tenantText: String? = row["tenant"]
        let tenant = tenantText.flatMap { TenantID($0) }
        // An event must never lose its tenant: without it, it would run in the function's shared environments.
        guard (tenant == nil) == (tenantText == nil) else {
            throw StoreError(.corrupt, "an event's tenant is malformed")
        }
        return QueuedEvent(
            id: RequestID(row["id"] as String), function: FunctionKey(region: row["region"], name: row["function"]),
            qualifier: row["qualifier"], tenant: tenant, clientContext: row["client_context"],
            traceHeader: row["trace_header"], payload: [], acceptedAt: row["accepted_at"], attempts: row["attempts"],
            notBefore: row["not_before"])
    }
}
