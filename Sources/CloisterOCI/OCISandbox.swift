import CCloisterLinux
import CloisterCore
import CloisterIsolation
import Glibc
import Synchronization

/// One running sandbox.
///
/// Alive until `destroy`; then gone, and every method has no effect.
final class OCISandbox: Sandbox {
    let id: EnvironmentID
    let level: IsolationLevel
    let channels: SandboxChannels
    let processID: Int32

    private let limits: Mutex<SandboxLimits>
    private let cgroup: SandboxCgroup
    private let teardown: SandboxTeardown
    private let work: BlockingWork
    private let freezer: Mutex<CgroupFreezer?>

    init(
        _ configuration: SandboxConfiguration, level: IsolationLevel, channels: SandboxChannels, processID: Int32,
        limits: SandboxLimits, freezer: CgroupFreezer, teardown: SandboxTeardown, work: BlockingWork
    ) {
        id = configuration.id
        self.level = level
        self.channels = channels
        self.processID = processID
        self.limits = Mutex(limits)
        self.cgroup = teardown.cgroup
        self.teardown = teardown
        self.work = work
        self.freezer = Mutex(freezer)
    }

    func freeze() {
        freezer.withLock { if let freezer = $0 { KernelFile.write(freezer.frozen, to: freezer.descriptor) } }
    }

    func thaw() {
        freezer.withLock { if let freezer = $0 { KernelFile.write(freezer.thawed, to: freezer.descriptor) } }
    }

    func applyCPULimit() { cgroup.limitCPU(limits.withLock { $0 }) }

    /// A blank sandbox gets its function's limits.
    func resize(_ new: SandboxLimits) throws(IsolationError) {
        try cgroup.limit(new)
        limits.withLock { $0 = new }
    }

    func memory() -> SandboxMemory { cgroup.memory() }

    func destroy() async {
        freezer.withLock {
            if let descriptor = $0?.descriptor { close(descriptor) }
            $0 = nil
        }
        // A failure leaves the cgroup, so the next start of the server finds and destroys it.
        try? await work.run { [teardown] () throws(IsolationError) in try teardown.run() }
    }
}
