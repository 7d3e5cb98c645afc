import Crypto
import Foundation

/// AES-256-GCM under a key derived for each message (HKDF-SHA-256 of the key material with a random salt), so that the
/// number of messages under one key is not bounded by GCM's 96-bit nonces.
enum SymmetricCipher {
    /// `random` gives 28 bytes: salt and nonce.
    static func seal(
        _ plaintext: [UInt8], keyID: KeyID, version: UInt32, material: borrowing SecretBytes, context: [String: String],
        random: [UInt8]
    ) throws -> [UInt8] {
        var blob = CiphertextBlob(
            keyID: keyID, version: version, salt: Array(random.prefix(CiphertextBlob.saltBytes)),
            nonce: Array(random.suffix(CiphertextBlob.nonceBytes)), ciphertext: [], tag: [])
        let box = try AES.GCM.seal(
            plaintext, using: messageKey(material, salt: blob.salt), nonce: AES.GCM.Nonce(data: blob.nonce),
            authenticating: authenticated(blob, context))
        blob.ciphertext = Array(box.ciphertext)
        blob.tag = Array(box.tag)
        return blob.bytes
    }

    /// Throws when anything of the blob or the context isn't what was sealed.
    static func open(
        _ blob: CiphertextBlob, material: borrowing SecretBytes, context: [String: String]
    ) throws -> [UInt8] {
        let box = try AES.GCM.SealedBox(
            nonce: AES.GCM.Nonce(data: blob.nonce), ciphertext: blob.ciphertext, tag: blob.tag)
        return Array(
            try AES.GCM.open(
                box, using: messageKey(material, salt: blob.salt), authenticating: authenticated(blob, context)))
    }

    private static func messageKey(_ material: borrowing SecretBytes, salt: [UInt8]) -> SymmetricKey {
        material.withUnsafeBytes { bytes in
            HKDF<SHA256>.deriveKey(
                inputKeyMaterial: SymmetricKey(data: bytes), salt: salt, info: Array("cloister kms message 1".utf8),
                outputByteCount: 32)
        }
    }

    private static func authenticated(_ blob: CiphertextBlob, _ context: [String: String]) -> [UInt8] {
        blob.header + EncryptionContext.encoded(context)
    }
}
