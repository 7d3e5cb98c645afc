import CloisterCore
import CloisterIsolation
import CloisterOCI
import Foundation
import Logging

/// The isolation backend in force, and why stronger ones are not.
struct IsolationChoice {
    let backend: any IsolationBackend
    /// For people, strongest first.
    let rejected: [String]

    /// `auto` takes the strongest level whose self-test passes; a level that was asked for is taken or refused.
    static func make(_ wanted: ServeOptions.Isolation, data: DataDirectory, logger: Logger) async throws -> IsolationChoice {
        switch wanted {
        case .level(.microvm):
            throw LaunchError("the level microvm is not built yet; cloister doctor shows the levels that work here")
        case .level(let level):
            do {
                return IsolationChoice(backend: try await tested(level, data: data), rejected: [])
            } catch {
                throw LaunchError("the level \(level.rawValue) does not work on this host: \(error)")
            }
        case .auto:
            return try await strongest(data: data, logger: logger)
        }
    }

    private static func strongest(data: DataDirectory, logger: Logger) async throws -> IsolationChoice {
        var rejected: [String] = []
        for level in [IsolationLevel.gvisor, .container] {
            do {
                return IsolationChoice(backend: try await tested(level, data: data), rejected: rejected)
            } catch {
                rejected.append("\(level.rawValue): \(error)")
            }
        }
        throw LaunchError("no isolation level works on this host:\n  " + rejected.joined(separator: "\n  "))
    }

    private static func tested(_ level: IsolationLevel, data: DataDirectory) async throws -> any IsolationBackend {
        let runtime: OCIRuntime = level == .gvisor ? .runsc : .crun
        let agent = try AgentProgram.path()
        let report = await OCISelfTest(runtime: runtime, agentProgram: agent, directory: data.path).run()
        if let failed = report.checks.first(where: { !$0.passed }) {
            throw LaunchError(failed.detail + (failed.remedy.map { " (\($0))" } ?? ""))
        }
        return try OCIBackend(runtime: runtime, stateDirectory: data.file("sandboxes"), agentProgram: agent)
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
