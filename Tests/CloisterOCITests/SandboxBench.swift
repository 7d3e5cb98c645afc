import CloisterCore
import CloisterIsolation
import Foundation
import Glibc

@testable import CloisterOCI

/// A backend in a folder of its own, and the sandboxes that a test started with it.
final class SandboxBench {
    let backend: OCIBackend
    let scratch: String
    private let image: String
    private(set) var probes: [SandboxProbe] = []

    init(_ runtime: OCIRuntime) throws {
        scratch = try TestHost.scratch()
        image = try TestHost.image()
        backend = try OCIBackend(
            runtime: runtime, stateDirectory: scratch + "/state", agentProgram: try TestHost.agent())
    }

    static func identifier() -> EnvironmentID {
        var random = SystemRandomNumberGenerator()
        return EnvironmentID(random: random.next(), random.next())
    }

    func configuration(memoryMiB: Int = 256, storageMiB: Int = 64) -> SandboxConfiguration {
        SandboxConfiguration(
            id: SandboxBench.identifier(), imageDirectory: image, codeDirectory: scratch + "/code", memoryMiB: memoryMiB,
            ephemeralStorageMiB: storageMiB)
    }

    /// Starts a sandbox and waits for the agent.
    func start(memoryMiB: Int = 256, storageMiB: Int = 64) async throws -> SandboxProbe {
        let sandbox = try await backend.start(configuration(memoryMiB: memoryMiB, storageMiB: storageMiB))
        let probe = SandboxProbe(sandbox)
        probes.append(probe)
        try await probe.expect(.ready)
        return probe
    }

    /// Runs the test's body with two sandboxes, whose ends are checked as well.
    static func withTwo(
        _ runtime: OCIRuntime, memoryMiB: Int = 256, storageMiB: Int = 64,
        _ body: (SandboxBench, SandboxProbe, SandboxProbe) async throws -> Void
    ) async throws {
        let bench = try SandboxBench(runtime)
        do {
            let first = try await bench.start(memoryMiB: memoryMiB, storageMiB: storageMiB)
            let second = try await bench.start(memoryMiB: memoryMiB, storageMiB: storageMiB)
            try await body(bench, first, second)
        } catch {
            await bench.end()
            throw error
        }
        await bench.end()
    }

    func end() async {
        for probe in probes {
            await probe.sandbox.destroy()
            probe.close()
        }
        probes = []
        backend.parent.remove()
        KernelFile.removeTree(scratch)
    }
}
