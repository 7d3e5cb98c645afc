import CloisterServiceKit
import Crypto
import Foundation

/// A secret's value. Never printed.
struct SecretValue: Sendable, Equatable, CustomStringConvertible {
    enum Kind: String, Codable { case string, binary }

    var kind: Kind
    var bytes: [UInt8]

    var description: String { "SecretValue" }

    var string: String? { kind == .string ? String(decoding: bytes, as: UTF8.self) : nil }
    var binary: Data? { kind == .binary ? Data(bytes) : nil }
}

/// A value as it is stored: AES-256-GCM under a data key of its own, which the secret's KMS key encrypts.
struct SealedValue: Codable, Sendable {
    var kind: SecretValue.Kind
    /// The data key, encrypted by KMS with the encryption context {SecretARN, SecretVersionId}.
    var dataKey: Data
    /// Nonce, ciphertext and tag.
    var sealed: Data

    /// The encryption context that a version's value is bound to.
    static func context(_ arn: String, _ version: String) -> [String: String] {
        ["SecretARN": arn, "SecretVersionId": version]
    }

    static func seal(
        _ value: SecretValue, arn: String, version: String, dataKey: [UInt8], encryptedKey: [UInt8], nonce: [UInt8]
    ) throws -> SealedValue {
        let box = try AES.GCM.seal(
            value.bytes, using: SymmetricKey(data: dataKey), nonce: AES.GCM.Nonce(data: nonce),
            authenticating: authenticated(value.kind, arn, version))
        guard let combined = box.combined else { throw SecretsError.internal("unexpected nonce length") }
        return SealedValue(kind: value.kind, dataKey: Data(encryptedKey), sealed: combined)
    }

    func open(arn: String, version: String, dataKey: [UInt8]) throws -> SecretValue {
        let box = try AES.GCM.SealedBox(combined: sealed)
        let bytes = try AES.GCM.open(
            box, using: SymmetricKey(data: dataKey), authenticating: SealedValue.authenticated(kind, arn, version))
        return SecretValue(kind: kind, bytes: Array(bytes))
    }

    private static func authenticated(_ kind: SecretValue.Kind, _ arn: String, _ version: String) -> [UInt8] {
        Array("cloister secret 1 \(kind.rawValue) \(arn) \(version)".utf8)
    }
}
