import Foundation
import Glibc

/// The root key in a file of its own, readable by its owner alone.
public enum RootKeyFile {
    public static let bytes = 32

    /// The key in the file; makes it at random if it isn't there. Safe when several do so at once: all get the same key.
    /// Throws `RootKeyFileError`.
    public static func readOrCreate(path: String, random: RandomBytes = IAMKeys.systemRandom) throws(RootKeyFileError) -> [UInt8] {
        if let key = try read(path) { return key }
        try write(random(bytes), path)
        guard let key = try read(path) else { throw RootKeyFileError(path: path, reason: "vanished") }
        return key
    }

    private static func read(_ path: String) throws(RootKeyFileError) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw RootKeyFileError(path: path)
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw RootKeyFileError(path: path) }
        guard status.st_mode & S_IFMT == S_IFREG, status.st_uid == geteuid(), status.st_mode & 0o077 == 0 else {
            throw RootKeyFileError(path: path, reason: "must be a file of this user's that nobody else may read: chmod 600 it")
        }
        var key = [UInt8](repeating: 0, count: bytes + 1)
        guard Glibc.read(descriptor, &key, key.count) == bytes else {
            throw RootKeyFileError(path: path, reason: "holds no root key")
        }
        return Array(key.prefix(bytes))
    }

    /// Written beside it and linked into place: nobody sees half a key, and the first one wins.
    private static func write(_ key: [UInt8], _ path: String) throws(RootKeyFileError) {
        let temporary = "\(path).\(getpid()).\(UInt32.random(in: 0...UInt32.max))"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw RootKeyFileError(path: path) }
        defer {
            close(descriptor)
            unlink(temporary)
        }
        guard Glibc.write(descriptor, key, key.count) == key.count, fsync(descriptor) == 0 else {
            throw RootKeyFileError(path: path)
        }
        guard link(temporary, path) == 0 || errno == EEXIST else { throw RootKeyFileError(path: path) }
    }
}

/// The root key can't be read or made; the text is for the operator.
public struct RootKeyFileError: Error, Sendable, Equatable, CustomStringConvertible {
    public let path: String
    public let reason: String

    init(path: String, reason: String = String(cString: strerror(errno))) {
        self.path = path
        self.reason = reason
    }

    public var description: String { "\(path): \(reason)" }
}
