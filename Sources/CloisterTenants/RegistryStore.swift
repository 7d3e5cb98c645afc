import CloisterCore
import CloisterServiceKit
import FoundationEssentials

/// The registry as documents: `tenant` ID and `tier` NAME.
struct RegistryStore: Sendable {
    static let tenantKind = "tenant"
    static let tierKind = "tier"
    static let pageSize = 500

    struct Listed<Record: Sendable>: Sendable {
        var name: String
        /// Nil when the document can't be read.
        var record: Record?
    }

    let documents: any DocumentStore

    func tenant(_ id: TenantID) async throws(ServiceError) -> TenantRecord? {
        try await record(RegistryStore.tenantKind, id.rawValue)
    }

    func tier(_ name: String) async throws(ServiceError) -> TierRecord? {
        try await record(RegistryStore.tierKind, name)
    }

    func tenants(after: String?, limit: Int) async throws(ServiceError) -> [Listed<TenantRecord>] {
        try await page(RegistryStore.tenantKind, after: after, limit: limit)
    }

    /// Every tier; there are at most `TenantRegistry.tiersMax`.
    func tiers() async throws(ServiceError) -> [Listed<TierRecord>] {
        try await page(RegistryStore.tierKind, after: nil, limit: TenantRegistry.tiersMax)
    }

    func put(_ kind: String, _ name: String, _ record: some Encodable) async throws(ServiceError) {
        let body: [UInt8]
        do { body = Array(try RegistryStore.encoder.encode(record)) } catch {
            throw .service(log: "can't encode \(kind) \(name)")
        }
        try await apply([.put(DocumentKey(kind: kind, name: name), body)])
    }

    func delete(_ kind: String, _ name: String) async throws(ServiceError) {
        try await apply([.delete(DocumentKey(kind: kind, name: name))])
    }

    static var encoder: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }

    private func apply(_ changes: [DocumentChange]) async throws(ServiceError) {
        do { try await documents.apply(changes) } catch { throw .service(log: error.description) }
    }

    private func record<Record: Decodable & Sendable>(_ kind: String, _ name: String) async throws(ServiceError)
        -> Record?
    {
        let body: [UInt8]?
        do { body = try await documents.document(kind: kind, name: name) } catch {
            throw .service(log: error.description)
        }
        guard let body else { return nil }
        do { return try JSONDecoder().decode(Record.self, from: Data(body)) } catch {
            throw .service(log: "the document \(kind) \(name) can't be read")
        }
    }

    private func page<Record: Decodable & Sendable>(
        _ kind: String, after: String?, limit: Int
    ) async throws(ServiceError) -> [Listed<Record>] {
        do {
            return try await documents.documents(kind: kind, prefix: "", after: after, limit: limit).map {
                Listed(
                    name: $0.key.name, record: try? JSONDecoder().decode(Record.self, from: Data($0.body)))
            }
        } catch {
            throw .service(log: error.description)
        }
    }
}
