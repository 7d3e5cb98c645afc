import CloisterServiceKit
import Dispatch
import GRDB
import Synchronization

/// Runs changes one after another on one thread. All that wait when the thread comes free share one transaction, and
/// with it one wait for the disk; each is told only when that transaction is on disk.
final class GroupCommitter: Sendable {
    struct Change: Sendable {
        let run: @Sendable (Database) throws -> Void
        let finish: @Sendable (Result<Void, StoreError>) -> Void
    }

    private struct State {
        var waiting: [Change] = []
        var isDraining = false
    }

    /// Bounds the memory and the time of one transaction.
    private static let transactionChangesMax = 512

    private let pool: DatabasePool
    private let queue = DispatchQueue(label: "cloister.store.writer")
    private let usage: Mutex<EventQueueUsage>
    private let state = Mutex(State())

    init(pool: DatabasePool, usage: EventQueueUsage) {
        self.pool = pool
        self.usage = Mutex(usage)
    }

    /// Runs `change` in a transaction; returns when it is on disk. A change that throws undoes only itself.
    func commit(
        _ change: @escaping @Sendable (Database, inout EventQueueUsage) throws -> Void
    ) async throws(StoreError) {
        let result = await withCheckedContinuation {
            (continuation: CheckedContinuation<Result<Void, StoreError>, Never>) in
            append(
                Change(
                    run: { [self] database in try runUndoably(change, database) },
                    finish: { continuation.resume(returning: $0) }))
        }
        try result.get()
    }

    private func append(_ change: Change) {
        let mustStart = state.withLock { state in
            state.waiting.append(change)
            defer { state.isDraining = true }
            return !state.isDraining
        }
        if mustStart { queue.async { [self] in drain() } }
    }

    private func drain() {
        while true {
            let batch = state.withLock { state in
                let batch = Array(state.waiting.prefix(GroupCommitter.transactionChangesMax))
                state.waiting.removeFirst(batch.count)
                state.isDraining = !batch.isEmpty
                return batch
            }
            if batch.isEmpty { return }
            for (change, result) in zip(batch, commitBatch(batch)) { change.finish(result) }
        }
    }

    private func commitBatch(_ batch: [Change]) -> [Result<Void, StoreError>] {
        let usageBefore = usage.withLock { $0 }
        do {
            return try pool.writeWithoutTransaction { database in
                var results: [Result<Void, StoreError>] = []
                try database.inTransaction(.immediate) {
                    results = batch.map { change in
                        Result { try change.run(database) }.mapError(StoreError.init(database:))
                    }
                    return .commit
                }
                return results
            }
        } catch {
            usage.withLock { $0 = usageBefore }
            return batch.map { _ in .failure(StoreError(database: error)) }
        }
    }

    private func runUndoably(
        _ change: (Database, inout EventQueueUsage) throws -> Void, _ database: Database
    ) throws {
        var after = usage.withLock { $0 }
        try database.inSavepoint {
            try change(database, &after)
            return .commit
        }
        usage.withLock { $0 = after }
    }
}

extension StoreError {
    /// Names the failure without the values that were bound.
    init(database error: any Error) {
        switch error {
        case let error as StoreError:
            self = error
        case let error as DatabaseError:
            let text = "\(error.extendedResultCode): \(error.message ?? "")"
            let isDamage = [.SQLITE_CORRUPT, .SQLITE_NOTADB].contains(error.resultCode)
            self.init(isDamage ? .corrupt : .unavailable, text)
        default:
            self.init(.unavailable, String(describing: type(of: error)))
        }
    }
}
