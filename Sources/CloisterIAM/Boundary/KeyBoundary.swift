/// Keys belong to the tenant that their aliases and tags name.
struct KeyBoundary {
    let check: BoundaryCheck

    /// Using and describing a shared key.
    private static let sharedUse: Set<String> = [
        "Encrypt", "Decrypt", "ReEncryptFrom", "ReEncryptTo", "ReEncrypt", "GenerateDataKey",
        "GenerateDataKeyWithoutPlaintext", "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext", "GenerateRandom",
        "Sign", "Verify", "GenerateMac", "VerifyMac", "DescribeKey", "GetPublicKey", "GetKeyRotationStatus",
        "ListKeyRotations", "ListResourceTags", "GetKeyPolicy", "ListKeyPolicies",
    ]

    func verdict(_ call: BoundaryRequest) -> BoundaryVerdict {
        let names = call.values("kms:ResourceAliases") + (call.keyAlias.map { [$0] } ?? [])
        var owners = names.map { (name: $0, owner: check.boundary.keyAliases.owner(of: $0, for: check.tenant)) }
        // The alias that a request names may be one that it wants to give to the key: it can speak against the caller
        // only, or a shared key would be had by asking for an alias of it.
        for alias in call.values("kms:RequestAlias") {
            let owner = check.boundary.keyAliases.owner(of: alias, for: check.tenant)
            if owner == .foreign { owners.append((alias, owner)) }
        }
        if call.operation == "CreateKey" {
            // A key that nobody owns would be everybody's.
            return call.requestTenants.isEmpty
                ? check.outside("a new key must be tagged for the tenant", "CreateKey without the tenant's tag") : .inside
        }
        return check.verdict(call, names: owners, sharedUse: KeyBoundary.sharedUse)
    }
}

/// Secrets belong to the tenant that their names and tags name.
struct SecretBoundary {
    let check: BoundaryCheck

    private static let sharedUse: Set<String> = [
        "GetSecretValue", "BatchGetSecretValue", "DescribeSecret", "ListSecretVersionIds", "GetResourcePolicy",
        "GetRandomPassword",
    ]

    func verdict(_ call: BoundaryRequest) -> BoundaryVerdict {
        let names = call.values("secretsmanager:Name") + (call.secretName.map { [$0] } ?? [])
        let owners = names.map { (name: $0, owner: check.boundary.secretNames.owner(of: $0, for: check.tenant)) }
        if call.operation == "CreateSecret", !call.requestTenants.isEmpty, !owners.contains(where: { $0.owner == .foreign }) {
            return .inside
        }
        return check.verdict(call, names: owners, sharedUse: SecretBoundary.sharedUse)
    }
}
