import CloisterCore
import CloisterServiceKit

/// Who asks, and through which service of the platform (`secretsmanager`), if any.
struct Requester: Sendable {
    let caller: Caller
    var via: String?

    var scope: KeyScope { KeyScope(caller) }
}

/// What is about to be done with a key, as far as permission depends on it.
struct KeyAccess: Sendable {
    /// `Encrypt`: the permission is `kms:Encrypt`, and grants name it so.
    var operation: String
    /// The encryption context, for operations that have one.
    var context: [String: String]?
    /// Further condition keys.
    var conditions: [String: [String]] = [:]
    /// Whether a key may be named by an alias.
    var takesAliases = true

    init(
        _ operation: String, context: [String: String]? = nil, conditions: [String: [String]] = [:],
        takesAliases: Bool = true
    ) {
        self.operation = operation
        self.context = context
        self.conditions = conditions
        self.takesAliases = takesAliases
    }

    /// The condition keys of IAM's reference for KMS, for one key.
    func conditions(key: LoadedKey?, alias: String?, requester: Requester) -> [String: [String]] {
        var values = conditions
        values["kms:CallerAccount"] = [requester.caller.account.rawValue]
        if let via = requester.via { values["kms:ViaService"] = ["\(via).\(requester.caller.region).amazonaws.com"] }
        if let alias { values["kms:RequestAlias"] = [alias] }
        if let context, !context.isEmpty {
            values["kms:EncryptionContextKeys"] = context.keys.sorted()
            for (name, value) in context { values["kms:EncryptionContext:\(name)"] = [value] }
        }
        guard let record = key?.record else { return values }
        values["kms:KeySpec"] = [record.spec.rawValue]
        values["kms:KeyUsage"] = [record.usage.rawValue]
        values["kms:KeyOrigin"] = ["AWS_KMS"]
        if !record.aliases.isEmpty { values["kms:ResourceAliases"] = record.aliases }
        for tag in record.tags { values["aws:ResourceTag/\(tag.key)"] = [tag.value] }
        return values
    }
}
