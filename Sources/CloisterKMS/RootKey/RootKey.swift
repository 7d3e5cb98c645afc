/// The one key that wraps the material of every KMS key, so that the database alone is worth nothing.
public protocol RootKey: Sendable {
    /// Encrypts key material, at most 8 KiB, bound to `context`. May block for as long as the device takes.
    func wrap(_ material: borrowing SecretBytes, context: [UInt8]) throws(RootKeyError) -> [UInt8]
    /// Throws `.wrongKey` when `wrapped` was made by another root key, for another context, or was changed.
    func unwrap(_ wrapped: [UInt8], context: [UInt8]) throws(RootKeyError) -> SecretBytes
}

/// Why the root key can't be used. The text is for the operator and the log.
public struct RootKeyError: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Code: String, Sendable {
        /// Not there, not readable, readable by others, or no key.
        case unusable
        /// What is to be unwrapped isn't what this key wrapped.
        case wrongKey
        /// The token failed or was taken out.
        case unavailable
    }

    public let code: Code
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { "root key: \(message)" }
}
