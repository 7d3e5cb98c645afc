import CCloisterLinux
import CloisterIsolation
import Glibc

/// The backend's folder: `lock`, `cloister-agent`, and `sandboxes/ID` for each live sandbox.
package enum StateDirectory {
    /// Creates it (and its parents), private to root, and returns its path without links.
    package static func make(_ path: String) throws(IsolationError) -> String {
        guard path.hasPrefix("/") else { throw IsolationError(.startFailed, "not an absolute path: \(path)") }
        var current = ""
        for part in (path + "/sandboxes").split(separator: "/") {
            current += "/" + part
            guard mkdir(current, 0o700) == 0 || errno == EEXIST else {
                throw IsolationError(.startFailed, "\(current): \(errorText(errno))")
            }
        }
        guard mkdir(StagedBind.stage, 0o755) == 0 || errno == EEXIST else {
            throw IsolationError(.startFailed, "\(StagedBind.stage): \(errorText(errno))")
        }
        guard let resolved = realpath(path, nil) else { throw IsolationError(.startFailed, "\(path): \(errorText(errno))") }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// Copies a program, so that a later build of it doesn't change running sandboxes.
    package static func install(_ program: String, as copy: String, mode: mode_t) throws(IsolationError) -> String {
        guard let bytes = bytes(of: program) else {
            throw IsolationError(.unavailable, "the agent is missing: \(program): \(errorText(errno))")
        }
        let fresh = copy + ".new"
        unlink(fresh)
        let error = KernelFile.create(fresh, mode: mode, bytes)
        guard error == 0, chmod(fresh, mode) == 0, rename(fresh, copy) == 0 else {
            throw IsolationError(.startFailed, "\(copy): \(errorText(error == 0 ? errno : error))")
        }
        return copy
    }

    private static let programBytesMax = 64 << 20

    private static func bytes(of path: String) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_size <= programBytesMax else { return nil }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var filled = 0
        while filled < bytes.count {
            let count = bytes.withUnsafeMutableBytes { read(descriptor, $0.baseAddress.map { $0 + filled }, $0.count - filled) }
            guard count > 0 else { return nil }
            filled += count
        }
        return bytes
    }
}

/// An exclusive lock that ends with this object or the process.
package final class FileLock: Sendable {
    private let descriptor: Int32

    package init(_ path: String) throws(IsolationError) {
        var opened: Int32 = -1
        let error = cloister_lock_file(path, &opened)
        guard error == 0 else {
            let text = error == EWOULDBLOCK ? "another server uses this state directory" : errorText(error)
            throw IsolationError(.unavailable, "\(path): \(text)")
        }
        descriptor = opened
    }

    deinit { close(descriptor) }
}
