import CloisterServiceKit
import Foundation

extension KMSService {
    func sign(_ call: KMSCall) async throws -> Responses.Signed {
        let input = try call.input(Requests.Signing.self)
        let (digest, algorithm, key) = try await signing(input, "Sign", call)
        if input.DryRun == true { throw KMSError.dryRun }
        let material = try ring.onlyMaterial(key)
        let spec = key.record.spec
        let signature = try Signatures.sign(digest, algorithm, spec: spec, privateKey: material.bytes)
        return Responses.Signed(KeyId: key.arn, Signature: Data(signature), SigningAlgorithm: algorithm.rawValue)
    }

    /// A signature that isn't the key's is an error, not `SignatureValid: false`, as on AWS.
    func verify(_ call: KMSCall) async throws -> Responses.Verified {
        let input = try call.input(Requests.Signing.self)
        let signature = try Check.blob(input.Signature, "signature", 1...KMSLimits.ciphertextBytesMax)
        let (digest, algorithm, key) = try await signing(input, "Verify", call)
        if input.DryRun == true { throw KMSError.dryRun }
        guard let publicKey = key.record.publicKey else { throw KMSError.internal("\(key.arn) has no public key") }
        let isValid = try Signatures.isValid(
            signature, for: digest, algorithm, spec: key.record.spec, publicKey: [UInt8](publicKey))
        guard isValid else { throw ServiceError("KMSInvalidSignatureException", status: 400, message: "") }
        return Responses.Verified(KeyId: key.arn, SignatureValid: true, SigningAlgorithm: algorithm.rawValue)
    }

    func getPublicKey(_ call: KMSCall) async throws -> Responses.PublicKey {
        let input = try call.input(Requests.Key.self)
        try Check.grantTokens(input.GrantTokens)
        let key = try await ring.key(input.KeyId, KeyAccess("GetPublicKey"), for: call.requester)
        guard let publicKey = key.record.publicKey else {
            throw KMSError.unsupported("\(key.arn) key spec is \(key.record.spec.rawValue) which is not valid for GetPublicKey.")
        }
        try ring.checkUsable(key, for: key.record.usage, "GetPublicKey")
        let shown = Responses.KeyMetadata(key)
        return Responses.PublicKey(
            KeyId: key.arn, PublicKey: publicKey, CustomerMasterKeySpec: shown.KeySpec, KeySpec: shown.KeySpec,
            KeyUsage: shown.KeyUsage, EncryptionAlgorithms: shown.EncryptionAlgorithms,
            SigningAlgorithms: shown.SigningAlgorithms, KeyAgreementAlgorithms: shown.KeyAgreementAlgorithms)
    }

    func generateMac(_ call: KMSCall) async throws -> Responses.MAC {
        let input = try call.input(Requests.Signing.self)
        let (message, algorithm, key) = try await authentication(input, "GenerateMac", call)
        if input.DryRun == true { throw KMSError.dryRun }
        let code = MACs.code(for: message, algorithm, key: try ring.onlyMaterial(key).bytes)
        return Responses.MAC(Mac: Data(code), MacAlgorithm: algorithm.rawValue, KeyId: key.arn)
    }

    func verifyMac(_ call: KMSCall) async throws -> Responses.VerifiedMAC {
        let input = try call.input(Requests.Signing.self)
        let given = try Check.blob(input.Mac, "mac", 1...KMSLimits.ciphertextBytesMax)
        let (message, algorithm, key) = try await authentication(input, "VerifyMac", call)
        if input.DryRun == true { throw KMSError.dryRun }
        let code = MACs.code(for: message, algorithm, key: try ring.onlyMaterial(key).bytes)
        guard MACs.isEqual(code, given) else { throw ServiceError("KMSInvalidMacException", status: 400, message: "") }
        return Responses.VerifiedMAC(KeyId: key.arn, MacValid: true, MacAlgorithm: algorithm.rawValue)
    }

    private func signing(
        _ input: Requests.Signing, _ operation: String, _ call: KMSCall
    ) async throws -> (digest: [UInt8], algorithm: SigningAlgorithm, key: LoadedKey) {
        let message = try Check.blob(input.Message, "Message", 1...KMSLimits.plaintextBytesMax)
        guard let algorithm = try Check.choice(input.SigningAlgorithm, "signingAlgorithm", as: SigningAlgorithm.self)
        else { throw KMSError.required("signingAlgorithm") }
        try Check.grantTokens(input.GrantTokens)
        let type = input.MessageType ?? "RAW"
        guard ["RAW", "DIGEST"].contains(type) else {
            throw Check.notIn(["RAW", "DIGEST"], type, "messageType")
        }
        let conditions = ["kms:SigningAlgorithm": [algorithm.rawValue], "kms:MessageType": [type]]
        let key = try await ring.key(input.KeyId, KeyAccess(operation, conditions: conditions), for: call.requester)
        try ring.checkUsable(key, for: .signVerify, operation)
        guard key.record.spec.signingAlgorithms.contains(algorithm) else {
            throw KMSError.invalidUsage("Algorithm \(algorithm.rawValue) and key spec \(key.record.spec.rawValue) are incompatible.")
        }
        guard type == "DIGEST" else { return (Signatures.digest(of: message, algorithm), algorithm, key) }
        guard message.count == algorithm.digestBytes else {
            throw KMSError.validation("Digest is invalid length for algorithm \(algorithm.rawValue).")
        }
        return (message, algorithm, key)
    }

    private func authentication(
        _ input: Requests.Signing, _ operation: String, _ call: KMSCall
    ) async throws -> (message: [UInt8], algorithm: MACAlgorithm, key: LoadedKey) {
        let message = try Check.blob(input.Message, "message", 1...KMSLimits.plaintextBytesMax)
        guard let name = input.MacAlgorithm else { throw KMSError.required("macAlgorithm") }
        guard let algorithm = MACAlgorithm(rawValue: name) else {
            throw KMSError.validation("MacAlgorithm must be one of \(MACAlgorithm.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        try Check.grantTokens(input.GrantTokens)
        let access = KeyAccess(operation, conditions: ["kms:MacAlgorithm": [algorithm.rawValue]])
        let key = try await ring.key(input.KeyId, access, for: call.requester)
        try ring.checkUsable(key, for: .generateVerifyMAC, operation)
        guard key.record.spec.macAlgorithms.contains(algorithm) else {
            throw KMSError.invalidUsage("Algorithm \(algorithm.rawValue) and key spec \(key.record.spec.rawValue) are incompatible.")
        }
        return (message, algorithm, key)
    }
}
