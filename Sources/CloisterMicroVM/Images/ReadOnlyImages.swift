import CCloisterLinux
import CloisterIsolation
import CloisterOCI
import Glibc
import Synchronization

/// Directories as read-only block images (EROFS), made once each.
///
/// A runtime's image is kept beside its directory and so goes with it. Code and layers are kept in the state directory, by
/// the path and identity of their directory, which never changes once made: at most `keptMax` of each, the ones
/// used longest ago go first. A machine that runs keeps the file that it has open.
final class ReadOnlyImages: Sendable {
    static let keptMax = 256

    private let program: String
    private let directory: String
    /// One image at a time: two functions may share one.
    private let making = Mutex(())

    init(directory: String) throws(IsolationError) {
        program = try HostTool.find("mkfs.erofs", package: "erofs-utils")
        self.directory = directory
        guard mkdir(directory, 0o700) == 0 || errno == EEXIST else {
            throw IsolationError(.startFailed, "\(directory): \(errorText(errno))")
        }
    }

    /// The image of a runtime's root file system. Takes a second the first time.
    func image(ofRuntime root: String) throws(IsolationError) -> String {
        let path = root + ".erofs"
        if access(path, R_OK) == 0 { return path }
        try make(root, path)
        return path
    }

    /// The image of a directory with code or layers.
    func image(of source: String) throws(IsolationError) -> String {
        var status = stat()
        guard stat(source, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw IsolationError(.startFailed, "\(source) is no directory")
        }
        let identity = "\(source) \(status.st_dev) \(status.st_ino) \(status.st_ctim.tv_sec) \(status.st_ctim.tv_nsec)"
        let path = directory + "/" + String(stableHash(identity), radix: 16) + ".erofs"
        if utimensat(AT_FDCWD, path, nil, 0) == 0 { return path }
        try make(source, path)
        evict()
        return path
    }

    private func make(_ source: String, _ path: String) throws(IsolationError) {
        try making.withLock { (_) throws(IsolationError) in
            guard access(path, R_OK) != 0 else { return }
            let unfinished = path + ".\(getpid())"
            unlink(unfinished)
            do throws(IsolationError) {
                // One owner and one time, so that an image says nothing of when and where it was made.
                try HostTool.run([program, "-d0", "-x-1", "-T1735689600", "--all-root", unfinished, source])
            } catch {
                unlink(unfinished)
                throw error
            }
            guard chmod(unfinished, 0o444) == 0, rename(unfinished, path) == 0 else {
                throw IsolationError(.startFailed, "\(path): \(errorText(errno))")
            }
        }
    }

    private func evict() {
        let images = KernelFile.names(in: directory).compactMap { name -> (path: String, usedAt: Int)? in
            var status = stat()
            let path = directory + "/" + name
            return stat(path, &status) == 0 ? (path, status.st_mtim.tv_sec) : nil
        }
        guard images.count > ReadOnlyImages.keptMax else { return }
        for image in images.sorted(by: { $0.usedAt < $1.usedAt }).prefix(images.count - ReadOnlyImages.keptMax) {
            unlink(image.path)
        }
    }
}
