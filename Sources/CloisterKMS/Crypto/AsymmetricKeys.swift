import Crypto
import CryptoExtras
import Foundation

/// RSA and elliptic-curve keys: made, and used by what is stored of them (PKCS #8 for the private half, an X.509
/// SubjectPublicKeyInfo for the public one).
enum AsymmetricKeys {
    struct Pair: ~Copyable {
        let privateKey: SecretBytes
        let publicKey: [UInt8]
    }

    /// An RSA key takes up to some seconds of one core.
    static func generate(_ spec: KeySpec) throws -> Pair {
        switch spec {
        case .rsa2048, .rsa3072, .rsa4096:
            let key = try _RSA.Signing.PrivateKey(keySize: _RSA.Signing.KeySize(bitCount: spec.rsaBits))
            return try pair(key.pkcs8DERRepresentation, key.publicKey.derRepresentation)
        case .eccP256:
            let key = P256.Signing.PrivateKey()
            return try pair(key.derRepresentation, key.publicKey.derRepresentation)
        case .eccP384:
            let key = P384.Signing.PrivateKey()
            return try pair(key.derRepresentation, key.publicKey.derRepresentation)
        case .eccP521:
            let key = P521.Signing.PrivateKey()
            return try pair(key.derRepresentation, key.publicKey.derRepresentation)
        case .symmetricDefault, .hmac224, .hmac256, .hmac384, .hmac512:
            throw UnsupportedKey()
        }
    }

    /// RSAES-OAEP. Throws for what is too long.
    static func encrypt(_ plaintext: [UInt8], _ algorithm: EncryptionAlgorithm, publicKey: [UInt8]) throws -> [UInt8] {
        let key = try _RSA.Encryption.PublicKey(derRepresentation: publicKey)
        return Array(try key.encrypt(plaintext, padding: try padding(algorithm)))
    }

    static func decrypt(
        _ ciphertext: [UInt8], _ algorithm: EncryptionAlgorithm, privateKey: borrowing SecretBytes
    ) throws -> [UInt8] {
        let padding = try padding(algorithm)
        return try privateKey.withUnsafeBytes { bytes in
            Array(try _RSA.Encryption.PrivateKey(derRepresentation: bytes).decrypt(ciphertext, padding: padding))
        }
    }

    /// The longest plaintext, in bytes (RFC 8017, 7.1.1).
    static func plaintextBytesMax(_ spec: KeySpec, _ algorithm: EncryptionAlgorithm) -> Int {
        spec.rsaBits / 8 - 2 * (algorithm == .rsaOAEPSHA1 ? 20 : 32) - 2
    }

    struct UnsupportedKey: Error {}

    private static func padding(_ algorithm: EncryptionAlgorithm) throws -> _RSA.Encryption.Padding {
        switch algorithm {
        case .rsaOAEPSHA1: .PKCS1_OAEP
        case .rsaOAEPSHA256: .PKCS1_OAEP_SHA256
        case .symmetricDefault: throw UnsupportedKey()
        }
    }

    private static func pair(_ privateKey: Data, _ publicKey: Data) throws -> Pair {
        var privateKey = privateKey
        return Pair(privateKey: try SecretBytes(wiping: &privateKey), publicKey: Array(publicKey))
    }
}
