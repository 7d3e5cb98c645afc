import Crypto
import Foundation

/// HMAC over messages.
enum MACs {
    static func code(for message: [UInt8], _ algorithm: MACAlgorithm, key: borrowing SecretBytes) -> [UInt8] {
        key.withUnsafeBytes { bytes in
            switch algorithm {
            case .sha224: SHA224.authenticationCode(for: message, key: bytes)
            case .sha256: code(SHA256.self, message, bytes)
            case .sha384: code(SHA384.self, message, bytes)
            case .sha512: code(SHA512.self, message, bytes)
            }
        }
    }

    /// In a time that doesn't depend on where the two differ.
    static func isEqual(_ first: [UInt8], _ second: [UInt8]) -> Bool {
        guard first.count == second.count else { return false }
        return zip(first, second).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }

    private static func code<H: HashFunction>(
        _ hash: H.Type, _ message: [UInt8], _ key: UnsafeRawBufferPointer
    ) -> [UInt8] {
        Array(HMAC<H>.authenticationCode(for: message, using: SymmetricKey(data: key)))
    }
}
