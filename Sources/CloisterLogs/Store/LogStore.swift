import CloisterServiceKit
import Foundation
import GRDB
import Logging
import Synchronization

/// Keeps the logs of functions in `DIRECTORY/logs.db` (SQLite, WAL), within a fixed size.
///
/// `append` only puts records into a bounded buffer. `run` writes the buffer to disk every `flushInterval`; every read and
/// every change writes it first, so that it sees all that was appended before. A crash loses what the buffer held: up to
/// one interval.
public final class LogStore: LogSink {
    public struct Configuration: Sendable {
        /// Beyond it the records that arrived first go. The file may be some per cent larger; space of removed records is
        /// used again.
        public var sizeBytesMax = 512 << 20
        /// The buffer between `append` and the disk; what doesn't fit is dropped and counted.
        public var bufferRecordsMax = 131_072
        public var bufferBytesMax = 64 << 20
        public var flushInterval = Duration.milliseconds(100)
        /// What a live subscriber may be behind.
        public var subscriberRecordsMax = 10_000

        public init() {}
    }

    let database: DatabasePool
    let subscribers: LogSubscribers
    /// Milliseconds since 1970.
    let now: @Sendable () -> Int64
    /// Signs paging tokens; made once per database.
    let tokenKey: [UInt8]
    private let buffer: Mutex<LogBuffer>
    private let retentionCheckedAt = Atomic<Int64>(.min)
    let configuration: Configuration
    private let logger: Logger

    private static let retentionIntervalMilliseconds: Int64 = 60_000

    /// Opens or makes `directory/logs.db`; the directory must be there. Throws when the database can't be used.
    public init(
        directory: String, configuration: Configuration = Configuration(), logger: Logger = Logger(label: "cloister.logs"),
        now: @escaping @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970 * 1_000) }
    ) throws {
        var settings = GRDB.Configuration()
        settings.label = "cloister.logs"
        settings.maximumReaderCount = 4
        // DatabasePool sets WAL and synchronous=NORMAL itself.
        database = try DatabasePool(path: directory + "/logs.db", configuration: settings)
        try LogSchema.migrate(database)
        tokenKey = try database.write { db in try LogStore.tokenKey(db) }
        buffer = Mutex(LogBuffer(recordsMax: configuration.bufferRecordsMax, bytesMax: configuration.bufferBytesMax))
        subscribers = LogSubscribers(recordsMax: configuration.subscriberRecordsMax)
        self.configuration = configuration
        self.logger = logger
        self.now = now
    }

    /// A few hundred nanoseconds; may be called from an event loop.
    public func append(_ records: [LogRecord], region: String, group: String, stream: String) {
        guard !records.isEmpty else { return }
        let batch = LogBatch(key: LogStreamKey(region: region, group: group, stream: stream), records: records)
        buffer.withLock { $0.append(batch) }
    }

    /// How many records were dropped since the store was opened.
    public var droppedRecords: Int { buffer.withLock { $0.droppedTotal } }

    /// Records as they are written, beginning now; at most `subscriberRecordsMax` wait, then the subscriber loses some
    /// (`StoredLogRecord.skippedBefore`). Throws `tooManySubscribers` beyond 64.
    public func subscribe(_ filter: LogSubscriptionFilter) throws(LogStoreError) -> AsyncStream<StoredLogRecord> {
        try subscribers.add(filter)
    }

    /// Writes the buffer to disk every `flushInterval` until the task is cancelled, then once more, and ends the
    /// subscriptions. Write errors are logged, and the records kept as far as the buffer allows.
    public func run() async {
        var isFailing = false
        while !Task.isCancelled {
            isFailing = await flushLogging(wasFailing: isFailing)
            // Only cancellation throws, and the loop's condition sees it.
            try? await Task.sleep(for: configuration.flushInterval)
        }
        _ = await flushLogging(wasFailing: false)
        subscribers.finishAll()
    }

    /// Returns when everything appended before is in the database. On failure the records stay in the buffer.
    public func flush() async throws {
        // In a task of its own: a caller that is cancelled must not cancel the writing of others' records.
        try await Task { try await writeBuffer() }.value
    }

    private func writeBuffer() async throws {
        // Taken on the database's own queue, so that buffers are written in the order in which they were filled.
        try await database.writeWithoutTransaction { [self] db in
            let contents = buffer.withLock { $0.takeAll() }
            do {
                try write(contents, db)
            } catch {
                buffer.withLock { $0.restore(contents) }
                throw error
            }
        }
    }

    private func write(_ contents: LogBuffer.Contents, _ db: Database) throws {
        let now = now()
        let isRetentionDue = now >= retentionCheckedAt.load(ordering: .relaxed).addingReportingOverflow(
            LogStore.retentionIntervalMilliseconds).partialValue
        guard !contents.isEmpty || isRetentionDue else { return }
        var writer = LogWriter(db: db, now: now, isObserved: !subscribers.isEmpty)
        try db.inTransaction(.immediate) {
            try writer.write(contents)
            try LogPruner(db: db).enforceSize(configuration.sizeBytesMax)
            if isRetentionDue { try LogPruner(db: db).enforceRetention(now: now) }
            return .commit
        }
        if isRetentionDue { retentionCheckedAt.store(now, ordering: .relaxed) }
        subscribers.deliver(writer.written)
    }

    private func flushLogging(wasFailing: Bool) async -> Bool {
        do {
            try await flush()
            return false
        } catch {
            if !wasFailing { logger.error("Writing logs to the database fails; trying again", metadata: ["error": "\(error)"]) }
            return true
        }
    }

    private static func tokenKey(_ db: Database) throws -> [UInt8] {
        if let key = try Data.fetchOne(db, sql: "SELECT value FROM settings WHERE name = 'token_key'") { return [UInt8](key) }
        var random = SystemRandomNumberGenerator()
        let key = (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) }
        try db.execute(sql: "INSERT INTO settings (name, value) VALUES ('token_key', ?)", arguments: [Data(key)])
        return key
    }
}
