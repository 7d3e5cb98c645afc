import Crypto
import Foundation
import Glibc

/// A root key in a file that only its owner can read: 32 random bytes, made when the file isn't there.
public final class FileRootKey: RootKey {
    static let keyBytes = 32
    private let key: SecretBytes

    /// Reads the file at `path`, or makes it (0600) with the bytes of `random`. Refuses a file that others may read, one
    /// of another user, and one of another length.
    public init(path: String, random: (Int) -> [UInt8] = FileRootKey.systemRandom) throws {
        try FileRootKey.makeUnlessThere(path, random)
        key = try FileRootKey.read(path)
    }

    public static func systemRandom(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }

    public func wrap(_ material: borrowing SecretBytes, context: [UInt8]) throws(RootKeyError) -> [UInt8] {
        do {
            let key = symmetricKey
            let box = try material.withUnsafeBytes { bytes in
                try AES.GCM.seal(bytes, using: key, authenticating: context)
            }
            guard let combined = box.combined else { throw RootKeyError(.unusable, "unexpected nonce length") }
            return Array(combined)
        } catch {
            throw error as? RootKeyError ?? RootKeyError(.unusable, "sealing failed")
        }
    }

    public func unwrap(_ wrapped: [UInt8], context: [UInt8]) throws(RootKeyError) -> SecretBytes {
        var opened: Data
        do {
            let box = try AES.GCM.SealedBox(combined: wrapped)
            opened = try AES.GCM.open(box, using: symmetricKey, authenticating: context)
        } catch {
            throw RootKeyError(.wrongKey, "stored key material wasn't wrapped by this root key")
        }
        do { return try SecretBytes(wiping: &opened) } catch { throw RootKeyError(.unavailable, "\(error)") }
    }

    /// A copy for one operation; swift-crypto wipes it.
    private var symmetricKey: SymmetricKey { key.withUnsafeBytes { SymmetricKey(data: $0) } }

    private static func read(_ path: String) throws -> SecretBytes {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw failure(path, String(cString: strerror(errno))) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw failure(path, "no regular file")
        }
        guard status.st_uid == geteuid() else { throw failure(path, "belongs to user \(status.st_uid)") }
        guard status.st_mode & 0o077 == 0 else { throw failure(path, "others may read it: chmod 600 it") }
        guard status.st_size == keyBytes else { throw failure(path, "not \(keyBytes) bytes long") }
        return try SecretBytes(count: keyBytes) { buffer throws(RootKeyError) in
            guard Glibc.read(descriptor, buffer.baseAddress, buffer.count) == keyBytes else {
                throw failure(path, "can't be read")
            }
        }
    }

    /// Writes a file of its own and links it into place: nobody sees half a key, and the first one wins.
    private static func makeUnlessThere(_ path: String, _ random: (Int) -> [UInt8]) throws {
        guard access(path, F_OK) != 0 else { return }
        let temporary = "\(path).\(getpid())"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw failure(path, String(cString: strerror(errno))) }
        defer {
            close(descriptor)
            unlink(temporary)
        }
        var key = random(keyBytes)
        defer { key.withUnsafeMutableBytes { wipe($0) } }
        guard key.count == keyBytes, write(descriptor, key, keyBytes) == keyBytes, fsync(descriptor) == 0 else {
            throw failure(path, "can't be written")
        }
        guard link(temporary, path) == 0 || errno == EEXIST else {
            throw failure(path, String(cString: strerror(errno)))
        }
        try syncDirectory(of: path)
    }

    /// The name must be on disk before anything is wrapped by the key.
    private static func syncDirectory(of path: String) throws {
        let directory = URL(fileURLWithPath: path).deletingLastPathComponent().path
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(directory, String(cString: strerror(errno))) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure(directory, String(cString: strerror(errno))) }
    }

    private static func wipe(_ bytes: UnsafeMutableRawBufferPointer) {
        if let start = bytes.baseAddress { explicit_bzero(start, bytes.count) }
    }

    private static func failure(_ path: String, _ reason: String) -> RootKeyError {
        RootKeyError(.unusable, "\(path): \(reason)")
    }
}
