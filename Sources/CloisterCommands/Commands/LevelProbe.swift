import CloisterCore
import CloisterMicroVM
import CloisterOCI
import CloisterServer

/// Tries each isolation level on this host: only an environment that was started, heard and destroyed is proof.
enum LevelProbe {
    /// - Parameter only: this level alone, and with everything that its test may have to make first.
    static func all(_ accelerator: MicroVMAccelerator?, only: IsolationLevel? = nil) async -> [Diagnosis.Level] {
        var levels: [Diagnosis.Level] = []
        if only == nil || only == .microvm { levels.append(await machines(accelerator ?? .kvm, mayPrepare: only != nil)) }
        for runtime in [OCIRuntime.runsc, .crun] where only == nil || only == runtime.level {
            levels.append(await probe(runtime))
        }
        return levels
    }

    private static func machines(_ accelerator: MicroVMAccelerator, mayPrepare: Bool) async -> Diagnosis.Level {
        guard let agent = try? AgentProgram.path() else { return agentIsMissing(.microvm) }
        let test = MicroVMSelfTest(accelerator: accelerator, agentProgram: agent, mayPrepare: mayPrepare)
        var level = row(await test.run())
        level.isAutomatic = accelerator == .kvm
        return level
    }

    private static func probe(_ runtime: OCIRuntime) async -> Diagnosis.Level {
        guard let agent = try? AgentProgram.path() else { return agentIsMissing(runtime.level) }
        return row(await OCISelfTest(runtime: runtime, agentProgram: agent).run())
    }

    private static func agentIsMissing(_ level: IsolationLevel) -> Diagnosis.Level {
        Diagnosis.Level(
            level: level, works: false, detail: "cloister-agent is missing", remedy: "install cloister-agent beside cloister")
    }

    private static func row(_ report: IsolationReport) -> Diagnosis.Level {
        let proof = report.checks.last?.detail
        return Diagnosis.Level(
            level: report.level, works: report.works,
            detail: report.reason ?? [report.summary, proof].compactMap { $0 }.joined(separator: "; "),
            remedy: report.remedy)
    }
}
