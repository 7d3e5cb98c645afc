import CloisterServiceKit
import Dispatch
import Foundation

extension KeyRing {
    struct NewMaterial: Sendable {
        var material: KeyRecord.Material
        var publicKey: [UInt8]?
    }

    struct PlainPair: Sendable {
        var privateKey: [UInt8]
        var publicKey: [UInt8]
    }

    /// The first material of a new key. RSA keys take a core for up to seconds, so they are made on threads of their own.
    func newMaterial(_ spec: KeySpec, _ id: KeyID, _ scope: KeyScope) async throws -> NewMaterial {
        guard spec.family == .rsa || spec.family == .ecc else {
            return NewMaterial(material: try newSecret(spec, id, scope, version: 1, cause: .creation))
        }
        return try await KeyRing.offThePool { [self] in
            let pair = try AsymmetricKeys.generate(spec)
            let wrapped = try root.wrap(pair.privateKey, context: KeyMaterial.context(id, scope: scope, version: 1))
            let material = KeyRecord.Material(
                version: 1, id: Hexadecimal.text(random(32)), wrapped: Data(wrapped), madeAt: now(), cause: .creation)
            return NewMaterial(material: material, publicKey: pair.publicKey)
        }
    }

    /// A pair for a caller, who gets the private half.
    func newDataKeyPair(_ spec: KeySpec) async throws -> PlainPair {
        try await KeyRing.offThePool {
            let pair = try AsymmetricKeys.generate(spec)
            return PlainPair(privateKey: pair.privateKey.withUnsafeBytes { Array($0) }, publicKey: pair.publicKey)
        }
    }

    /// One at a time, so that key generation never takes more than one core.
    private static let generation = DispatchQueue(label: "cloister.kms.generation")

    static func offThePool<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            generation.async { continuation.resume(with: Result(catching: body)) }
        }
    }
}
