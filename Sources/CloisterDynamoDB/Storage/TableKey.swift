import Crypto
import Foundation

/// A table's data key, unwrapped: encrypts items, each under a key of its own that is derived from it and 16 random
/// bytes, so that no number of writes makes a nonce repeat under a key. The item's place is authenticated: a body moved
/// to another key or table doesn't open.
struct TableKey: Sendable {
    static let bytes = 32

    private static let version: UInt8 = 1
    private static let saltBytes = 16
    private static let nonceBytes = 12
    private static let tagBytes = 16

    private let key: SymmetricKey
    private let table: [UInt8]

    /// `table` is the table's identifier.
    init(_ key: [UInt8], table: String) {
        self.key = SymmetricKey(data: key)
        self.table = Array(table.utf8)
    }

    func seal(_ plaintext: [UInt8], at place: ItemKey) throws -> [UInt8] {
        var random = SystemRandomNumberGenerator()
        let salt = (0..<TableKey.saltBytes / 8).flatMap { _ in TableKey.bytes(of: random.next()) }
        let sealed = try AES.GCM.seal(
            plaintext, using: itemKey(salt: salt), authenticating: authenticated(place))
        return [TableKey.version] + salt + Array(sealed.nonce) + Array(sealed.ciphertext) + Array(sealed.tag)
    }

    /// Throws `.corrupt` for anything that wasn't sealed under this key at this place.
    func open(_ body: [UInt8], at place: ItemKey) throws -> [UInt8] {
        let overhead = 1 + TableKey.saltBytes + TableKey.nonceBytes + TableKey.tagBytes
        guard body.count >= overhead, body[0] == TableKey.version else { throw TableKey.damaged }
        let salt = Array(body[1...TableKey.saltBytes])
        do {
            let box = try AES.GCM.SealedBox(combined: Data(body[(1 + TableKey.saltBytes)...]))
            return Array(try AES.GCM.open(box, using: itemKey(salt: salt), authenticating: authenticated(place)))
        } catch {
            throw TableKey.damaged
        }
    }

    private static let damaged = StorageError(.corrupt, "an item's body can't be decrypted")

    private func itemKey(salt: [UInt8]) -> SymmetricKey {
        SymmetricKey(data: HMAC<SHA256>.authenticationCode(for: Array("cloister item key".utf8) + salt, using: key))
    }

    private func authenticated(_ place: ItemKey) -> [UInt8] {
        table + TableKey.bytes(of: UInt64(place.partition.count)) + place.partition + place.sort
    }

    private static func bytes(of number: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) }
    }
}
