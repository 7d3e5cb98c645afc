import CloisterServiceKit
import Foundation

/// Grants as policy: a grant that covers a call becomes an `Allow` statement in the key policy that the authorizer sees.
/// So an explicit deny and the tenant boundary hold against grants as they do against policies.
enum GrantStatements {
    /// The key's policy, with what its grants allow this caller for this call.
    static func policy(of record: KeyRecord, for access: KeyAccess, caller: Caller) -> String {
        let isGranted = record.grants.contains { grant in
            grant.operations.contains(access.operation) && isPrincipal(grant.grantee, caller)
                && (access.context == nil || grant.allows(context: access.context ?? [:]))
        }
        return isGranted ? adding(access.operation, to: record.policy, caller: caller) : record.policy
    }

    /// Whether `principal` (a user, a role, or one session of a role) is the caller.
    static func isPrincipal(_ principal: String, _ caller: Caller) -> Bool {
        if principal == caller.principalARN { return true }
        let granted = principal.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false)
        let actual = caller.principalARN.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false)
        guard granted.count == 6, actual.count == 6, granted[2] == "iam", actual[2] == "sts", granted[4] == actual[4],
            granted[5].hasPrefix("role/"), actual[5].hasPrefix("assumed-role/")
        else { return false }
        let session = actual[5].split(separator: "/")
        return session.count == 3 && granted[5].split(separator: "/").last == session[1]
    }

    static func adding(_ operation: String, to policy: String, caller: Caller) -> String {
        let parsed = try? JSONSerialization.jsonObject(with: Data(policy.utf8))  // stored policies were checked
        var document = parsed as? [String: Any] ?? ["Version": "2012-10-17"]
        let statement: [String: Any] = [
            "Sid": "Grant", "Effect": "Allow", "Principal": ["AWS": caller.principalARN], "Action": "kms:\(operation)",
            "Resource": "*",
        ]
        switch document["Statement"] {
        case let list as [Any]: document["Statement"] = list + [statement]
        case let single as [String: Any]: document["Statement"] = [single, statement]
        default: document["Statement"] = [statement]
        }
        guard let bytes = try? JSONSerialization.data(withJSONObject: document, options: .sortedKeys) else { return policy }
        return String(decoding: bytes, as: UTF8.self)
    }
}
