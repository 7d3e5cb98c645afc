import CloisterCore
import CloisterIsolation
import CloisterMicroVM
import CloisterOCI
import Foundation
import Logging

/// The isolation backend in force, and why stronger ones are not.
struct IsolationChoice {
    let backend: any IsolationBackend
    /// For people, strongest first.
    let rejected: [String]

    /// `auto` takes the strongest level whose self-test passes; a level that was asked for is taken or refused. Machines run
    /// in software only where both the level and that were asked for.
    static func make(
        _ wanted: ServeOptions.Isolation, accelerator: MicroVMAccelerator? = nil, data: DataDirectory, logger: Logger
    ) async throws -> IsolationChoice {
        switch wanted {
        case .level(let level):
            do {
                let backend = level == .microvm
                    ? try await machines(accelerator ?? .kvm, data: data, mayPrepare: true)
                    : try await tested(level, data: data)
                return IsolationChoice(backend: backend, rejected: [])
            } catch {
                throw LaunchError("the level \(level.rawValue) does not work on this host: \(error)")
            }
        case .auto:
            return try await strongest(data: data, logger: logger)
        }
    }

    private static func strongest(data: DataDirectory, logger: Logger) async throws -> IsolationChoice {
        var rejected: [String] = []
        for level in [IsolationLevel.microvm, .gvisor, .container] {
            do {
                let backend = level == .microvm
                    ? try await machinesIfLikely(data: data) : try await tested(level, data: data)
                return IsolationChoice(backend: backend, rejected: rejected)
            } catch {
                rejected.append("\(level.rawValue): \(error)")
            }
        }
        throw LaunchError("no isolation level works on this host:\n  " + rejected.joined(separator: "\n  "))
    }

    /// Spares a start without virtualization the 5 s that finding out by a boot may take, and any start a download.
    private static func machinesIfLikely(data: DataDirectory) async throws -> any IsolationBackend {
        guard CPUFlags.hasVirtualization else { throw LaunchError("the CPU shows no virtualization (vmx or svm)") }
        return try await machines(.kvm, data: data, mayPrepare: false)
    }

    private static func machines(
        _ accelerator: MicroVMAccelerator, data: DataDirectory, mayPrepare: Bool
    ) async throws -> any IsolationBackend {
        let agent = try AgentProgram.path()
        let test = MicroVMSelfTest(
            accelerator: accelerator, agentProgram: agent, directory: data.path, mayPrepare: mayPrepare)
        try accept(await test.run())
        return try MicroVMBackend(
            accelerator: accelerator, stateDirectory: data.file("sandboxes"), agentProgram: agent)
    }

    private static func tested(_ level: IsolationLevel, data: DataDirectory) async throws -> any IsolationBackend {
        let runtime: OCIRuntime = level == .gvisor ? .runsc : .crun
        let agent = try AgentProgram.path()
        try accept(await OCISelfTest(runtime: runtime, agentProgram: agent, directory: data.path).run())
        return try OCIBackend(runtime: runtime, stateDirectory: data.file("sandboxes"), agentProgram: agent)
    }

    private static func accept(_ report: IsolationReport) throws {
        guard let failed = report.checks.first(where: { !$0.passed }) else { return }
        throw LaunchError(failed.detail + (failed.remedy.map { " (\($0))" } ?? ""))
    }
}

/// The agent's program, which is installed beside this one.
public enum AgentProgram {
    /// Throws `LaunchError` when it isn't there.
    public static func path() throws -> String {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        let path = URL(fileURLWithPath: own).deletingLastPathComponent().appendingPathComponent("cloister-agent").path
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw LaunchError("\(path) is missing: build the product cloister-agent, or install it beside cloister")
        }
        return path
    }
}
