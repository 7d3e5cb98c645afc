import CCloisterLinux
import CloisterCore
import CloisterIsolation
import CloisterOCI
import Glibc

/// Finds out whether the level `microvm` works here: checks what it needs, then boots one machine, has the agent run a
/// program there, hears it through the runtime listener and the output, and destroys it.
///
/// A `/dev/kvm` that opens is no proof: where the host itself is a machine, it may be there and never run one. So with KVM the
/// machine's agent must speak within 5 s.
public struct MicroVMSelfTest: Sendable {
    let accelerator: MicroVMAccelerator
    let program: String?
    let kernel: GuestKernel
    let agentProgram: String
    let directory: String
    let mayPrepare: Bool

    /// - Parameters:
    ///   - mayPrepare: whether to make the guest's kernel (a download) if it isn't there; else that is a failure.
    ///   - directory: absolute; a folder is made there and removed. Its file system must allow devices for KVM.
    public init(
        accelerator: MicroVMAccelerator, program: String? = nil, kernel: GuestKernel = GuestKernel(),
        agentProgram: String, directory: String = "/var/tmp", mayPrepare: Bool = true
    ) {
        self.accelerator = accelerator
        self.program = program
        self.kernel = kernel
        self.agentProgram = agentProgram
        self.directory = directory
        self.mayPrepare = mayPrepare
    }

    /// Takes about a second with KVM, some seconds in software or where KVM doesn't work.
    public func run() async -> IsolationReport {
        var report = IsolationReport(level: .microvm, summary: "QEMU", checks: [])
        for check in [checkUser, checkProgram, checkAccelerator, checkTools, checkKernel, checkCgroups] {
            report.checks.append(check(&report))
            guard report.checks.last?.passed == true else { return report }
        }
        report.checks.append(await checkEnvironment())
        return report
    }

    private typealias Check = IsolationReport.Check

    private func checkUser(_ report: inout IsolationReport) -> Check {
        let isRoot = geteuid() == 0
        return Check(
            name: "user", passed: isRoot, detail: isRoot ? "root" : "not root",
            remedy: isRoot ? nil : "run the server as root: it makes namespaces and cgroups")
    }

    private func checkProgram(_ report: inout IsolationReport) -> Check {
        do throws(IsolationError) {
            let found = try QEMUProgram(path: program)
            report.summary = "QEMU \(found.version), \(accelerator == .kvm ? "KVM" : "in software (TCG)")"
            return Check(name: "program", passed: true, detail: "\(report.summary) (\(found.path))", remedy: nil)
        } catch {
            return Check(
                name: "program", passed: false, detail: error.message, remedy: "apt install \(QEMUProgram.package)")
        }
    }

    private func checkAccelerator(_ report: inout IsolationReport) -> Check {
        guard accelerator == .kvm else {
            return Check(name: "accelerator", passed: true, detail: "none: in software, as asked for", remedy: nil)
        }
        let device = open(MicroVMAccelerator.kvmDevice, O_RDWR | O_CLOEXEC)
        guard device >= 0 else {
            return Check(
                name: "accelerator", passed: false, detail: "\(MicroVMAccelerator.kvmDevice): \(errorText(errno))",
                remedy: MicroVMSelfTest.virtualizationRemedy)
        }
        close(device)
        let detail = "\(MicroVMAccelerator.kvmDevice) opens; the CPU \(CPUFlags.hasVirtualization ? "has" : "lacks") vmx or svm"
        return Check(name: "accelerator", passed: true, detail: detail, remedy: nil)
    }

    private func checkTools(_ report: inout IsolationReport) -> Check {
        do throws(IsolationError) {
            _ = try HostTool.find("mkfs.erofs", package: "erofs-utils")
            _ = try HostTool.find("mkfs.ext4", package: "e2fsprogs")
            return Check(name: "disk images", passed: true, detail: "mkfs.erofs, mkfs.ext4", remedy: nil)
        } catch {
            return Check(
                name: "disk images", passed: false, detail: error.message, remedy: "apt install erofs-utils e2fsprogs")
        }
    }

    private func checkKernel(_ report: inout IsolationReport) -> Check {
        do throws(IsolationError) {
            if mayPrepare { try kernel.prepare() }
            guard let version = kernel.version else {
                throw IsolationError(.unavailable, "the guest's kernel isn't in \(kernel.directory) yet")
            }
            return Check(name: "guest kernel", passed: true, detail: version, remedy: nil)
        } catch {
            return Check(
                name: "guest kernel", passed: false, detail: error.message,
                remedy: "apt-get update && cloister doctor --self-test microvm, which makes it out of Debian's package")
        }
    }

    private func checkCgroups(_ report: inout IsolationReport) -> Check {
        let layout = CgroupLayout.ofThisHost()
        return Check(
            name: "cgroups", passed: layout.defect == nil,
            detail: layout.defect ?? (layout.isLegacy ? "version 1" : "version 2"),
            remedy: layout.defect.map { _ in
                "mount cgroup v2 with the controllers \(CgroupLayout.controllers.joined(separator: ", "))"
            })
    }

    private func checkEnvironment() async -> Check {
        do throws(IsolationError) {
            return Check(name: "environment", passed: true, detail: try await startAndHear(), remedy: nil)
        } catch {
            return Check(
                name: "environment", passed: false, detail: error.message,
                remedy: accelerator == .kvm ? MicroVMSelfTest.virtualizationRemedy : nil)
        }
    }

    private static let virtualizationRemedy = "a host whose CPU's virtualization (vmx or svm) is really there, bare metal or "
        + "nested; or, slow: --microvm-accelerator tcg"

    private func startAndHear() async throws(IsolationError) -> String {
        let scratch = try SelfTestScratch(below: directory)
        defer { KernelFile.removeDeepTree(scratch.path) }
        let backend = try MicroVMBackend(
            accelerator: accelerator, program: program, kernel: kernel, stateDirectory: scratch.path + "/state",
            agentProgram: agentProgram)
        let configuration = SandboxConfiguration(
            id: EnvironmentID("selftest"), imageDirectory: scratch.path + "/image", codeDirectory: scratch.path + "/code",
            memoryMiB: 128, ephemeralStorageMiB: 16)
        let began = milliseconds()
        let sandbox = try await backend.start(configuration)
        let channels = sandbox.channels
        let heard: Result<Int64, IsolationError> = await BlockingWork().attempt { () throws(IsolationError) in
            try awaitAgent(sandbox)
            let readyAt = milliseconds()
            _ = try SelfTestConversation(channels: channels).run()
            return readyAt
        }
        await sandbox.destroy()
        for descriptor in [channels.agent, channels.output, channels.runtimeListener] { close(descriptor) }
        let readyAt = try heard.get()
        guard backend.parent.groups().isEmpty else {
            throw IsolationError(.startFailed, "the machine could not be destroyed")
        }
        return "booted in \(readyAt - began) ms, ran code, destroyed"
    }

    private func awaitAgent(_ sandbox: any Sandbox) throws(IsolationError) {
        var watched = pollfd(fd: sandbox.channels.agent, events: Int16(POLLIN), revents: 0)
        let ready = poll(&watched, 1, accelerator.probeMilliseconds)
        guard ready != 1 || watched.revents & Int16(POLLHUP) != 0 else { return }
        let complaint = (sandbox as? MicroVMSandbox)?.machine.complaints.split(separator: "\n").first ?? ""
        let what = ready == 0
            ? "a machine did not boot within \(accelerator.probeMilliseconds) ms"
            : "the machine ended at once: \(complaint.prefix(200))"
        throw IsolationError(.unavailable, what + (isHalfThere ? "; \(MicroVMSelfTest.halfThere)" : ""))
    }

    private var isHalfThere: Bool { accelerator == .kvm && !CPUFlags.hasVirtualization }

    private static let halfThere =
        "\(MicroVMAccelerator.kvmDevice) is there, but the CPU shows no vmx or svm, so it only half works"
}

/// What the CPU says of itself.
public enum CPUFlags {
    /// Whether it has virtualization that a program here may use. Its absence is proof, its presence isn't.
    public static var hasVirtualization: Bool {
        let text = KernelFile.read("/proc/cpuinfo") ?? ""
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("flags") }) else { return false }
        return line.split(separator: " ").contains { $0 == "vmx" || $0 == "svm" }
    }
}
