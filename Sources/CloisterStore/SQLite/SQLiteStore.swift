import CloisterServiceKit
import GRDB

#if canImport(Glibc)
    import Glibc
#endif

/// The embedded store: one SQLite file in WAL mode, every acknowledged change on disk (`synchronous=FULL`).
///
/// One writer thread with group commit; reads run beside it. One process at a time: whoever opens the file holds the
/// data directory's lock.
public final class SQLiteStore: Sendable {
    /// In the file's header, so that another program's database is never taken for ours: "Clst".
    static let applicationID: Int32 = 0x436c_7374

    let pool: DatabasePool
    let committer: GroupCommitter
    let limits: EventQueueLimits

    /// Opens or makes the file at `path`; its directory must exist. Throws `.foreign` for another program's file or a
    /// newer Cloister's, `.corrupt` for a damaged one, `.unavailable` when the disk refuses.
    ///
    /// With `erasesDeleted` whatever is deleted or replaced is overwritten in the file (`secure_delete`), at the price of
    /// more pages written: for key material.
    public init(
        path: String, limits: EventQueueLimits = EventQueueLimits(), erasesDeleted: Bool = false
    ) throws(StoreError) {
        do {
            try SQLiteStore.prepareFile(path)
            let pool = try SQLiteStore.openPool(path, erasesDeleted: erasesDeleted)
            let usage = try SQLiteStore.migrate(pool)
            self.pool = pool
            self.limits = limits
            self.committer = GroupCommitter(pool: pool, usage: usage)
        } catch {
            throw SQLiteStore.openingError(error, path: path)
        }
    }

    /// Closes the connections; nothing may be under way.
    public func close() throws(StoreError) {
        do { try pool.close() } catch { throw StoreError(database: error) }
    }

    /// Made here so that the file, and the journals whose mode SQLite copies from it, are never readable by others.
    private static func prepareFile(_ path: String) throws(StoreError) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw StoreError(.unavailable, "can't open \(path): \(String(cString: strerror(errno)))")
        }
        defer { Glibc.close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw StoreError(.foreign, "\(path) is no regular file")
        }
        guard status.st_uid == geteuid() else {
            throw StoreError(.foreign, "\(path) belongs to user \(status.st_uid)")
        }
        guard fchmod(descriptor, 0o600) == 0 else {
            throw StoreError(.unavailable, "can't set the mode of \(path)")
        }
    }

    private static func openPool(_ path: String, erasesDeleted: Bool) throws -> DatabasePool {
        try refuseForeign(path)
        var configuration = Configuration()
        configuration.label = "cloister.store"
        configuration.maximumReaderCount = 4
        configuration.busyMode = .timeout(5)
        let pool = try DatabasePool(path: path, configuration: configuration)
        // GRDB sets NORMAL when it opens the writer, after `prepareDatabase`: so set it now, and don't trust it.
        let level = try pool.writeWithoutTransaction { database in
            try database.execute(sql: "PRAGMA synchronous = FULL")
            return try Int.fetchOne(database, sql: "PRAGMA synchronous")
        }
        if erasesDeleted {
            try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA secure_delete = ON") }
        }
        guard level == 2 else { throw StoreError(.unavailable, "synchronous=FULL isn't in force") }
        return pool
    }

    /// Looks before anything is written: a pool would turn another program's file into WAL mode.
    private static func refuseForeign(_ path: String) throws {
        var configuration = Configuration()
        configuration.readonly = true
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        defer { try? queue.close() }  // read-only, nothing can be lost
        let (application, tables) = try queue.read { database in
            (
                try Int32.fetchOne(database, sql: "PRAGMA application_id") ?? 0,
                try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_master") ?? 0
            )
        }
        guard application == applicationID || (application == 0 && tables == 0) else {
            throw StoreError(.foreign, "\(path) is another program's database")
        }
    }

    private static func migrate(_ pool: DatabasePool) throws -> EventQueueUsage {
        let migrator = SQLiteSchema.migrator
        if try pool.read(migrator.hasBeenSuperseded) {
            throw StoreError(.foreign, "the store was written by a newer version of Cloister")
        }
        try migrator.migrate(pool)
        return try pool.read { database in
            EventQueueUsage(
                events: try Int.fetchOne(database, sql: "SELECT count(*) FROM event") ?? 0,
                bytes: try Int.fetchOne(database, sql: "SELECT coalesce(sum(length(payload)), 0) FROM event") ?? 0)
        }
    }

    private static func openingError(_ error: any Error, path: String) -> StoreError {
        if let error = error as? DatabaseError, error.resultCode == .SQLITE_NOTADB {
            return StoreError(.foreign, "\(path) is no SQLite database")
        }
        return StoreError(database: error)
    }

    /// Runs a read and turns its failure into the contract's error.
    func read<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(StoreError) -> Value {
        do { return try await pool.read(body) } catch { throw StoreError(database: error) }
    }
}
