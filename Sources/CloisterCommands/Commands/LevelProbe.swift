import CloisterCore
import CloisterOCI
import CloisterServer

/// Tries each isolation level on this host: only an environment that was started, heard and destroyed is proof.
enum LevelProbe {
    static func all() async -> [Diagnosis.Level] {
        [
            Diagnosis.Level(level: .microvm, works: false, detail: "not built yet: not part of this version"),
            await probe(.runsc),
            await probe(.crun),
        ]
    }

    private static func probe(_ runtime: OCIRuntime) async -> Diagnosis.Level {
        let agent: String
        do {
            agent = try AgentProgram.path()
        } catch {
            return Diagnosis.Level(
                level: runtime.level, works: false, detail: "\(error)",
                remedy: "install cloister-agent beside cloister")
        }
        let report = await OCISelfTest(runtime: runtime, agentProgram: agent).run()
        let proof = report.checks.last?.detail
        return Diagnosis.Level(
            level: report.level, works: report.works,
            detail: report.reason ?? [report.summary, proof].compactMap { $0 }.joined(separator: "; "),
            remedy: report.remedy)
    }
}
