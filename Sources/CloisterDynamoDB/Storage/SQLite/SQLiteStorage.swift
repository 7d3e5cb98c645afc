import Foundation
import GRDB

#if canImport(Glibc)
    import Glibc
#endif

/// The embedded driver: one SQLite file in WAL mode, every acknowledged change on disk (`synchronous=FULL`).
final class SQLiteStorage: Storage {
    /// In the file's header, so that another program's database is never taken for ours: "ClDy".
    private static let applicationID: Int32 = 0x436c_4479

    private let pool: DatabasePool
    private let committer: GroupCommitter

    /// Opens or makes the file at `path` with mode 0600; its directory must exist.
    init(path: String) throws {
        do {
            try SQLiteStorage.prepareFile(path)
            try SQLiteStorage.refuseForeign(path)
            pool = try SQLiteStorage.openPool(path)
            committer = GroupCommitter(pool: pool)
            try SQLiteStorage.migrate(pool)
        } catch {
            throw StorageError(database: error)
        }
    }

    func read<Output: Sendable>(
        _ body: @escaping @Sendable (any StorageReader) throws -> Output
    ) async throws -> Output {
        do {
            return try await pool.read { database in try body(SQLiteTransaction(database: database)) }
        } catch let error as DatabaseError {
            throw StorageError(database: error)
        }
    }

    func write<Output: Sendable>(
        _ body: @escaping @Sendable (any StorageWriter) throws -> Output
    ) async throws -> Output {
        do {
            return try await committer.commit { database in try body(SQLiteTransaction(database: database)) }
        } catch let error as DatabaseError {
            throw StorageError(database: error)
        }
    }

    func close() throws { try pool.close() }

    /// Made here so that the file, and the journals whose mode SQLite copies from it, are never readable by others.
    private static func prepareFile(_ path: String) throws {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw StorageError(.unavailable, "can't open \(path): \(String(cString: strerror(errno)))")
        }
        defer { Glibc.close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_uid == geteuid() else {
            throw StorageError(.foreign, "\(path) is no regular file of this user")
        }
        guard fchmod(descriptor, 0o600) == 0 else {
            throw StorageError(.unavailable, "can't set the mode of \(path)")
        }
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
            throw StorageError(.foreign, "\(path) is another program's database")
        }
    }

    private static func openPool(_ path: String) throws -> DatabasePool {
        var configuration = Configuration()
        configuration.label = "cloister.dynamodb"
        configuration.maximumReaderCount = 4
        configuration.busyMode = .timeout(5)
        let pool = try DatabasePool(path: path, configuration: configuration)
        // GRDB sets NORMAL when it opens the writer, after `prepareDatabase`: so set it now, and don't trust it.
        let level = try pool.writeWithoutTransaction { database in
            try database.execute(sql: "PRAGMA synchronous = FULL")
            return try Int.fetchOne(database, sql: "PRAGMA synchronous")
        }
        guard level == 2 else { throw StorageError(.unavailable, "synchronous=FULL isn't in force") }
        return pool
    }

    private static func migrate(_ pool: DatabasePool) throws {
        let migrator = SQLiteSchema.migrator(applicationID: applicationID)
        if try pool.read(migrator.hasBeenSuperseded) {
            throw StorageError(.foreign, "the store was written by a newer version of Cloister")
        }
        try migrator.migrate(pool)
    }
}

extension StorageError {
    /// Names the failure without the values that were bound.
    init(database error: any Error) {
        switch error {
        case let error as StorageError: self = error
        case let error as DatabaseError:
            let isDamage = [.SQLITE_CORRUPT, .SQLITE_NOTADB].contains(error.resultCode)
            self.init(isDamage ? .corrupt : .unavailable, "\(error.extendedResultCode): \(error.message ?? "")")
        default: self.init(.unavailable, "\(type(of: error))")
        }
    }
}
