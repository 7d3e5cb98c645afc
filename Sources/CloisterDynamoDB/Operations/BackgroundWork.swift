import CloisterCore
import CloisterServiceKit
import Logging
import Synchronization

/// Which tables are being rebuilt now, so that none is twice at once.
final class BackgroundWork: Sendable {
    private let rebuilding = Mutex<Set<Int64>>([])

    func begin(_ table: Int64) -> Bool { rebuilding.withLock { $0.insert(table).inserted } }
    func end(_ table: Int64) { rebuilding.withLock { _ = $0.remove(table) } }
}

// What happens without a call: new indexes are filled, what was dropped is removed, expired items are too. All of it in
// small writes, so that calls come in between, and all of it goes on after a restart.

extension DynamoDBService {
    /// Removes expired items, and goes on with what a restart or a failure had interrupted, once at once and then in
    /// every `interval`; returns when the task is cancelled.
    public func run(every interval: Duration = .seconds(30)) async {
        while !Task.isCancelled {
            do {
                try await removeExpired()
                try await removeDropped()
                for table in try await storage.read({ try $0.allTables() }) where table.definition.isRebuilding {
                    await rebuild(table.id)
                }
            } catch {
                log("DynamoDB's background work fails", error)
            }
            // A cancellation throws, and the loop's condition sees it.
            try? await Task.sleep(for: interval)
        }
    }

    /// Removes the items whose time to live has ended, whether or not their table's KMS key can be used. Gives their
    /// number.
    @discardableResult
    public func removeExpired() async throws -> Int {
        let seconds = now() / 1_000
        let expired = (seconds - DynamoDBLimits.expiryAgeSecondsMax)...seconds
        var removed = 0
        for table in try await storage.read({ try $0.allTables() }) where table.definition.timeToLiveAttribute != nil {
            let indexes = table.definition.indexes.map(\.id)
            var batch = 0
            repeat {
                batch = try await storage.write { writer in
                    // A table that was changed meanwhile waits for the next round.
                    guard try writer.revision(ofTable: table.id) == table.revision else { return 0 }
                    let keys = try writer.expiredItems(
                        ofTable: table.id, in: expired, limit: DynamoDBLimits.backgroundBatchItems)
                    for key in keys { try writer.deleteItem(key, inTable: table.id, indexes: indexes) }
                    return keys.count
                }
                removed += batch
            } while batch == DynamoDBLimits.backgroundBatchItems
        }
        return removed
    }

    func removeDropped() async throws {
        while try await storage.write({ try $0.removeDropped(limit: DynamoDBLimits.backgroundBatchItems * 10) }) {}
    }

    func startRemovingDropped() {
        Task {
            do { try await removeDropped() } catch {
                log("Removing dropped items fails", error)
            }
        }
    }

    func startRebuilding(_ table: Int64) {
        Task { await rebuild(table) }
    }

    /// Derives index entries and expiry times anew from every item; then the table's new index is active.
    func rebuild(_ id: Int64) async {
        guard background.begin(id) else { return }
        defer { background.end(id) }
        do {
            while let table = try await tableToRebuild(id) {
                do {
                    try await rebuild(table)
                } catch is StaleTable {
                    // Changed meanwhile: once more, by the new definition.
                }
            }
        } catch {
            log("Filling an index fails", error)
        }
    }

    private func tableToRebuild(_ id: Int64) async throws -> StoredTable? {
        try await storage.read { try $0.allTables() }.first { $0.id == id && $0.definition.isRebuilding }
    }

    private func rebuild(_ stored: StoredTable) async throws {
        let table = try await open(stored, for: ownCaller(stored.scope))
        let indexes = stored.definition.indexes.map(\.id)
        var position: ItemRange.Position?
        repeat {
            let after = position
            position = try await write([table]) { writer in
                var items: [StoredItem] = []
                let range = ItemRange(extent: .partitions(from: [], upTo: nil), after: after)
                try writer.visitItems(ofTable: table.id, in: range) { item in
                    items.append(item)
                    return items.count < DynamoDBLimits.backgroundBatchItems
                }
                for item in items {
                    let content = try table.item(item)
                    try writer.put(
                        item, inTable: table.id, indexes: indexes, entries: table.entries(of: content),
                        expiresAt: table.expiry(of: content))
                }
                return items.last.map { ItemRange.Position(key: $0.key) }
            }
        } while position != nil
        var finished = stored
        finished.definition.isRebuilding = false
        for index in finished.definition.indexes.indices { finished.definition.indexes[index].status = .active }
        try await update(finished)
    }

    private func log(_ message: Logger.Message, _ error: any Error) {
        logger.error(message, metadata: ["error": "\(DynamoDBError.from(error).logText)"])
    }

    /// In whose name background work uses a table's key.
    private func ownCaller(_ scope: TableScope) throws -> Caller {
        guard let account = AccountID(scope.account) else {
            throw StorageError(.corrupt, "a table's account is malformed")
        }
        let role = "role/aws-service-role/dynamodb.amazonaws.com/AWSServiceRoleForDynamoDB"
        return Caller(
            account: account, region: scope.region, principalARN: "arn:aws:iam::\(scope.account):\(role)",
            accessKeyID: "")
    }
}
