import CloisterServiceKit
import Foundation

/// Secrets and their values as documents.
final class SecretStore: Sendable {
    struct Stored: Sendable {
        let scope: SecretScope
        let revision: Int64
        let record: SecretRecord

        var arn: String { scope.arn("\(record.name)-\(record.suffix)") }
    }

    static let secretKind = "secret"
    static let valueKind = "secret.value"

    private let documents: any DocumentStore

    init(_ documents: any DocumentStore) { self.documents = documents }

    func secret(_ name: String, _ scope: SecretScope) async throws -> Stored? {
        guard let document = try await documents.document(SecretStore.key(name, scope)) else { return nil }
        return Stored(scope: scope, revision: document.revision, record: try SecretStore.decode(SecretRecord.self, document))
    }

    /// Every secret of one account and region, by name.
    func secrets(_ scope: SecretScope) async throws -> [Stored] {
        var found: [Stored] = []
        var after: String?
        while true {
            let page = try await documents.documents(
                kind: SecretStore.secretKind, prefix: scope.prefix, after: after, limit: 500)
            for document in page {
                let record = try SecretStore.decode(SecretRecord.self, document)
                found.append(Stored(scope: scope, revision: document.revision, record: record))
            }
            guard page.count == 500 else { return found }
            after = page.last?.key.name
        }
    }

    /// Every secret of every scope, a page at a time: for the sweep.
    func allSecrets(after: String?) async throws -> (secrets: [Stored], last: String?) {
        let page = try await documents.documents(kind: SecretStore.secretKind, prefix: "", after: after, limit: 500)
        let secrets = try page.compactMap { document -> Stored? in
            let parts = document.key.name.split(separator: "/", maxSplits: 2).map(String.init)
            guard parts.count == 3 else { return nil }
            return Stored(
                scope: SecretScope(account: parts[0], region: parts[1]), revision: document.revision,
                record: try SecretStore.decode(SecretRecord.self, document))
        }
        return (secrets, page.count < 500 ? nil : page.last?.key.name)
    }

    func value(_ secret: Stored, version: String) async throws -> SealedValue? {
        let key = SecretStore.valueKey(secret.record, version, secret.scope)
        guard let document = try await documents.document(key) else { return nil }
        return try SecretStore.decode(SealedValue.self, document)
    }

    /// Reads, decides and writes until nobody else was faster.
    func transact<Result>(
        _ attempt: () async throws -> (changes: [DocumentChange], result: Result)
    ) async throws -> Result {
        for _ in 0..<SecretsLimits.changeAttemptsMax {
            let decided = try await attempt()
            if try await isApplied(decided.changes) { return decided.result }
        }
        throw SecretsError.internal("a change was outrun \(SecretsLimits.changeAttemptsMax) times")
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

    static func put(
        _ record: SecretRecord, _ scope: SecretScope, _ expecting: DocumentChange.Expectation
    ) throws -> DocumentChange {
        .put(key(record.name, scope), [UInt8](try JSONEncoder().encode(record)), expecting: expecting)
    }

    static func put(
        _ value: SealedValue, of record: SecretRecord, version: String, _ scope: SecretScope
    ) throws -> DocumentChange {
        .put(valueKey(record, version, scope), [UInt8](try JSONEncoder().encode(value)))
    }

    static func key(_ name: String, _ scope: SecretScope) -> DocumentKey {
        DocumentKey(kind: secretKind, name: scope.prefix + name)
    }

    /// A space is in no name, so that no two secrets and versions have one name.
    static func valueKey(_ record: SecretRecord, _ version: String, _ scope: SecretScope) -> DocumentKey {
        DocumentKey(kind: valueKind, name: scope.prefix + "\(record.name)-\(record.suffix) \(version)")
    }

    private static func decode<Value: Decodable>(_ type: Value.Type, _ document: Document) throws -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(document.body))
        } catch {
            throw StoreError(.corrupt, "\(document.key) can't be read")
        }
    }
}
