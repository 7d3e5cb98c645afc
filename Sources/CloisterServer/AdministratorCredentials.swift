import Foundation
import Glibc

/// The administrator's access key: one file under the data directory, readable by its owner alone. Made at random
/// the first time anybody asks for it, by the server or by `cloister env`, whichever comes first.
public struct AdministratorCredentials: Codable, Sendable, Equatable, CustomStringConvertible {
    public static let fileName = "credentials.json"

    public let accessKeyId: String
    public let secretAccessKey: String

    public init(accessKeyId: String, secretAccessKey: String) {
        self.accessKeyId = accessKeyId
        self.secretAccessKey = secretAccessKey
    }

    /// Without the secret.
    public var description: String { "AdministratorCredentials(\(accessKeyId))" }

    /// The key in `dataDirectory`, if there is one. Throws `AdministratorCredentialsError`.
    public static func read(dataDirectory: String) throws -> AdministratorCredentials? {
        let path = dataDirectory + "/" + fileName
        var status = stat()
        guard stat(path, &status) == 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw AdministratorCredentialsError(path: path, reason: String(cString: strerror(errno)))
        }
        guard status.st_mode & 0o077 == 0 else {
            throw AdministratorCredentialsError(path: path, reason: "others may read it: chmod 600 it")
        }
        guard let contents = FileManager.default.contents(atPath: path) else {
            throw AdministratorCredentialsError(path: path, reason: "not readable by this user")
        }
        guard let credentials = try? JSONDecoder().decode(AdministratorCredentials.self, from: contents),
            isKey(credentials.accessKeyId), credentials.secretAccessKey.utf8.count >= 20
        else {
            throw AdministratorCredentialsError(path: path, reason: "no access key in it")
        }
        return credentials
    }

    /// The key in `dataDirectory`; makes folder (0700) and file (0600) if need be. Safe when several do so at once:
    /// all get the same key. Throws `AdministratorCredentialsError`.
    public static func readOrCreate(dataDirectory: String) throws -> AdministratorCredentials {
        if let credentials = try read(dataDirectory: dataDirectory) { return credentials }
        do {
            try FileManager.default.createDirectory(
                atPath: dataDirectory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw AdministratorCredentialsError(path: dataDirectory, reason: "can't be made: \(error)")
        }
        try write(random(), dataDirectory: dataDirectory)
        guard let credentials = try read(dataDirectory: dataDirectory) else {
            throw AdministratorCredentialsError(path: dataDirectory + "/" + fileName, reason: "vanished")
        }
        return credentials
    }

    private static func random() -> AdministratorCredentials {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
        let all = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        var generator = SystemRandomNumberGenerator()
        func text(_ count: Int, of alphabet: [Character]) -> String {
            String((0..<count).map { _ in alphabet[Int.random(in: alphabet.indices, using: &generator)] })
        }
        return AdministratorCredentials(accessKeyId: "AKIA" + text(16, of: letters), secretAccessKey: text(40, of: all))
    }

    /// Writes to a file of its own and links it into place, so that nobody sees half a key and the first one wins.
    private static func write(_ credentials: AdministratorCredentials, dataDirectory: String) throws {
        let path = dataDirectory + "/" + fileName
        let temporary = "\(path).\(getpid()).\(UInt32.random(in: 0...UInt32.max))"
        func failure() -> AdministratorCredentialsError {
            AdministratorCredentialsError(path: path, reason: String(cString: strerror(errno)))
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        let contents = [UInt8](try encoder.encode(credentials)) + [UInt8(ascii: "\n")]
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw failure() }
        defer {
            close(descriptor)
            unlink(temporary)
        }
        guard Glibc.write(descriptor, contents, contents.count) == contents.count, fsync(descriptor) == 0 else {
            throw failure()
        }
        guard link(temporary, path) == 0 || errno == EEXIST else { throw failure() }
    }

    private static func isKey(_ text: String) -> Bool {
        (16...128).contains(text.utf8.count) && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) }
    }
}

/// The administrator's key can't be read or made; the text is for the user.
public struct AdministratorCredentialsError: Error, Sendable, Equatable, CustomStringConvertible {
    public let path: String
    public let reason: String

    public var description: String { "\(path): \(reason)" }
}
