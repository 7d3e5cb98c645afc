import CloisterCore
import CloisterServiceKit
import Foundation
import Synchronization

/// IAM's state of one account: in memory to decide by, in the document store to last. A change is on disk before anybody
/// sees it.
public final class IAMStore: Sendable {
    public let account: AccountID
    let keys: IAMKeys
    private let documents: any DocumentStore
    private let state: Mutex<IAMState>
    private let queue = ChangeQueue()

    /// - Parameter rootKey: 32 bytes: wraps the secrets of access keys and seals session tokens. Another one makes all of
    ///   them worthless.
    public init(account: AccountID, documents: any DocumentStore, rootKey: [UInt8], random: @escaping RandomBytes = IAMKeys.systemRandom) {
        self.account = account
        self.documents = documents
        keys = IAMKeys(rootKey: rootKey, random: random)
        state = Mutex(IAMState(account: account))
    }

    /// Reads everything. Before the first request.
    public func load() async throws(StoreError) {
        var loaded = IAMState(account: account)
        do {
            for user in try await all(IAMState.userKind, UserRecord.self) { try loaded.put(user) }
            for group in try await all(IAMState.groupKind, GroupRecord.self) { try loaded.put(group) }
            for role in try await all(IAMState.roleKind, RoleRecord.self) { try loaded.put(role) }
            for policy in try await all(IAMState.policyKind, ManagedPolicyRecord.self) { try loaded.put(policy) }
        } catch let error as StoreError {
            throw error
        } catch {
            throw StoreError(.corrupt, "IAM: \(error)")
        }
        _ = loaded.takeChanges()
        state.withLock { $0 = loaded }
    }

    /// One moment's state; copying it is cheap.
    var snapshot: IAMState { state.withLock { $0 } }

    /// Reads a little without copying.
    func read<Value: Sendable>(_ body: (IAMState) -> Value) -> Value { state.withLock { body($0) } }

    /// One change at a time: `body` changes a copy, which takes effect once its documents are on disk.
    func change<Value: Sendable>(
        _ body: @escaping @Sendable (inout IAMState) throws(ServiceError) -> Value
    ) async throws(ServiceError) -> Value {
        try await queue.run { [self] in await changed(body) }.get()
    }

    private func changed<Value: Sendable>(
        _ body: @Sendable (inout IAMState) throws(ServiceError) -> Value
    ) async -> Result<Value, ServiceError> {
        do throws(ServiceError) {
            var next = snapshot
            let value = try body(&next)
            let changes = next.takeChanges()
            if !changes.isEmpty {
                do { try await documents.apply(changes) } catch { throw IAMError.unavailable("\(error)") }
            }
            let changed = next
            state.withLock { $0 = changed }
            return .success(value)
        } catch {
            return .failure(error)
        }
    }

    private func all<Record: Decodable>(_ kind: String, _ type: Record.Type) async throws -> [Record] {
        var records: [Record] = []
        var after: String?
        while true {
            let page = try await documents.documents(kind: kind, prefix: "\(account)/", after: after, limit: 500)
            for document in page {
                do {
                    records.append(try JSONDecoder().decode(type, from: Data(document.body)))
                } catch {
                    throw StoreError(.corrupt, "\(document.key): \(error)")
                }
            }
            guard page.count == 500, let last = page.last else { return records }
            after = last.key.name
        }
    }
}

/// Runs what it is given one after the other, in the order of arrival.
private final class ChangeQueue: Sendable {
    private let tail = Mutex<Task<Void, Never>?>(nil)

    func run<Value: Sendable>(_ body: @escaping @Sendable () async -> Value) async -> Value {
        let task = tail.withLock { tail in
            let before = tail
            // Not the caller's own task: one that is cancelled must not leave a change half made.
            let task = Task {
                await before?.value
                return await body()
            }
            tail = Task { _ = await task.value }
            return task
        }
        return await task.value
    }
}
