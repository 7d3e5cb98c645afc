import CloisterCore
import CloisterServiceKit

/// A request with what the boundary looks at taken out of its condition keys.
struct BoundaryRequest {
    let service: String
    /// Without the service: `GetItem`.
    let operation: String
    let resource: String
    /// Condition keys in lower case.
    private let conditions: [String: [String]]
    private let boundary: TenantBoundary

    init(_ request: AccessRequest, _ boundary: TenantBoundary) {
        let parts = request.action.split(separator: ":", maxSplits: 1)
        service = parts.first.map { $0.lowercased() } ?? ""
        operation = parts.count == 2 ? String(parts[1]) : ""
        resource = request.resource
        conditions = Dictionary(request.conditions.map { ($0.key.lowercased(), $0.value) }) { $0 + $1 }
        self.boundary = boundary
    }

    func values(_ key: String) -> [String] { conditions[key.lowercased()] ?? [] }

    /// Values of the tags that name a tenant on the resource.
    var resourceTenants: [String] {
        tenants(after: ["aws:resourcetag/", "secretsmanager:resourcetag/", "kms:resourcetag/", "dynamodb:resourcetag/"])
    }

    /// Values of the tags that name a tenant and that the request would set.
    var requestTenants: [String] { tenants(after: ["aws:requesttag/"]) }

    /// Values of encryption contexts that name a tenant.
    var contextTenants: [String] { tenants(after: ["kms:encryptioncontext:", "kms:encryptioncontext/"]) }

    /// Whether the request sets or removes a tag that names a tenant.
    var touchesTenantTags: Bool { values("aws:TagKeys").contains { boundary.isTenantKey($0) } }

    private func tenants(after prefixes: [String]) -> [String] {
        var found: [String] = []
        for (key, values) in conditions {
            for prefix in prefixes where key.hasPrefix(prefix) && boundary.isTenantKey(key.dropFirst(prefix.count)) {
                found += values
            }
        }
        return found
    }

    /// `orders` of `arn:aws:dynamodb:eu-west-1:000000000000:table/orders/index/by-date`.
    var table: (name: String, isIndex: Bool)? {
        let parts = arnResource.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count >= 2, parts[0] == "table" else { return nil }
        return (String(parts[1]), parts.count > 2)
    }

    /// A secret's name: its ARN without the six characters that make it unique.
    var secretName: String? {
        guard arnResource.hasPrefix("secret:") else { return nil }
        let name = arnResource.dropFirst("secret:".count)
        guard name.utf8.count > 7, name.dropLast(6).last == "-" else { return String(name) }
        return String(name.dropLast(7))
    }

    /// `alias/…`, where the request is about an alias.
    var keyAlias: String? { arnResource.hasPrefix("alias/") ? String(arnResource) : nil }

    /// What follows the fifth colon.
    private var arnResource: Substring {
        let parts = resource.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false)
        return parts.count == 6 ? parts[5] : ""
    }

    /// A log group's name.
    var logGroup: String? {
        guard arnResource.hasPrefix("log-group:") else { return nil }
        return arnResource.dropFirst("log-group:".count).split(separator: ":").first.map(String.init)
    }
}
