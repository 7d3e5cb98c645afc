import CloisterCore
import CloisterIsolation
import Foundation

@testable import CloisterOCI

/// What the tests need from the machine; each absence is an error with its remedy.
enum TestHost {
    struct Missing: Error, CustomStringConvertible {
        let description: String
    }

    /// The root file system of `python3.13`.
    static func image() throws -> String {
        let directory = ProcessInfo.processInfo.environment["CLOISTER_RUNTIMES"] ?? "/var/cache/cloister/runtimes"
        let image = directory + "/python3.13/rootfs"
        guard FileManager.default.fileExists(atPath: image + SandboxSpecification.agentPath) else {
            throw Missing(
                description: "no image at \(image): run `cloister runtime build python3.13`, or set CLOISTER_RUNTIMES")
        }
        return image
    }

    /// The agent that was built with these tests.
    static func agent() throws -> String {
        if let path = ProcessInfo.processInfo.environment["CLOISTER_AGENT"] { return path }
        let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let folders = [(program as NSString).deletingLastPathComponent] + CommandLine.arguments.map { argument in
            (argument as NSString).deletingLastPathComponent
        }
        for folder in folders where FileManager.default.isExecutableFile(atPath: folder + "/cloister-agent") {
            return folder + "/cloister-agent"
        }
        throw Missing(description: "no cloister-agent in \(folders): build the whole package, or set CLOISTER_AGENT")
    }

    /// False also for a zombie, which its parent may be slow to reap.
    static func isRunning(_ pid: pid_t) -> Bool {
        guard let text = KernelFile.read("/proc/\(pid)/stat"), let end = text.lastIndex(of: ")") else { return false }
        return !text[end...].hasPrefix(") Z")
    }

    /// Loop devices whose image is, or was, in this folder, of one size.
    static func disks(in directory: String, mebibytes: Int) -> Int {
        let sectors = ScratchDisks.imageMiB(mebibytes) << 11
        return KernelFile.names(in: "/sys/block").filter { name in
            (KernelFile.read("/sys/block/\(name)/loop/backing_file") ?? "").hasPrefix(directory + "/")
                && KernelFile.readInteger("/sys/block/\(name)/size") == sectors
        }.count
    }

    /// A new folder that must allow execution; the caller removes it.
    static func scratch() throws -> String {
        let path = "/var/tmp/cloister-oci-tests-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path + "/code", withIntermediateDirectories: true)
        return path
    }
}
