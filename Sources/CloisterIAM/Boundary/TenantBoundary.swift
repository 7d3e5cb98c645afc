import CloisterCore
import Foundation

/// Which things belong to which tenant, by their names, keys and tags. What a tenant's environment may reach is decided
/// with it by `BoundaryCheck`, whatever the function's role allows.
public struct TenantBoundary: Sendable, Equatable {
    /// What differs for one table.
    struct Table: Sendable, Equatable {
        var leadingKeys: OwnerPatterns?
        /// Every tenant may read all of it, by scans too; nobody may write from a tenant's environment.
        var isShared = false
    }

    /// Forms of partition keys.
    var leadingKeys: OwnerPatterns
    /// Partition keys that hold nothing but the tenant, by the attribute's name (folded like a tag's).
    var tenantAttributes: Set<String>
    var tables: [String: Table]
    var keyAliases: OwnerPatterns
    var secretNames: OwnerPatterns
    /// Keys of tags and of encryption contexts that name a tenant, folded.
    var tagKeys: Set<String>
    /// What a tenant's environment may do on top, because it touches nobody's data.
    var allowedActions: [PolicyPattern]

    /// The forms that AWS's guides to multi-tenant applications use.
    public static let standard: TenantBoundary = {
        do throws(PolicyError) {
            return try TenantBoundary(Document())
        } catch {
            preconditionFailure("the standard tenant boundary: \(error)")
        }
    }()

    /// The document's members; those that are missing stand for the standard.
    struct Document: Decodable {
        struct Table: Decodable {
            var leadingKeys: [String]?
            var shared: Bool?

            enum CodingKeys: String, CodingKey { case leadingKeys = "LeadingKeys", shared = "Shared" }
        }

        var leadingKeys: [String]?
        var tenantAttributes: [String]?
        var tables: [String: Table]?
        var keyAliases: [String]?
        var secretNames: [String]?
        var tagKeys: [String]?
        var allowedActions: [String]?

        enum CodingKeys: String, CodingKey, CaseIterable {
            case leadingKeys = "LeadingKeys", tenantAttributes = "TenantAttributes", tables = "Tables"
            case keyAliases = "KeyAliases", secretNames = "SecretNames", tagKeys = "TagKeys"
            case allowedActions = "AllowedActions"
        }
    }

    /// A boundary document, JSON. Strict: a member that isn't known is an error.
    public init(_ text: String) throws(PolicyError) {
        guard case .object(let members, _) = try PolicyJSON.parse(text) else {
            throw PolicyError("A tenant boundary must be an object.")
        }
        let known = Set(Document.CodingKeys.allCases.map(\.rawValue))
        if let unknown = members.first(where: { !known.contains($0.name) }) {
            throw PolicyError("A tenant boundary has no member \(unknown.name.prefix(64)).")
        }
        let document: Document
        do {
            document = try JSONDecoder().decode(Document.self, from: Data(text.utf8))
        } catch {
            throw PolicyError("A member of the tenant boundary has a wrong type.")
        }
        try self.init(document)
    }

    init(_ document: Document) throws(PolicyError) {
        leadingKeys = try OwnerPatterns(document.leadingKeys ?? ["TENANT#${tenant}", "TENANT#${tenant}#*"])
        tenantAttributes = Set((document.tenantAttributes ?? ["tenant_id"]).map(TenantBoundary.foldedTagKey))
        tables = [:]
        for (name, table) in document.tables ?? [:] {
            var patterns: OwnerPatterns?
            if let texts = table.leadingKeys { patterns = try OwnerPatterns(texts) }
            tables[name] = Table(leadingKeys: patterns, isShared: table.shared ?? false)
        }
        keyAliases = try OwnerPatterns(
            document.keyAliases
                ?? ["tenant/", "tenants/", "tenant-"].flatMap { ["alias/\($0)${tenant}", "alias/\($0)${tenant}/*"] })
        secretNames = try OwnerPatterns(
            document.secretNames
                ?? ["tenants/${tenant}/*", "tenant/${tenant}/*", "/tenants/${tenant}/*", "/tenant/${tenant}/*"])
        tagKeys = Set((document.tagKeys ?? ["tenant_id", "tenant"]).map(TenantBoundary.foldedTagKey))
        allowedActions = []
        for text in document.allowedActions ?? [] { allowedActions.append(try PolicyPattern(text, hasVariables: false)) }
    }

    /// `tenant_id`, `TenantId` and `tenant-id` are one key.
    static func foldedTagKey(_ key: String) -> String {
        String(OwnerPattern.folded(key).filter { $0 != "_" && $0 != "-" })
    }

    func isTenantKey(_ key: some StringProtocol) -> Bool { tagKeys.contains(TenantBoundary.foldedTagKey(String(key))) }
}
