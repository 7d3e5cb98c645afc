import CloisterServiceKit

/// Which kind of key `CreateKey` asks for.
enum KeyChoice {
    /// Throws for what AWS refuses, and 501 for what AWS has and Cloister hasn't.
    static func of(_ input: KMSRequests.CreateKey) throws(ServiceError) -> (spec: KeySpec, usage: KeyUsage) {
        try refuseForeignMaterial(input)
        if let first = input.KeySpec, let second = input.CustomerMasterKeySpec, first != second {
            throw KMSError.validation("KeySpec and CustomerMasterKeySpec can't be given together.")
        }
        let name = input.KeySpec ?? input.CustomerMasterKeySpec ?? KeySpec.symmetricDefault.rawValue
        guard !KeySpec.notBuilt.contains(name) else { throw JSONProtocol.notBuilt("CreateKey with KeySpec \(name)") }
        guard let spec = KeySpec(rawValue: name) else {
            throw KMSValidation.notIn(KeySpec.allCases.map(\.rawValue) + KeySpec.notBuilt.sorted(), name, "keySpec")
        }
        return (spec, try usage(input, spec))
    }

    private static func usage(_ input: KMSRequests.CreateKey, _ spec: KeySpec) throws(ServiceError) -> KeyUsage {
        guard let usage = try KMSValidation.choice(input.KeyUsage, "keyUsage", as: KeyUsage.self) else {
            guard spec == .symmetricDefault else {
                throw KMSError.validation("You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.")
            }
            return .encryptDecrypt
        }
        guard usage != .keyAgreement else { throw JSONProtocol.notBuilt("CreateKey with KeyUsage KEY_AGREEMENT") }
        guard spec.usages.contains(usage) else {
            throw KMSError.validation("KeyUsage \(usage.rawValue) is not compatible with KeySpec \(spec.rawValue)")
        }
        return usage
    }

    private static func refuseForeignMaterial(_ input: KMSRequests.CreateKey) throws(ServiceError) {
        let origins = ["AWS_KMS", "EXTERNAL", "AWS_CLOUDHSM", "EXTERNAL_KEY_STORE"]
        if let origin = input.Origin, origin != "AWS_KMS" {
            guard origins.contains(origin) else { throw KMSValidation.notIn(origins, origin, "origin") }
            throw JSONProtocol.notBuilt("CreateKey with Origin \(origin)")
        }
        if input.MultiRegion == true { throw JSONProtocol.notBuilt("CreateKey with MultiRegion") }
        if input.CustomKeyStoreId != nil { throw JSONProtocol.notBuilt("CreateKey with CustomKeyStoreId") }
        if input.XksKeyId != nil { throw JSONProtocol.notBuilt("CreateKey with XksKeyId") }
    }
}
