import Glibc

/// Keeps two processes from making the same image at once. The kernel lets it go when its holder dies.
struct BuildLock {
    private let descriptor: Int32

    /// Waits for the lock.
    init(path: String, cancellation: Cancellation) throws(RuntimeImageError) {
        descriptor = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .file(path: path, reason: String(cString: strerror(errno))) }
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            let reason = errno
            guard reason == EWOULDBLOCK || reason == EINTR, !cancellation.isCancelled else {
                close(descriptor)
                if cancellation.isCancelled { throw .cancelled }
                throw .file(path: path, reason: String(cString: strerror(reason)))
            }
            usleep(100_000)
        }
    }

    func unlock() { close(descriptor) }
}
