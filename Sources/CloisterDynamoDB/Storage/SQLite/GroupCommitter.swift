import Dispatch
import GRDB
import Synchronization

/// Runs changes one after another on one thread. All that wait when the thread comes free share one transaction, and
/// with it one wait for the disk; each is told only when that transaction is on disk.
final class GroupCommitter: Sendable {
    private struct Change: Sendable {
        let run: @Sendable (Database) throws -> Void
        let finish: @Sendable ((any Error)?) -> Void
    }

    private struct State {
        var waiting: [Change] = []
        var isDraining = false
    }

    /// Bounds the memory and the time of one transaction.
    private static let transactionChangesMax = 256

    private let pool: DatabasePool
    private let queue = DispatchQueue(label: "cloister.dynamodb.writer")
    private let state = Mutex(State())

    init(pool: DatabasePool) { self.pool = pool }

    /// Runs `change` in a transaction; returns when it is on disk. A change that throws undoes only itself.
    func commit<Output: Sendable>(
        _ change: @escaping @Sendable (Database) throws -> Output
    ) async throws -> Output {
        let output = Mutex<Output?>(nil)
        let failure = await withCheckedContinuation { (continuation: CheckedContinuation<(any Error)?, Never>) in
            append(
                Change(
                    run: { database in
                        try database.inSavepoint {
                            let value = try change(database)
                            output.withLock { $0 = value }
                            return .commit
                        }
                    },
                    finish: { continuation.resume(returning: $0) }))
        }
        if let failure { throw failure }
        guard let value = output.withLock({ $0 }) else { throw StorageError(.unavailable, "a change didn't run") }
        return value
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
            for (change, failure) in zip(batch, commitBatch(batch)) { change.finish(failure) }
        }
    }

    private func commitBatch(_ batch: [Change]) -> [(any Error)?] {
        do {
            return try pool.writeWithoutTransaction { database in
                var failures: [(any Error)?] = []
                try database.inTransaction(.immediate) {
                    failures = batch.map { change in
                        do {
                            try change.run(database)
                            return nil
                        } catch {
                            return error
                        }
                    }
                    return .commit
                }
                return failures
            }
        } catch {
            return batch.map { _ in error }
        }
    }
}
