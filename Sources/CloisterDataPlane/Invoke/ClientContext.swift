import CloisterCore
import CloisterWire
import Foundation

/// The client context of an invocation: a JSON object that the caller sends as base64.
struct ClientContext {
    /// AWS's bound on the base64.
    static let base64BytesMax = 3_583

    private let bytes: [UInt8]
    private let members: [JSONMembers.Member]

    /// Throws a text for the caller.
    init(base64: String) throws(Malformed) {
        guard base64.utf8.count <= ClientContext.base64BytesMax, let data = Data(base64Encoded: base64) else {
            throw Malformed()
        }
        try self.init(json: Array(data))
    }

    init(json: [UInt8]) throws(Malformed) {
        guard JSONValidator.isValid(json), String(validating: json, as: UTF8.self) != nil,
            let members = JSONMembers.of(json, in: 0..<json.count)
        else { throw Malformed() }
        self.bytes = json
        self.members = members
    }

    struct Malformed: Error {}

    /// What `custom.tenantId` says. Two members of one name could be read in two ways, so they are malformed.
    var tenantClaim: TenantAdmission.Claim {
        let customs = members.filter { $0.name == "custom" }
        guard customs.count <= 1 else { return .malformed }
        guard let custom = customs.first, let inner = JSONMembers.of(bytes, in: custom.value) else { return .absent }
        let claims = inner.filter { $0.name == "tenantId" }
        guard claims.count <= 1 else { return .malformed }
        guard let claim = claims.first, bytes[claim.value].elementsEqual("null".utf8) == false else { return .absent }
        guard let text = JSONMembers.text(bytes, in: claim.value) else { return .malformed }
        return .text(text)
    }

    /// The context as the runtime gets it: one line, ASCII, with `custom.tenantId` as admitted.
    func text(admitting tenant: TenantID?) -> String? {
        guard let tenant, tenantClaim == .absent else { return JSONMembers.oneLineASCII(bytes) }
        return JSONMembers.oneLineASCII(ClientContext.insert(tenant, into: bytes, members))
    }

    /// The context of an invocation whose caller gave none.
    static func text(for tenant: TenantID) -> String { "{\"custom\":{\"tenantId\":\(JSONMembers.quoted(tenant.rawValue))}}" }

    private static func insert(_ tenant: TenantID, into bytes: [UInt8], _ members: [JSONMembers.Member]) -> [UInt8] {
        let pair = "\"tenantId\":\(JSONMembers.quoted(tenant.rawValue))"
        var output = bytes
        if let custom = members.first(where: { $0.name == "custom" }) {
            if let inner = JSONMembers.of(bytes, in: custom.value) {
                if let empty = inner.first(where: { $0.name == "tenantId" }) {
                    // It was null.
                    output.replaceSubrange(empty.value, with: JSONMembers.quoted(tenant.rawValue).utf8)
                } else {
                    output.insert(contentsOf: "\(pair)\(inner.isEmpty ? "" : ",")".utf8, at: custom.value.lowerBound + 1)
                }
            } else {
                output.replaceSubrange(custom.value, with: "{\(pair)}".utf8)
            }
            return output
        }
        let brace = bytes.firstIndex(of: UInt8(ascii: "{")) ?? 0
        output.insert(contentsOf: "\"custom\":{\(pair)}\(members.isEmpty ? "" : ",")".utf8, at: brace + 1)
        return output
    }
}
