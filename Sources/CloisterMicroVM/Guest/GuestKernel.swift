import CCloisterLinux
import CloisterIsolation
import CloisterOCI
import Glibc

/// Debian's cloud kernel, unchanged, as a virtual machine boots it: the bare kernel out of its bzImage, and the modules
/// that a guest needs as one archive. Made once for all servers of a host, beside the runtime images.
public struct GuestKernel: Sendable {
    /// `vmlinux`, `modules.cpio` and `version` are in a folder of this one.
    public static let standardDirectory = "/var/cache/cloister/guest"
    /// The layout's version. A kernel of another is made anew.
    private static let format = "1"
    private static let metaPackage = "linux-image-cloud-amd64"
    private static let buildLockAttempts = 3000

    public let directory: String
    var kernelPath: String { directory + "/" + GuestKernel.format + "/vmlinux" }
    var modulesPath: String { directory + "/" + GuestKernel.format + "/modules.cpio" }
    private var versionPath: String { directory + "/" + GuestKernel.format + "/version" }

    /// - Parameter directory: nil takes `CLOISTER_GUEST`, else the standard place.
    public init(directory: String? = nil) {
        let given = directory ?? getenv("CLOISTER_GUEST").map { String(cString: $0) }
        self.directory = given ?? GuestKernel.standardDirectory
    }

    /// The kernel's package version; nil if it isn't there yet.
    public var version: String? {
        KernelFile.read(versionPath).map { String($0.prefix { $0 != "\n" }) }
    }

    /// Makes it if it isn't there: downloads Debian's package with apt (some 30 MB), which takes seconds. Blocks.
    public func prepare() throws(IsolationError) {
        guard version == nil else { return }
        guard cloister_counter_kilohertz() > 0 else {
            throw IsolationError(.unavailable, "virtual machines are built for x86-64 only")
        }
        try GuestKernel.makeDirectories(directory)
        let lock = try takeLock()
        defer { withExtendedLifetime(lock) {} }
        guard version == nil else { return }
        let workplace = directory + "/.building-\(getpid())"
        KernelFile.removeDeepTree(workplace)
        guard mkdir(workplace, 0o755) == 0 else { throw IsolationError(.startFailed, "\(workplace): \(errorText(errno))") }
        defer { KernelFile.removeDeepTree(workplace) }
        let package = try GuestKernel.package()
        try download(package, into: workplace)
        try build(package, in: workplace)
        guard rename(workplace + "/result", directory + "/" + GuestKernel.format) == 0 else {
            throw IsolationError(.startFailed, "\(directory): \(errorText(errno))")
        }
    }

    private static func makeDirectories(_ path: String) throws(IsolationError) {
        var current = ""
        for part in path.split(separator: "/") {
            current += "/" + part
            guard mkdir(current, 0o755) == 0 || errno == EEXIST else {
                throw IsolationError(.unavailable, "\(current): \(errorText(errno))")
            }
        }
    }

    /// Another server may be making it.
    private func takeLock() throws(IsolationError) -> FileLock {
        for _ in 0..<GuestKernel.buildLockAttempts {
            do throws(IsolationError) { return try FileLock(directory + "/.lock") } catch { usleep(100_000) }
        }
        throw IsolationError(.unavailable, "\(directory)/.lock stays taken")
    }

    // MARK: Package

    /// The package that the meta package stands for now.
    private static func package() throws(IsolationError) -> String {
        let program = try HostTool.find("apt-cache", package: "apt")
        let text = try HostTool.run([program, "depends", "--important", metaPackage])
        for line in text.split(separator: "\n") {
            let words = line.split(whereSeparator: \.isWhitespace)
            if words.count == 2, words[0] == "Depends:", words[1].hasPrefix("linux-image-") { return String(words[1]) }
        }
        throw IsolationError(.unavailable, "apt knows no \(metaPackage): apt-get update")
    }

    private func download(_ package: String, into workplace: String) throws(IsolationError) {
        let apt = try HostTool.find("apt-get", package: "apt")
        let dpkg = try HostTool.find("dpkg-deb", package: "dpkg")
        // apt-get downloads into its working directory.
        try HostTool.run(
            [
                "/bin/sh", "-c", "cd \"$0\" && exec \"$@\"", workplace, apt, "-q", "-o", "APT::Sandbox::User=root",
                "download", package,
            ],
            timeoutMilliseconds: 600_000)
        guard let archive = KernelFile.names(in: workplace).first(where: { $0.hasSuffix(".deb") }) else {
            throw IsolationError(.unavailable, "apt-get downloaded no \(package)")
        }
        try HostTool.run([dpkg, "-x", workplace + "/" + archive, workplace + "/package"])
    }

    // MARK: Kernel and modules

    private func build(_ package: String, in workplace: String) throws(IsolationError) {
        let result = workplace + "/result"
        guard mkdir(result, 0o755) == 0 else { throw IsolationError(.startFailed, "\(result): \(errorText(errno))") }
        let boot = workplace + "/package/boot"
        guard let name = KernelFile.names(in: boot).first(where: { $0.hasPrefix("vmlinuz-") }) else {
            throw IsolationError(.unavailable, "\(package) holds no kernel")
        }
        let release = String(name.dropFirst("vmlinuz-".count))
        try extract(boot + "/" + name, to: result + "/vmlinux", workplace: workplace)
        try collectModules(of: release, in: workplace + "/package", to: result + "/modules.cpio", workplace: workplace)
        try GuestKernel.create(result + "/version", Array("\(package) \(release)\n".utf8))
    }

    private func extract(_ bzImage: String, to path: String, workplace: String) throws(IsolationError) {
        let image = try KernelImage(try GuestKernel.bytes(of: bzImage))
        try GuestKernel.create(workplace + "/payload", Array(image.payload))
        try decompress(workplace + "/payload", image.compression, to: path)
        var status = stat()
        guard stat(path, &status) == 0, status.st_size == image.size else {
            throw IsolationError(.startFailed, "the kernel's payload is not what its header says")
        }
    }

    private func decompress(
        _ path: String, _ compression: KernelImage.Compression, to target: String
    ) throws(IsolationError) {
        let program = try HostTool.find(compression.rawValue, package: compression.package)
        let output = open(target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard output >= 0 else { throw IsolationError(.startFailed, "\(target): \(errorText(errno))") }
        defer { close(output) }
        try HostTool.run([program, "-d", "-c", path], output: output)
    }

    private func collectModules(
        of release: String, in package: String, to path: String, workplace: String
    ) throws(IsolationError) {
        let base = [package + "/lib/modules/", package + "/usr/lib/modules/"].map { $0 + release }
            .first { KernelFile.isDirectory($0) }
        guard let base else { throw IsolationError(.unavailable, "the kernel's package holds no modules") }
        var files: [String: String] = [:]
        for file in KernelFile.files(below: base) where file.contains(".ko") { files[ModuleOrder.name(ofFile: file)] = file }
        let builtIn = (KernelFile.read(base + "/modules.builtin") ?? "").split(separator: "\n")
        let order = ModuleOrder(builtIn: Set(builtIn.map { ModuleOrder.name(ofFile: String($0)) })) { name in
            files[name].flatMap { try? module($0, workplace: workplace) }
        }
        var archive = CpioArchive()
        archive.addDirectory("modules")
        for (index, module) in try order.resolve().enumerated() {
            archive.addFile("modules/\(index < 10 ? "0" : "")\(index).ko", permissions: 0o644, module.bytes)
        }
        try GuestKernel.create(path, archive.finished())
    }

    /// A module's file as the kernel loads it, whatever it is compressed with.
    private func module(_ path: String, workplace: String) throws(IsolationError) -> [UInt8] {
        guard !path.hasSuffix(".ko") else { return try GuestKernel.bytes(of: path) }
        let compression: KernelImage.Compression = path.hasSuffix(".zst") ? .zstd : path.hasSuffix(".gz") ? .gzip : .xz
        let plain = workplace + "/module"
        try decompress(path, compression, to: plain)
        return try GuestKernel.bytes(of: plain)
    }

    static func bytes(of path: String) throws(IsolationError) -> [UInt8] {
        guard let bytes = KernelFile.readBytes(path) else {
            throw IsolationError(.startFailed, "\(path) can't be read: \(errorText(errno))")
        }
        return bytes
    }

    static func create(_ path: String, mode: mode_t = 0o644, _ bytes: [UInt8]) throws(IsolationError) {
        unlink(path)
        let error = KernelFile.create(path, mode: mode, bytes)
        guard error == 0 else { throw IsolationError(.startFailed, "\(path): \(errorText(error))") }
    }
}
