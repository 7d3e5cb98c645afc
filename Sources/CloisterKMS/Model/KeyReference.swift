import CloisterCore
import CloisterServiceKit

/// How a caller names a key.
enum KeyReference: Equatable {
    case key(KeyID)
    /// With `alias/`.
    case alias(String)

    /// A key id, key ARN, alias name or alias ARN. Throws `NotFoundException` for anything else, and for an ARN of another
    /// account or region, whose keys can't be used from here.
    static func parse(_ text: String, for caller: Caller) throws(ServiceError) -> KeyReference {
        guard text.hasPrefix("arn:") else { return try resource(text[...], whole: text) }
        let parts = text.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false)
        guard parts.count == 6, parts[2] == "kms" else { throw KMSError.invalidARN(text) }
        guard parts[3] == caller.region, parts[4] == caller.account.rawValue else { throw KMSError.foreign(text) }
        guard parts[5].hasPrefix("key/") else {
            guard parts[5].hasPrefix("alias/") else { throw KMSError.invalidARN(text) }
            return .alias(String(parts[5]))
        }
        return try resource(parts[5].dropFirst(4), whole: text)
    }

    private static func resource(_ name: Substring, whole: String) throws(ServiceError) -> KeyReference {
        if name.hasPrefix("alias/") { return .alias(String(name)) }
        guard let id = KeyID(String(name)) else { throw KMSError.notFound("Invalid keyId '\(whole.prefix(256))'") }
        return .key(id)
    }
}

extension Caller {
    func keyARN(_ id: KeyID) -> String { "arn:aws:kms:\(region):\(account):key/\(id)" }
    func aliasARN(_ name: String) -> String { "arn:aws:kms:\(region):\(account):\(name)" }
}
