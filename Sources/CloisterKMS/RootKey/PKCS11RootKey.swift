import CCloisterPKCS11
import Foundation
import Synchronization

/// A root key in a PKCS #11 token: an HSM, a smart card, or SoftHSM. The key never leaves the token.
public final class PKCS11RootKey: RootKey {
    public struct Configuration: Sendable, CustomStringConvertible {
        /// The token's library, for example `/usr/lib/softhsm/libsofthsm2.so`.
        public var module: String
        public var tokenLabel: String
        /// Never printed.
        public var pin: String
        /// Made in the token when no AES key has this label.
        public var keyLabel: String

        public init(module: String, tokenLabel: String, pin: String, keyLabel: String = "cloister-root") {
            self.module = module
            self.tokenLabel = tokenLabel
            self.pin = pin
            self.keyLabel = keyLabel
        }

        public var description: String { "key \(keyLabel) in token \(tokenLabel) (\(module))" }
    }

    private static let nonceBytes = 12
    private static let tagBytes = 16

    /// A session takes one call at a time; the pointer is used under the lock only.
    private struct Token: @unchecked Sendable { let pointer: OpaquePointer }

    private let token: Mutex<Token>
    private let random: @Sendable (Int) -> [UInt8]

    /// Logs into the token and finds the key, or makes it.
    public init(
        _ configuration: Configuration, random: @escaping @Sendable (Int) -> [UInt8] = FileRootKey.systemRandom
    ) throws(RootKeyError) {
        var pointer: OpaquePointer?
        let code = cloister_pkcs11_open(
            configuration.module, configuration.tokenLabel, configuration.pin, configuration.keyLabel, &pointer)
        guard code == 0, let pointer else {
            throw RootKeyError(.unusable, "\(configuration): \(PKCS11RootKey.reason(code))")
        }
        token = Mutex(Token(pointer: pointer))
        self.random = random
    }

    /// Nonce, ciphertext and tag.
    public func wrap(_ material: borrowing SecretBytes, context: [UInt8]) throws(RootKeyError) -> [UInt8] {
        let nonce = random(PKCS11RootKey.nonceBytes)
        var output = [UInt8](repeating: 0, count: material.count + PKCS11RootKey.tagBytes)
        var count = output.count
        let code = material.withUnsafeBytes { bytes in
            let input = bytes.assumingMemoryBound(to: UInt8.self)
            return token.withLock { token in
                cloister_pkcs11_seal(
                    token.pointer, nonce, context, context.count, input.baseAddress, input.count, &output, &count)
            }
        }
        guard code == 0 else { throw RootKeyError(.unavailable, PKCS11RootKey.reason(code)) }
        return nonce + output.prefix(count)
    }

    public func unwrap(_ wrapped: [UInt8], context: [UInt8]) throws(RootKeyError) -> SecretBytes {
        guard wrapped.count > PKCS11RootKey.nonceBytes + PKCS11RootKey.tagBytes else {
            throw RootKeyError(.wrongKey, "stored key material is too short")
        }
        let nonce = Array(wrapped.prefix(PKCS11RootKey.nonceBytes))
        let input = Array(wrapped.dropFirst(PKCS11RootKey.nonceBytes))
        // Room for the tag too, which some tokens ask for.
        var output = Data(count: input.count)
        var count = output.count
        let code = output.withUnsafeMutableBytes { buffer in
            token.withLock { token in
                cloister_pkcs11_open_sealed(
                    token.pointer, nonce, context, context.count, input, input.count,
                    buffer.assumingMemoryBound(to: UInt8.self).baseAddress, &count)
            }
        }
        defer { output.resetBytes(in: 0..<output.count) }
        guard code == 0, count <= output.count else {
            throw RootKeyError(.wrongKey, "stored key material can't be unwrapped: \(PKCS11RootKey.reason(code))")
        }
        do {
            return try SecretBytes(count: count) { $0.copyBytes(from: output.prefix(count)) }
        } catch {
            throw RootKeyError(.unavailable, "\(error)")
        }
    }

    /// In words, for the operator.
    private static func reason(_ code: UInt) -> String {
        switch code {
        case UInt(CLOISTER_PKCS11_NO_MODULE): String(cString: cloister_pkcs11_load_error())
        case UInt(CLOISTER_PKCS11_NO_TOKEN): "there is no token of that label"
        case UInt(CLOISTER_PKCS11_MANY_KEYS): "several keys have that label"
        case 0xa0: "the PIN is wrong"
        case 0xa4: "the PIN is locked"
        default: "the token answers 0x\(String(code, radix: 16))"
        }
    }
}
