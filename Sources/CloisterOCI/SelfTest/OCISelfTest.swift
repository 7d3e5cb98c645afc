import CCloisterLinux
import CloisterCore
import CloisterIsolation
import Glibc

/// Finds out whether a level works here: checks what it needs, then starts one environment, has the agent run a
/// program there, hears it through the runtime listener and the output pipe, and destroys it.
public struct OCISelfTest: Sendable {
    let runtime: OCIRuntime
    let program: String?
    let agentProgram: String
    let directory: String

    /// - Parameter directory: absolute; a folder is made there and removed. Its file system must allow execution.
    public init(runtime: OCIRuntime, program: String? = nil, agentProgram: String, directory: String = "/var/tmp") {
        self.runtime = runtime
        self.program = program
        self.agentProgram = agentProgram
        self.directory = directory
    }

    /// Takes some tens of milliseconds at level `container`, some hundreds at `gvisor`; at most about a minute.
    public func run() async -> IsolationReport {
        var report = IsolationReport(level: runtime.level, summary: runtime.rawValue, checks: [])
        for prerequisite in [checkUser, checkProgram, checkCgroups] {
            let check = prerequisite(&report)
            report.checks.append(check)
            guard check.passed else { return report }
        }
        report.checks.append(contentsOf: await checkEnvironment())
        return report
    }

    private func checkUser(_ report: inout IsolationReport) -> IsolationReport.Check {
        let isRoot = geteuid() == 0
        return .init(
            name: "user", passed: isRoot, detail: isRoot ? "root" : "not root",
            remedy: isRoot ? nil : "run the server as root: it makes namespaces and cgroups")
    }

    private func checkProgram(_ report: inout IsolationReport) -> IsolationReport.Check {
        do throws(IsolationError) {
            let path: String
            if let program { path = program } else { path = try runtime.find() }
            report.summary = try runtime.version(path)
            return .init(name: "program", passed: true, detail: "\(report.summary) (\(path))", remedy: nil)
        } catch {
            return .init(name: "program", passed: false, detail: error.message, remedy: runtime.installation)
        }
    }

    private func checkCgroups(_ report: inout IsolationReport) -> IsolationReport.Check {
        let layout = CgroupLayout.ofThisHost()
        if let defect = layout.defect {
            return .init(
                name: "cgroups", passed: false, detail: defect,
                remedy: "mount cgroup v2 with the controllers \(CgroupLayout.controllers.joined(separator: ", "))")
        }
        return .init(name: "cgroups", passed: true, detail: layout.isLegacy ? "version 1" : "version 2", remedy: nil)
    }

    private func checkEnvironment() async -> [IsolationReport.Check] {
        do throws(IsolationError) {
            let (detail, diskDefect) = try await startAndHear()
            return [
                .init(name: "environment", passed: true, detail: detail, remedy: nil),
                checkTemporaryFiles(diskDefect: diskDefect),
            ]
        } catch {
            let remedy = "the host must allow user, network, mount and pid namespaces (sysctl user.max_user_namespaces, "
                + "and the settings of the container or VM around it)"
            return [.init(name: "environment", passed: false, detail: error.message, remedy: remedy)]
        }
    }

    /// Passes without disks too: then only the memory limit is looser.
    private func checkTemporaryFiles(diskDefect: String?) -> IsolationReport.Check {
        guard let diskDefect else {
            return .init(
                name: "temporary files", passed: true, detail: "each environment's /tmp is a disk of its own", remedy: nil)
        }
        return .init(
            name: "temporary files", passed: true,
            detail: "files in /tmp count as memory, the limit has room for both: \(diskDefect)",
            remedy: "needed: loop devices, ext4, mkfs.ext4 (apt install e2fsprogs), a state directory on disk")
    }

    /// What to say of the start, and why there are no scratch disks, if so.
    private func startAndHear() async throws(IsolationError) -> (String, diskDefect: String?) {
        let scratch = try SelfTestScratch(below: directory)
        defer { scratch.remove() }
        let backend = try OCIBackend(
            runtime: runtime, program: program, stateDirectory: scratch.path + "/state", agentProgram: agentProgram)
        defer { backend.parent.remove() }
        let configuration = SandboxConfiguration(
            id: EnvironmentID("selftest"), imageDirectory: scratch.path + "/image",
            codeDirectory: scratch.path + "/code", memoryMiB: 128, ephemeralStorageMiB: 16)
        let began = milliseconds()
        let sandbox = try await backend.start(configuration)
        let channels = sandbox.channels
        let heard: Result<Int64, IsolationError> = await BlockingWork().attempt { () throws(IsolationError) in
            try SelfTestConversation(channels: channels).run()
        }
        await sandbox.destroy()
        for descriptor in [channels.agent, channels.output, channels.runtimeListener] { close(descriptor) }
        let readyAt = try heard.get()
        guard backend.parent.groups().isEmpty else {
            throw IsolationError(.startFailed, "the environment could not be destroyed")
        }
        return ("started in \(readyAt - began) ms, ran code, destroyed", backend.disksLacking)
    }
}

/// A folder with an image that holds nothing but mount points.
package struct SelfTestScratch {
    package let path: String

    package init(below directory: String) throws(IsolationError) {
        var template = Array((directory + "/cloister-self-test-XXXXXX").utf8CString)
        let made = template.withUnsafeMutableBufferPointer { buffer in buffer.baseAddress.map { mkdtemp($0) != nil } }
        guard made == true else { throw IsolationError(.startFailed, "\(directory): \(errorText(errno))") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let folders = [
            "/code", "/image", "/image/var", "/image/var/task", "/image/var/runtime", "/image/opt", "/image/tmp",
            "/image/proc", "/image/dev", "/image/sys",
        ]
        for folder in folders where mkdir(path + folder, 0o755) != 0 {
            throw IsolationError(.startFailed, "\(path)\(folder): \(errorText(errno))")
        }
        let error = KernelFile.create(path + "/image" + SandboxSpecification.agentPath, mode: 0o755, [])
        guard error == 0 else { throw IsolationError(.startFailed, "\(path): \(errorText(error))") }
    }

    package func remove() { KernelFile.removeTree(path) }
}
