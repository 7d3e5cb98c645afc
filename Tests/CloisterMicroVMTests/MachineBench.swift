import CloisterCore
import CloisterIsolation
import CloisterOCI
import Foundation
import Glibc

@testable import CloisterMicroVM

/// A backend in a folder of its own, in software, and the machines that a test started with it.
final class MachineBench {
    struct Missing: Error, CustomStringConvertible {
        let description: String
    }

    let backend: MicroVMBackend
    let scratch: String
    private let image: String
    private(set) var probes: [SandboxProbe] = []

    init() throws {
        scratch = try MachineBench.makeScratch()
        image = try MachineBench.image()
        backend = try MicroVMBackend(
            accelerator: .tcg, stateDirectory: scratch + "/state", agentProgram: try MachineBench.agent())
    }

    static func makeScratch() throws -> String {
        let path = "/var/tmp/cloister-microvm-tests-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path + "/code", withIntermediateDirectories: true)
        return path
    }

    static func image() throws -> String {
        let directory = ProcessInfo.processInfo.environment["CLOISTER_RUNTIMES"] ?? "/var/cache/cloister/runtimes"
        let image = directory + "/python3.13/rootfs"
        guard FileManager.default.fileExists(atPath: image) else {
            throw Missing(description: "no image at \(image): cloister runtime build python3.13, or set CLOISTER_RUNTIMES")
        }
        return image
    }

    /// The agent that was built with these tests.
    static func agent() throws -> String {
        if let path = ProcessInfo.processInfo.environment["CLOISTER_AGENT"] { return path }
        let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let folders = ([program] + CommandLine.arguments).map { ($0 as NSString).deletingLastPathComponent }
        for folder in folders where FileManager.default.isExecutableFile(atPath: folder + "/cloister-agent") {
            return folder + "/cloister-agent"
        }
        throw Missing(description: "no cloister-agent in \(folders): build the whole package, or set CLOISTER_AGENT")
    }

    static func identifier() -> EnvironmentID {
        var random = SystemRandomNumberGenerator()
        return EnvironmentID(random: random.next(), random.next())
    }

    func configuration(memoryMiB: Int = 256, storageMiB: Int = 64) -> SandboxConfiguration {
        SandboxConfiguration(
            id: MachineBench.identifier(), imageDirectory: image, codeDirectory: scratch + "/code", memoryMiB: memoryMiB,
            ephemeralStorageMiB: storageMiB)
    }

    /// Starts a machine; its agent isn't awaited.
    func begin(memoryMiB: Int = 256, storageMiB: Int = 64) async throws -> SandboxProbe {
        adopt(try await backend.start(configuration(memoryMiB: memoryMiB, storageMiB: storageMiB)))
    }

    func adopt(_ sandbox: any Sandbox) -> SandboxProbe {
        let probe = SandboxProbe(sandbox)
        probes.append(probe)
        return probe
    }

    static func with(_ body: (MachineBench) async throws -> Void) async throws {
        let bench = try MachineBench()
        do { try await body(bench) } catch {
            await bench.end()
            throw error
        }
        await bench.end()
    }

    /// Runs the test's body with two machines that boot side by side.
    static func withTwo(
        memoryMiB: Int = 256, storageMiB: Int = 64,
        _ body: (MachineBench, SandboxProbe, SandboxProbe) async throws -> Void
    ) async throws {
        try await with { bench in
            let first = try await bench.begin(memoryMiB: memoryMiB, storageMiB: storageMiB)
            let second = try await bench.begin(memoryMiB: memoryMiB, storageMiB: storageMiB)
            try await first.expect(.ready)
            try await second.expect(.ready)
            try await body(bench, first, second)
        }
    }

    func end() async {
        for probe in probes {
            await probe.sandbox.destroy()
            probe.close()
        }
        probes = []
        backend.parent.remove()
        KernelFile.removeDeepTree(scratch)
    }
}
