import CCloisterLinux
import CloisterIsolation
import Glibc
import Synchronization

/// Makes scratch disks, and keeps some ready.
///
/// One image per size is formatted and kept as a template without a name; a disk's image is a sparse copy of it (some
/// 130 KB of data). Bounds: templates of the `sizesMax` sizes that were asked for last, for each at most
/// `readyMax` disks (each is one loop device and three descriptors).
package final class ScratchDisks: Sendable {
    static let sizesMax = 4
    static let readyMax = 4
    /// Lambda's default, kept ready from the start.
    package static let usualMiB = 512
    private static let programs = ["/usr/sbin/mkfs.ext4", "/sbin/mkfs.ext4"]
    private static let formatMilliseconds: Int32 = 60_000

    private struct Size {
        let mebibytes: Int
        let template: Template
        var ready: [ScratchDisk] = []
        var isRefilling = false
    }

    /// Closes the template's descriptor with its last user.
    private final class Template: Sendable {
        let descriptor: Int32
        init(_ descriptor: Int32) { self.descriptor = descriptor }
        deinit { close(descriptor) }
    }

    private let directory: String
    private let program: String
    /// The size that was used last comes last.
    private let sizes = Mutex<[Size]>([])

    /// Makes a first disk to see whether this host can: some ten milliseconds. Throws with the reason if it can't.
    init(directory: String) throws(IsolationError) {
        guard let program = ScratchDisks.programs.first(where: { access($0, X_OK) == 0 }) else {
            throw IsolationError(.unavailable, "no mkfs.ext4 (apt install e2fsprogs)")
        }
        guard cloister_is_in_memory(directory) == 0 else {
            throw IsolationError(.unavailable, "\(directory) is itself memory")
        }
        self.directory = directory
        self.program = program
        let first = try make(ScratchDisks.usualMiB)
        sizes.withLock { if !$0.isEmpty { $0[0].ready.append(first) } }
    }

    /// A disk with room for this many MiB of files: a ready one, or a new one, which takes some milliseconds.
    func take(_ mebibytes: Int) throws(IsolationError) -> ScratchDisk {
        let ready = sizes.withLock { sizes in
            sizes.lastIndex { $0.mebibytes == mebibytes }.flatMap { sizes[$0].ready.popLast() }
        }
        if let ready { return ready }
        return try make(mebibytes)
    }

    /// Makes ready disks of this size until there are enough. One call at a time works, others return at once.
    func refill(_ mebibytes: Int) {
        let mayStart = change(mebibytes) { size in
            defer { size.isRefilling = true }
            return !size.isRefilling
        }
        guard mayStart == true else { return }
        while change(mebibytes, { $0.ready.count < ScratchDisks.readyMax }) == true {
            // Whoever needs a disk makes one and says why it can't be made.
            guard let disk = try? make(mebibytes), change(mebibytes, { $0.ready.append(disk) }) != nil else { break }
        }
        change(mebibytes) { $0.isRefilling = false }
    }

    var readyCount: Int { sizes.withLock { $0.reduce(0) { $0 + $1.ready.count } } }

    /// Unmounts all ready disks.
    func dropReady() {
        let dropped = sizes.withLock { sizes in
            defer { for index in sizes.indices { sizes[index].ready = [] } }
            return sizes.flatMap(\.ready)
        }
        withExtendedLifetime(dropped) {}
    }

    /// Nil if this size isn't kept.
    @discardableResult
    private func change<Value: Sendable>(_ mebibytes: Int, _ body: @Sendable (inout Size) -> Value) -> Value? {
        sizes.withLock { sizes in
            sizes.lastIndex { $0.mebibytes == mebibytes }.map { body(&sizes[$0]) }
        }
    }

    private func make(_ mebibytes: Int) throws(IsolationError) -> ScratchDisk {
        let template = try template(mebibytes)
        let image = try unnamedFile()
        defer { close(image) }
        try ScratchDisk.check(cloister_copy_sparse(template.descriptor, image), "copying the disk's template")
        return try ScratchDisk(image: image)
    }

    private func template(_ mebibytes: Int) throws(IsolationError) -> Template {
        if let kept = change(mebibytes, { $0.template }) { return kept }
        let fresh = try format(mebibytes)
        // Dropped disks are unmounted outside the lock.
        let dropped: [Size] = sizes.withLock { sizes in
            guard !sizes.contains(where: { $0.mebibytes == mebibytes }) else { return [] }
            sizes.append(Size(mebibytes: mebibytes, template: fresh))
            guard sizes.count > ScratchDisks.sizesMax else { return [] }
            return [sizes.removeFirst()]
        }
        withExtendedLifetime(dropped) {}
        return fresh
    }

    private func format(_ mebibytes: Int) throws(IsolationError) -> Template {
        let image = try unnamedFile()
        let template = Template(image)
        let bytes = off_t(ScratchDisks.imageMiB(mebibytes)) << 20
        try ScratchDisk.check(ftruncate(image, bytes) == 0 ? 0 : errno, "making its image")
        let null = open("/dev/null", O_RDWR | O_CLOEXEC)
        guard null >= 0 else { throw IsolationError(.exhausted, "/dev/null: \(errorText(errno))") }
        defer { close(null) }
        // A file system that has never been written to needs no journal, no zeroed tables and no reserve for root.
        let format = RuntimeProgram(
            arguments: [
                program, "-q", "-F", "-m", "0", "-b", "4096", "-I", "256", "-i", "16384",
                "-O", "^has_journal,^resize_inode,^orphan_file", "-E",
                "nodiscard,lazy_itable_init=1,assume_storage_prezeroed=1", "/proc/\(getpid())/fd/\(image)",
            ], standardInput: null, output: null, isPrivate: false)
        let status = try format.run(timeoutMilliseconds: ScratchDisks.formatMilliseconds)
        guard status == 0 else { throw IsolationError(.unavailable, "\(program) failed (status \(status))") }
        return template
    }

    /// A disk's inode tables take a 64th, and ext4 holds back a 50th (at most 16 MiB): on top, so that all of the size
    /// is for files.
    package static func imageMiB(_ mebibytes: Int) -> Int { mebibytes + mebibytes / 48 + min(mebibytes / 48, 17) + 4 }

    private func unnamedFile() throws(IsolationError) -> Int32 {
        let descriptor = open(directory, cloister_unnamed_file_flags | O_RDWR | O_CLOEXEC, 0o600)
        try ScratchDisk.check(descriptor >= 0 ? 0 : errno, "making a file without a name in \(directory)")
        return descriptor
    }
}
