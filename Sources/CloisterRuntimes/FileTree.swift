import Foundation

/// File operations of a build, with errors that name the path. Links are never followed at a path's end.
enum FileTree {
    static func makeDirectory(_ path: String) throws {
        try named(path) {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        }
    }

    static func write(_ bytes: [UInt8], to path: String, mode: mode_t) throws {
        try makeDirectory((path as NSString).deletingLastPathComponent)
        try remove(path)
        try named(path) { try Data(bytes).write(to: URL(fileURLWithPath: path)) }
        guard chmod(path, mode) == 0 else { throw failure(path) }
    }

    static func link(_ path: String, to target: String) throws {
        try makeDirectory((path as NSString).deletingLastPathComponent)
        try remove(path)
        guard symlink(target, path) == 0 else { throw failure(path) }
    }

    /// Whether there is anything at the path, a dangling link included.
    static func exists(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    /// Removes a file, a link, or a directory with what it holds. Stops at another file system: something is mounted
    /// there, and what it holds isn't ours.
    static func remove(_ path: String) throws {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        try remove(path, device: status.st_dev)
    }

    private static func remove(_ path: String, device: dev_t) throws {
        var status = stat()
        guard lstat(path, &status) == 0 else { throw failure(path) }
        guard status.st_dev == device else {
            throw RuntimeImageError.file(path: path, reason: "something is mounted there; unmount it")
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            guard unlink(path) == 0 else { throw failure(path) }
            return
        }
        for name in try names(path) { try remove(path + "/" + name, device: device) }
        guard rmdir(path) == 0 else { throw failure(path) }
    }

    /// Removes what a directory holds, and keeps the directory.
    static func empty(_ path: String) throws {
        try makeDirectory(path)
        for name in try names(path) { try remove(path + "/" + name) }
    }

    static func rename(_ path: String, to destination: String) throws {
        guard Glibc.rename(path, destination) == 0 else { throw failure(path) }
    }

    /// Sorted by bytes, so that a walk's order depends on nothing else.
    static func names(_ path: String) throws -> [String] {
        try named(path) { try FileManager.default.contentsOfDirectory(atPath: path) }
            .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    static func failure(_ path: String) -> RuntimeImageError {
        .file(path: path, reason: String(cString: strerror(errno)))
    }

    private static func named<Value>(_ path: String, _ work: () throws -> Value) throws -> Value {
        do {
            return try work()
        } catch {
            throw RuntimeImageError.file(path: path, reason: error.localizedDescription)
        }
    }
}
