import CCloisterLinux
import CloisterIsolation
import CloisterOCI
import Glibc
import Synchronization

/// Disks that are machines' `/tmp`: sparse image files with an ext4 file system, copied from one template per size.
final class TemporaryDisks: Sendable {
    private static let keptMax = 16

    private let program: String
    private let directory: String
    private let making = Mutex(())

    init(directory: String) throws(IsolationError) {
        program = try HostTool.find("mkfs.ext4", package: "e2fsprogs")
        self.directory = directory
        // An earlier version's, or half made.
        KernelFile.removeTree(directory)
        guard mkdir(directory, 0o700) == 0 else { throw IsolationError(.startFailed, "\(directory): \(errorText(errno))") }
    }

    /// Makes the file `path`, of which `user` alone may make use, with room for this many MiB of files.
    func make(_ path: String, mebibytes: Int, user: UInt32) throws(IsolationError) {
        let template = try template(mebibytes)
        let from = open(template, O_RDONLY | O_CLOEXEC)
        guard from >= 0 else { throw IsolationError(.startFailed, "\(template): \(errorText(errno))") }
        defer { close(from) }
        let to = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard to >= 0 else { throw IsolationError(.startFailed, "\(path): \(errorText(errno))") }
        defer { close(to) }
        let error = cloister_copy_sparse(from, to)
        guard error == 0, fchown(to, user, user) == 0 else {
            let code = error == 0 ? errno : error
            throw IsolationError(code == ENOSPC ? .exhausted : .startFailed, "\(path): \(errorText(code))")
        }
    }

    private func template(_ mebibytes: Int) throws(IsolationError) -> String {
        try making.withLock { (_) throws(IsolationError) in
            let path = directory + "/\(mebibytes).ext4"
            if access(path, R_OK) == 0 { return path }
            let names = KernelFile.names(in: directory)
            if names.count >= TemporaryDisks.keptMax, let first = names.first { unlink(directory + "/" + first) }
            let unfinished = path + ".new"
            try GuestKernel.create(unfinished, mode: 0o600, [])
            guard truncate(unfinished, off_t(ScratchDisks.imageMiB(mebibytes)) << 20) == 0 else {
                throw IsolationError(.exhausted, "\(unfinished): \(errorText(errno))")
            }
            // A file system that has never been written to needs no journal, no zeroed tables and no reserve for root.
            try HostTool.run([
                program, "-q", "-F", "-m", "0", "-b", "4096", "-I", "256", "-i", "16384", "-O",
                "^has_journal,^resize_inode,^orphan_file", "-E",
                "nodiscard,lazy_itable_init=1,assume_storage_prezeroed=1", unfinished,
            ])
            guard rename(unfinished, path) == 0 else { throw IsolationError(.startFailed, "\(path): \(errorText(errno))") }
            return path
        }
    }
}
