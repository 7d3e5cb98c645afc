import CloisterTemplates
import Foundation

/// The tenant registry: `/_cloister/tenants` and `/_cloister/tiers`.
struct RegistryClient {
    let api: APIClient

    func tier(_ name: String) throws -> RegistryDocument { try document("GET", tierPath(name)) }

    func putTier(_ name: String, _ members: [String: JSONValue]) throws -> RegistryDocument {
        try document("PUT", tierPath(name), members)
    }

    func deleteTier(_ name: String) throws { _ = try send("DELETE", tierPath(name)) }

    func tiers() throws -> [RegistryDocument] { try list(try send("GET", "/_cloister/tiers"), "tiers").items }

    func tenant(_ id: String) throws -> RegistryDocument { try document("GET", tenantPath(id)) }

    func putTenant(_ id: String, _ members: [String: JSONValue]) throws -> RegistryDocument {
        try document("PUT", tenantPath(id), members)
    }

    func deleteTenant(_ id: String) throws { _ = try send("DELETE", tenantPath(id)) }

    /// `verb`: `suspend` or `resume`.
    func setStatus(_ id: String, _ verb: String) throws -> RegistryDocument {
        try document("POST", tenantPath(id) + "/" + verb)
    }

    /// All of them, page by page.
    func tenants() throws -> [RegistryDocument] {
        var all: [RegistryDocument] = []
        var after: String?
        repeat {
            let query = after.map { [(name: "after", value: $0)] } ?? []
            let page = try list(try send("GET", "/_cloister/tenants", query: query), "tenants")
            all += page.items
            after = page.next
        } while after != nil
        return all
    }

    private func document(
        _ method: String, _ path: String, _ members: [String: JSONValue]? = nil
    ) throws -> RegistryDocument {
        guard let value = try send(method, path, body: members) else {
            throw CommandFailure("the server's answer can't be read")
        }
        return RegistryDocument(value: value)
    }

    private func list(_ answer: JSONValue?, _ key: String) throws -> (items: [RegistryDocument], next: String?) {
        guard let items = answer?[key]?.array else { throw CommandFailure("the server's answer can't be read") }
        return (items.map { RegistryDocument(value: $0) }, answer?["next"]?.string)
    }

    private func send(
        _ method: String, _ path: String, query: [(name: String, value: String)] = [],
        body: [String: JSONValue]? = nil
    ) throws -> JSONValue? {
        var request = APIRequest(method, path, query: query, service: "cloister")
        if let body {
            request.body = try JSONValue.object(body).bytes
            request.fields = [(name: "content-type", value: "application/json")]
        }
        return JSONValue(bytes: try api.send(request).body)
    }

    private func tierPath(_ name: String) -> String { "/_cloister/tiers/\(RegistryClient.encode(name))" }
    private func tenantPath(_ id: String) -> String { "/_cloister/tenants/\(RegistryClient.encode(id))" }

    /// With the dots as well: `..` is a tenant's id, and no way up.
    static func encode(_ text: String) -> String { APIRequest.encode(text).replacing(".", with: "%2E") }
}

/// A tier or a tenant as the server describes it.
struct RegistryDocument {
    let value: JSONValue

    var name: String { value["name"]?.string ?? value["id"]?.string ?? "" }
    var tier: String? { value["tier"]?.string }
    var status: String? { value["status"]?.string }

    func limit(_ key: String) -> String { RegistryDocument.text(value["limits"]?[key]) }
    func member(_ key: String) -> String { RegistryDocument.text(value[key]) }

    var functions: String {
        (value["functions"]?.array ?? []).compactMap(\.string).map(RegistryDocument.short).joined(separator: " ")
    }

    /// What is in force, with the tier's part.
    var effective: RegistryDocument? { value["effective"].map { RegistryDocument(value: $0) } }

    /// `NAME:QUALIFIER` of an ARN.
    private static func short(_ arn: String) -> String {
        arn.split(separator: ":", omittingEmptySubsequences: false).dropFirst(6).joined(separator: ":")
    }

    private static func text(_ value: JSONValue?) -> String {
        switch value {
        case .integer(let number): String(number)
        case .number(let number): Int(exactly: number).map { String($0) } ?? String(number)
        case .string(let text): text
        default: "–"
        }
    }
}
