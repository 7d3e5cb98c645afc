import Crypto
import CryptoExtras
import Foundation

/// Signatures over digests, with the private half as PKCS #8 and the public half as SubjectPublicKeyInfo.
enum Signatures {
    /// The digest that `algorithm` signs.
    static func digest(of message: [UInt8], _ algorithm: SigningAlgorithm) -> [UInt8] {
        switch algorithm.hash {
        case .sha256: Array(SHA256.hash(data: message))
        case .sha384: Array(SHA384.hash(data: message))
        case .sha512: Array(SHA512.hash(data: message))
        }
    }

    /// `digest` has the algorithm's length. ECDSA signatures are DER, as on AWS.
    static func sign(
        _ digest: [UInt8], _ algorithm: SigningAlgorithm, spec: KeySpec, privateKey: borrowing SecretBytes
    ) throws -> [UInt8] {
        try privateKey.withUnsafeBytes { key in
            switch algorithm.hash {
            case .sha256: try sign(PrecomputedDigest.of(SHA256Digest.self, digest), algorithm, spec, key)
            case .sha384: try sign(PrecomputedDigest.of(SHA384Digest.self, digest), algorithm, spec, key)
            case .sha512: try sign(PrecomputedDigest.of(SHA512Digest.self, digest), algorithm, spec, key)
            }
        }
    }

    static func isValid(
        _ signature: [UInt8], for digest: [UInt8], _ algorithm: SigningAlgorithm, spec: KeySpec, publicKey: [UInt8]
    ) throws -> Bool {
        switch algorithm.hash {
        case .sha256: try verify(signature, PrecomputedDigest.of(SHA256Digest.self, digest), algorithm, spec, publicKey)
        case .sha384: try verify(signature, PrecomputedDigest.of(SHA384Digest.self, digest), algorithm, spec, publicKey)
        case .sha512: try verify(signature, PrecomputedDigest.of(SHA512Digest.self, digest), algorithm, spec, publicKey)
        }
    }

    private static func sign<D: Digest>(
        _ digest: D?, _ algorithm: SigningAlgorithm, _ spec: KeySpec, _ key: UnsafeRawBufferPointer
    ) throws -> [UInt8] {
        guard let digest else { throw AsymmetricKeys.UnsupportedKey() }
        switch spec {
        case .rsa2048, .rsa3072, .rsa4096:
            let padding: _RSA.Signing.Padding = algorithm.isPSS ? .PSS : .insecurePKCS1v1_5
            let key = try _RSA.Signing.PrivateKey(derRepresentation: key)
            return Array(try key.signature(for: digest, padding: padding).rawRepresentation)
        case .eccP256:
            return Array(try P256.Signing.PrivateKey(derRepresentation: key).signature(for: digest).derRepresentation)
        case .eccP384:
            return Array(try P384.Signing.PrivateKey(derRepresentation: key).signature(for: digest).derRepresentation)
        case .eccP521:
            return Array(try P521.Signing.PrivateKey(derRepresentation: key).signature(for: digest).derRepresentation)
        case .symmetricDefault, .hmac224, .hmac256, .hmac384, .hmac512:
            throw AsymmetricKeys.UnsupportedKey()
        }
    }

    private static func verify<D: Digest>(
        _ signature: [UInt8], _ digest: D?, _ algorithm: SigningAlgorithm, _ spec: KeySpec, _ key: [UInt8]
    ) throws -> Bool {
        guard let digest else { throw AsymmetricKeys.UnsupportedKey() }
        switch spec {
        case .rsa2048, .rsa3072, .rsa4096:
            let padding: _RSA.Signing.Padding = algorithm.isPSS ? .PSS : .insecurePKCS1v1_5
            return try _RSA.Signing.PublicKey(derRepresentation: key).isValidSignature(
                _RSA.Signing.RSASignature(rawRepresentation: signature), for: digest, padding: padding)
        case .eccP256:
            // A signature that isn't DER is not valid, and no error of ours.
            guard let signature = try? P256.Signing.ECDSASignature(derRepresentation: signature) else { return false }
            return try P256.Signing.PublicKey(derRepresentation: key).isValidSignature(signature, for: digest)
        case .eccP384:
            guard let signature = try? P384.Signing.ECDSASignature(derRepresentation: signature) else { return false }
            return try P384.Signing.PublicKey(derRepresentation: key).isValidSignature(signature, for: digest)
        case .eccP521:
            guard let signature = try? P521.Signing.ECDSASignature(derRepresentation: signature) else { return false }
            return try P521.Signing.PublicKey(derRepresentation: key).isValidSignature(signature, for: digest)
        case .symmetricDefault, .hmac224, .hmac256, .hmac384, .hmac512:
            throw AsymmetricKeys.UnsupportedKey()
        }
    }
}
