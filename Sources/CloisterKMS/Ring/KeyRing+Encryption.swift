import CloisterServiceKit

extension KeyRing {
    /// Throws unless the key is enabled and made for `usage`. `operation` is for the message.
    func checkUsable(_ key: LoadedKey, for usage: KeyUsage, _ operation: String) throws {
        switch key.record.state {
        case .enabled: break
        case .disabled: throw KMSError.disabled(key.arn)
        case .pendingDeletion: throw KMSError.pendingDeletion(key.arn)
        }
        guard key.record.usage == usage else { throw KMSError.invalidUsage(key.arn, key.record.usage, operation) }
    }

    /// Encrypts under the newest version of a symmetric key.
    func seal(_ plaintext: [UInt8], under key: LoadedKey, context: [String: String]) throws -> [UInt8] {
        guard let stored = key.record.current else { throw KMSError.internal("\(key.arn) has no material") }
        let material = try key.material(stored, root: root)
        return try SymmetricCipher.seal(
            plaintext, keyID: key.id, version: stored.version, material: material.bytes, context: context,
            random: random(CiphertextBlob.saltBytes + CiphertextBlob.nonceBytes))
    }

    /// Decrypts with the version that the blob names.
    func open(
        _ blob: CiphertextBlob, with key: LoadedKey, context: [String: String]
    ) throws -> (plaintext: [UInt8], material: KeyRecord.Material) {
        guard blob.keyID == key.id, let stored = key.record.material(blob.version) else {
            throw KMSError.invalidCiphertext
        }
        let material = try key.material(stored, root: root)
        do {
            return (try SymmetricCipher.open(blob, material: material.bytes, context: context), stored)
        } catch {
            throw KMSError.invalidCiphertext
        }
    }

    /// The material of a key that has only one version: signing, HMAC and RSA keys.
    func onlyMaterial(_ key: LoadedKey) throws -> KeyMaterial {
        guard let stored = key.record.current else { throw KMSError.internal("\(key.arn) has no material") }
        return try key.material(stored, root: root)
    }
}
