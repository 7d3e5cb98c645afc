import CCloisterLinux
import CloisterIsolation
import Glibc
import Synchronization

/// The file system that is one sandbox's `/tmp`: a sparse image file without a name, mounted through a loop device.
///
/// Nothing of it is seen on the host: the mount has no place until it is moved into the sandbox, and image, device and
/// mount go with their last user, be it this object, the sandbox or a killed server.
final class ScratchDisk: Sendable {
    /// Until the mount has been moved into a sandbox.
    private let mount: Mutex<Int32?>
    private let root: Int32

    /// Mounts an image that holds an ext4 file system; the descriptor stays the caller's.
    init(image: Int32) throws(IsolationError) {
        var mounted: Int32 = -1
        var directory: Int32 = -1
        try ScratchDisk.check(cloister_disk_mount(image, &mounted, &directory), "mounting through a loop device")
        mount = Mutex(mounted)
        root = directory
    }

    /// For `StagedBind`; nil once `wasMoved`.
    var unplacedMount: Int32? { mount.withLock { $0 } }

    /// The sandbox has the mount now (or never will): our hold on it ends.
    func wasMoved() {
        mount.withLock {
            if let descriptor = $0 { close(descriptor) }
            $0 = nil
        }
    }

    /// Makes this user of the sandbox's user namespace the owner of `/tmp`.
    func setOwner(_ user: UInt32) -> Bool { fchown(root, user, user) == 0 }

    /// Without this the kernel would write a dead sandbox's files out to an image that nobody reads. Only where there
    /// are many: the kernel logs it as an alert.
    func discard() {
        var status = statvfs()
        guard fstatvfs(root, &status) == 0, status.f_bfree <= status.f_blocks else { return }
        let used = (status.f_blocks - status.f_bfree) * status.f_frsize
        if used > ScratchDisk.discardBytesMin { cloister_disk_discard(root) }
    }

    private static let discardBytesMin: UInt = 8 << 20

    static func check(_ error: Int32, _ what: String) throws(IsolationError) {
        guard error != 0 else { return }
        let isShortage = [EMFILE, ENFILE, ENOMEM, ENOSPC, EBUSY].contains(error)
        let isAbsent = [ENOENT, ENXIO, ENODEV, EPERM, EACCES, EOPNOTSUPP].contains(error)
        let code: IsolationError.Code = isShortage ? .exhausted : isAbsent ? .unavailable : .startFailed
        throw IsolationError(code, "scratch disk: \(what): \(errorText(error))")
    }

    /// Unmounts it, unless a process is still in it.
    deinit {
        wasMoved()
        close(root)
    }
}
