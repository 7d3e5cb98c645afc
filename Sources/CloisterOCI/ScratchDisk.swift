import CCloisterLinux
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

    /// Takes an image that holds an ext4 file system; closing the descriptor is left to the caller. Nil sets errno's
    /// value in `failure`.
    init?(image: Int32, failure: inout Int32) {
        var mounted: Int32 = -1
        var directory: Int32 = -1
        failure = cloister_disk_mount(image, &mounted, &directory)
        guard failure == 0 else { return nil }
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

    /// What hasn't been written to the image never will be. Without this the kernel would write a dead sandbox's files out.
    func discard() { cloister_disk_discard(root) }

    /// Unmounts it, unless a process is still in it.
    deinit {
        wasMoved()
        close(root)
    }
}
