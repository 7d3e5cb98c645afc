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
    ///
    /// - Parameter isPrebooted: whether it is booted without code and small, and furnished afterwards.
    func start(memoryMiB: Int = 256, storageMiB: Int = 64, isPrebooted: Bool = false) async throws -> SandboxProbe {
        let wanted = configuration(memoryMiB: memoryMiB, storageMiB: storageMiB)
        let sandbox = isPrebooted ? try await boot(wanted) : try await backend.start(wanted)
        let probe = SandboxProbe(sandbox)
        probes.append(probe)
        try await probe.expect(.ready)
        return probe
    }

    private func boot(_ wanted: SandboxConfiguration) async throws -> any Sandbox {
        let blank = try await backend.boot(
            BlankConfiguration(
                id: wanted.id, imageDirectory: wanted.imageDirectory, memoryMiB: 64,
                ephemeralStorageMiB: wanted.ephemeralStorageMiB))
        do {
            return try await blank.furnish(
                SandboxContents(codeDirectory: wanted.codeDirectory, layersDirectory: nil, memoryMiB: wanted.memoryMiB))
        } catch {
            await blank.destroy()
            throw error
        }
    }

    /// Runs the test's body with two sandboxes, whose ends are checked as well.
    static func withTwo(
        _ runtime: OCIRuntime, memoryMiB: Int = 256, storageMiB: Int = 64, isPrebooted: Bool = false,
        _ body: (SandboxBench, SandboxProbe, SandboxProbe) async throws -> Void
    ) async throws {
        let bench = try SandboxBench(runtime)
        do {
            let first = try await bench.start(memoryMiB: memoryMiB, storageMiB: storageMiB, isPrebooted: isPrebooted)
            let second = try await bench.start(memoryMiB: memoryMiB, storageMiB: storageMiB, isPrebooted: isPrebooted)
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
