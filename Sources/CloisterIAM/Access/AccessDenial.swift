import CloisterServiceKit
import Foundation

/// A refusal as `DecodeAuthorizationMessage` shows it.
struct AccessDenial: Codable {
    struct Statements: Codable { var items: [Item] }

    struct Item: Codable {
        var statementId: String
        var effect: String
        /// The policy that it is in.
        var policy: String
    }

    struct Principal: Codable {
        var id: String
        var arn: String
    }

    struct Condition: Codable {
        var key: String
        var values: [String]
    }

    struct Context: Codable {
        var principal: Principal
        var action: String
        var resource: String
        var conditions: [Condition]
    }

    var allowed = false
    var explicitDeny: Bool
    var matchedStatements: Statements
    var reason: String
    var context: Context

    /// What the answer can carry.
    private static let encodedBytesMax = 4_096

    init(_ request: AccessRequest, _ caller: Caller, _ decision: PolicyDecision) {
        var items: [Item] = []
        explicitDeny = false
        if case .explicitlyDenied(let statement) = decision {
            explicitDeny = true
            items = [Item(statementId: statement.sid ?? "", effect: "DENY", policy: statement.policy)]
        }
        matchedStatements = Statements(items: items)
        reason = decision.reason(action: request.action)
        context = Context(
            principal: Principal(id: caller.principalID, arn: caller.principalARN), action: request.action,
            resource: request.resource,
            conditions: request.conditions.sorted { $0.key < $1.key }.map { Condition(key: $0.key, values: $0.value) })
    }

    /// Sealed; nil when it would be too large.
    func encoded(_ keys: IAMKeys) -> String? {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
        // Texts and flags: they can always be encoded.
        guard let bytes = try? encoder.encode(self), bytes.count <= AccessDenial.encodedBytesMax * 3 / 4 else { return nil }
        return keys.sealMessage([UInt8](bytes))
    }

    /// In the form of the service that was called: JSON services have `AccessDeniedException`, 400, Lambda 403.
    static func error(_ request: AccessRequest, _ caller: Caller, reason: String, encoded: String?) -> ServiceError {
        let place = request.resource == "*" ? "" : " on resource: \(request.resource)"
        return ServiceError(
            "AccessDeniedException", status: request.action.hasPrefix("lambda:") ? 403 : 400,
            message: "User: \(caller.principalARN) is not authorized to perform: \(request.action)\(place) \(reason)",
            headers: encoded.map { [headerName: $0] } ?? [:])
    }

    /// What `DecodeAuthorizationMessage` takes.
    static let headerName = "x-cloister-encoded-authorization-message"
}
