import CloisterCore
import CloisterIsolation
import CloisterOCI
import CloisterServer
import Foundation
import Glibc

/// Tries each isolation level on this host.
enum LevelProbe {
    static func all() async -> [Diagnosis.Level] {
        [
            Diagnosis.Level(level: .microvm, works: false, detail: "not built yet", remedy: "a later release has it"),
            await probe(.gvisor),
            await probe(.container),
        ]
    }

    private static func probe(_ level: IsolationLevel) async -> Diagnosis.Level {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("cloister-doctor-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let backend = try OCIBackend(
                runtime: level == .gvisor ? .runsc : .crun, stateDirectory: folder.path,
                agentProgram: AgentProgram.path())
            return Diagnosis.Level(level: level, works: true, detail: backend.summary)
        } catch {
            let detail = (error as? IsolationError)?.message ?? "\(error)"
            return Diagnosis.Level(level: level, works: false, detail: detail, remedy: remedy(level, error: error))
        }
    }

    private static func remedy(_ level: IsolationLevel, error: any Error) -> String {
        if geteuid() != 0 { return "run as root" }
        if error is LaunchError { return "install cloister-agent beside cloister" }
        switch level {
        case .gvisor: return "apt-get install runsc (Debian 13; Debian 12 from backports)"
        case .container: return "apt-get install crun"
        case .microvm: return "a later release has it"
        }
    }
}
