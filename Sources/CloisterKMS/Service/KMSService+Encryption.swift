import CloisterServiceKit
import Foundation

extension KMSService {
    func encrypt(_ call: KMSCall) async throws -> Responses.Encrypted {
        let input = try call.input(Requests.Encryption.self)
        let plaintext = try Check.blob(input.Plaintext, "plaintext", 1...KMSLimits.plaintextBytesMax)
        let context = try Check.context(input.EncryptionContext)
        let algorithm = try encryptionAlgorithm(input.EncryptionAlgorithm, "encryptionAlgorithm")
        try Check.grantTokens(input.GrantTokens)
        let access = KeyAccess("Encrypt", context: context, conditions: ["kms:EncryptionAlgorithm": [algorithm.rawValue]])
        let key = try await ring.key(input.KeyId, access, for: call.requester)
        try ring.checkUsable(key, for: .encryptDecrypt, "Encrypt")
        try check(algorithm, fits: key)
        if input.DryRun == true { throw KMSError.dryRun }
        return Responses.Encrypted(
            CiphertextBlob: Data(try seal(plaintext, algorithm, under: key, context: context)), KeyId: key.arn,
            EncryptionAlgorithm: algorithm.rawValue)
    }

    func decrypt(_ call: KMSCall) async throws -> Responses.Decrypted {
        let input = try call.input(Requests.Encryption.self)
        guard input.Recipient == nil else { throw JSONProtocol.notBuilt("Decrypt with Recipient") }
        guard input.DryRunModifiers?.isEmpty ?? true else { throw JSONProtocol.notBuilt("Decrypt with DryRunModifiers") }
        let source = try source(
            input.CiphertextBlob, key: input.KeyId, algorithm: input.EncryptionAlgorithm,
            context: input.EncryptionContext, "encryptionAlgorithm")
        try Check.grantTokens(input.GrantTokens)
        let key = try await ring.sourceKey(source, "Decrypt", for: call.requester)
        try ring.checkUsable(key, for: .encryptDecrypt, "Decrypt")
        try check(source.algorithm, fits: key)
        let opened = try open(source, with: key)
        if input.DryRun == true { throw KMSError.dryRun }
        return Responses.Decrypted(
            KeyId: key.arn, Plaintext: Data(opened.plaintext), EncryptionAlgorithm: source.algorithm.rawValue,
            KeyMaterialId: opened.materialID)
    }

    func reEncrypt(_ call: KMSCall) async throws -> Responses.ReEncrypted {
        let input = try call.input(Requests.ReEncrypt.self)
        guard input.DryRunModifiers?.isEmpty ?? true else { throw JSONProtocol.notBuilt("ReEncrypt with DryRunModifiers") }
        let source = try source(
            input.CiphertextBlob, key: input.SourceKeyId, algorithm: input.SourceEncryptionAlgorithm,
            context: input.SourceEncryptionContext, "sourceEncryptionAlgorithm")
        let context = try Check.context(input.DestinationEncryptionContext)
        let algorithm = try encryptionAlgorithm(input.DestinationEncryptionAlgorithm, "destinationEncryptionAlgorithm")
        try Check.grantTokens(input.GrantTokens)
        let from = try await ring.sourceKey(source, "ReEncryptFrom", for: call.requester)
        let access = KeyAccess(
            "ReEncryptTo", context: context, conditions: ["kms:EncryptionAlgorithm": [algorithm.rawValue]])
        let to = try await ring.key(input.DestinationKeyId, access, for: call.requester)
        try ring.checkUsable(from, for: .encryptDecrypt, "ReEncryptFrom")
        try ring.checkUsable(to, for: .encryptDecrypt, "ReEncryptTo")
        try check(source.algorithm, fits: from)
        try check(algorithm, fits: to)
        let opened = try open(source, with: from)
        if input.DryRun == true { throw KMSError.dryRun }
        return Responses.ReEncrypted(
            CiphertextBlob: Data(try seal(opened.plaintext, algorithm, under: to, context: context)),
            SourceKeyId: from.arn, KeyId: to.arn, SourceEncryptionAlgorithm: source.algorithm.rawValue,
            DestinationEncryptionAlgorithm: algorithm.rawValue, SourceKeyMaterialId: opened.materialID,
            DestinationKeyMaterialId: to.record.spec == .symmetricDefault ? to.record.current?.id : nil)
    }

    private func encryptionAlgorithm(_ text: String?, _ member: String) throws -> EncryptionAlgorithm {
        if text == "SM2PKE" { throw JSONProtocol.notBuilt("EncryptionAlgorithm SM2PKE") }
        return try Check.choice(text, member, as: EncryptionAlgorithm.self) ?? .symmetricDefault
    }

    private func check(_ algorithm: EncryptionAlgorithm, fits key: LoadedKey) throws {
        guard key.record.spec.encryptionAlgorithms.contains(algorithm) else {
            throw KMSError.invalidUsage("Algorithm \(algorithm.rawValue) and key spec \(key.record.spec.rawValue) are incompatible.")
        }
    }

    private func seal(
        _ plaintext: [UInt8], _ algorithm: EncryptionAlgorithm, under key: LoadedKey, context: [String: String]
    ) throws -> [UInt8] {
        guard algorithm != .symmetricDefault else { return try ring.seal(plaintext, under: key, context: context) }
        let longest = AsymmetricKeys.plaintextBytesMax(key.record.spec, algorithm)
        guard plaintext.count <= longest else {
            throw KMSError.validation(
                "Algorithm \(algorithm.rawValue) and key spec \(key.record.spec.rawValue) cannot encrypt data larger "
                    + "than \(longest) bytes.")
        }
        guard let publicKey = key.record.publicKey else { throw KMSError.internal("\(key.arn) has no public key") }
        return try AsymmetricKeys.encrypt(plaintext, algorithm, publicKey: [UInt8](publicKey))
    }

    private func source(
        _ blob: Data?, key: String?, algorithm: String?, context: [String: String]?, _ member: String
    ) throws -> CiphertextSource {
        let bytes = try Check.blob(blob, "ciphertextBlob", 1...KMSLimits.ciphertextBytesMax)
        let algorithm = try encryptionAlgorithm(algorithm, member)
        let context = try Check.context(context)
        guard algorithm == .symmetricDefault else {
            return CiphertextSource(
                bytes: bytes, blob: nil, reference: try Check.keyID(key), algorithm: algorithm, context: context)
        }
        guard let blob = CiphertextBlob(bytes) else { throw KMSError.invalidCiphertext }
        return CiphertextSource(bytes: bytes, blob: blob, reference: key, algorithm: algorithm, context: context)
    }

    private func open(
        _ source: CiphertextSource, with key: LoadedKey
    ) throws -> (plaintext: [UInt8], materialID: String?) {
        if let blob = source.blob {
            let opened = try ring.open(blob, with: key, context: source.context)
            return (opened.plaintext, opened.material.id)
        }
        let material = try ring.onlyMaterial(key)
        do {
            return (try AsymmetricKeys.decrypt(source.bytes, source.algorithm, privateKey: material.bytes), nil)
        } catch {
            throw KMSError.invalidCiphertext
        }
    }
}

/// What is to be decrypted, as the caller gave it.
struct CiphertextSource: Sendable {
    var bytes: [UInt8]
    /// Of symmetric keys.
    var blob: CiphertextBlob?
    /// The key as the caller named it; symmetric ciphertexts name their own.
    var reference: String?
    var algorithm: EncryptionAlgorithm
    var context: [String: String]
}

extension KeyRing {
    /// The key that a ciphertext is to be decrypted with, once the caller may.
    func sourceKey(_ source: CiphertextSource, _ operation: String, for requester: Requester) async throws -> LoadedKey {
        let access = KeyAccess(
            operation, context: source.context, conditions: ["kms:EncryptionAlgorithm": [source.algorithm.rawValue]])
        if let reference = source.reference {
            let key = try await key(reference, access, for: requester)
            guard source.blob.map({ $0.keyID == key.id }) ?? true else { throw KMSError.incorrectKey }
            return key
        }
        guard let blob = source.blob else { throw KMSError.required("keyId") }
        do {
            return try await key(blob.keyID.rawValue, access, for: requester)
        } catch let error as ServiceError where error.code == "NotFoundException" {
            throw KMSError.noAccessToBlob
        }
    }
}
