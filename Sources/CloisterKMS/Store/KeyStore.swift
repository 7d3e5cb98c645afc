import CloisterServiceKit
import Foundation
import Synchronization

/// Keys and aliases as documents. The revision that the store hands out decides whether a decoded key is still true, so
/// that a change (a disabled key above all) holds for the very next call, on every node that shares the store.
final class KeyStore: Sendable {
    struct Alias: Codable, Sendable, Equatable {
        var keyID: String
        var createdAt: Int64
        var updatedAt: Int64
    }

    static let keyKind = "kms.key"
    static let aliasKind = "kms.alias"

    private struct Name: Hashable {
        let scope: KeyScope
        let id: KeyID
    }

    private let documents: any DocumentStore
    private let cache = Mutex<[Name: LoadedKey]>([:])

    init(_ documents: any DocumentStore) { self.documents = documents }

    // MARK: Reading

    func key(_ id: KeyID, _ scope: KeyScope) async throws -> LoadedKey? {
        let name = Name(scope: scope, id: id)
        guard let document = try await documents.document(KeyStore.keyName(id, scope)) else {
            cache.withLock { _ = $0.removeValue(forKey: name) }
            return nil
        }
        if let known = cache.withLock({ $0[name] }), known.revision == document.revision { return known }
        let loaded = try KeyStore.loaded(document, id, scope)
        cache.withLock { cache in
            if cache.count >= KMSLimits.cachedKeysMax, cache[name] == nil, let other = cache.keys.first {
                cache.removeValue(forKey: other)
            }
            cache[name] = loaded
        }
        return loaded
    }

    /// Keys in the order of their ids, after `after`.
    func keys(_ scope: KeyScope, after: KeyID?, limit: Int) async throws -> [LoadedKey] {
        let page = try await documents.documents(
            kind: KeyStore.keyKind, prefix: scope.prefix, after: after.map { scope.prefix + $0.rawValue }, limit: limit)
        return try page.compactMap { document in
            guard let id = KeyID(String(document.key.name.dropFirst(scope.prefix.count))) else { return nil }
            return try KeyStore.loaded(document, id, scope)
        }
    }

    /// Every key of every scope, a page at a time, by document name: for the sweep.
    func allKeys(after: String?, limit: Int) async throws -> (keys: [LoadedKey], last: String?) {
        let page = try await documents.documents(kind: KeyStore.keyKind, prefix: "", after: after, limit: limit)
        let keys = try page.compactMap { document -> LoadedKey? in
            let parts = document.key.name.split(separator: "/").map(String.init)
            guard parts.count == 3, let id = KeyID(parts[2]) else { return nil }
            return try KeyStore.loaded(document, id, KeyScope(account: parts[0], region: parts[1]))
        }
        return (keys, page.count < limit ? nil : page.last?.key.name)
    }

    func alias(_ name: String, _ scope: KeyScope) async throws -> (alias: Alias, revision: Int64)? {
        guard let document = try await documents.document(KeyStore.aliasName(name, scope)) else { return nil }
        return (try KeyStore.decode(Alias.self, document), document.revision)
    }

    /// Aliases in the order of their names, after `after`.
    func aliases(_ scope: KeyScope, after: String?, limit: Int) async throws -> [(name: String, alias: Alias)] {
        let page = try await documents.documents(
            kind: KeyStore.aliasKind, prefix: scope.prefix, after: after.map { scope.prefix + $0 }, limit: limit)
        return try page.map { (String($0.key.name.dropFirst(scope.prefix.count)), try KeyStore.decode(Alias.self, $0)) }
    }

    // MARK: Changing

    /// Reads, decides and writes until nobody else was faster. `attempt` gives the changes, with what they expect, and
    /// the result.
    func transact<Result>(
        _ attempt: () async throws -> (changes: [DocumentChange], result: Result)
    ) async throws -> Result {
        for _ in 0..<KMSLimits.changeAttemptsMax {
            let decided = try await attempt()
            if try await isApplied(decided.changes) { return decided.result }
        }
        throw KMSError.internal("a change was outrun \(KMSLimits.changeAttemptsMax) times")
    }

    /// False when somebody else changed meanwhile what the changes were based on.
    private func isApplied(_ changes: [DocumentChange]) async throws -> Bool {
        guard !changes.isEmpty else { return true }
        do {
            try await documents.apply(changes)
            return true
        } catch {
            guard error.code == .conflict else { throw error }
            return false
        }
    }

    func eraseRemains() async throws { try await documents.eraseRemains() }

    /// Forgets the unwrapped material of a key now, instead of at its next use.
    func forget(_ id: KeyID, _ scope: KeyScope) {
        cache.withLock { _ = $0.removeValue(forKey: Name(scope: scope, id: id)) }
    }

    static func put(_ record: KeyRecord, _ id: KeyID, _ scope: KeyScope, _ expecting: DocumentChange.Expectation) throws
        -> DocumentChange
    {
        .put(keyName(id, scope), [UInt8](try JSONEncoder().encode(record)), expecting: expecting)
    }

    static func put(_ alias: Alias, _ name: String, _ scope: KeyScope, _ expecting: DocumentChange.Expectation) throws
        -> DocumentChange
    {
        .put(aliasName(name, scope), [UInt8](try JSONEncoder().encode(alias)), expecting: expecting)
    }

    static func keyName(_ id: KeyID, _ scope: KeyScope) -> DocumentKey {
        DocumentKey(kind: keyKind, name: scope.prefix + id.rawValue)
    }

    static func aliasName(_ name: String, _ scope: KeyScope) -> DocumentKey {
        DocumentKey(kind: aliasKind, name: scope.prefix + name)
    }

    private static func loaded(_ document: Document, _ id: KeyID, _ scope: KeyScope) throws -> LoadedKey {
        LoadedKey(id: id, scope: scope, revision: document.revision, record: try decode(KeyRecord.self, document))
    }

    private static func decode<Value: Decodable>(_ type: Value.Type, _ document: Document) throws -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(document.body))
        } catch {
            throw StoreError(.corrupt, "\(document.key) can't be read")
        }
    }
}
