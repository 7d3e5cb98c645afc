import CCloisterLinux
import CloisterCore
import CloisterIsolation
import CloisterOCI
import Glibc
import Synchronization

/// One running virtual machine. Alive until `destroy`; then gone, and every method has no effect.
final class MicroVMSandbox: Sandbox {
    let id: EnvironmentID
    let level = IsolationLevel.microvm
    let channels: SandboxChannels
    let processID: Int32

    let shape: MachineShape
    let configuration: SandboxConfiguration
    let machine: RunningMachine
    /// The file that is its memory, if it was started for a snapshot that hasn't been taken.
    private let snapshotMemory: Mutex<Int32?>
    private let work: BlockingWork

    init(
        _ configuration: SandboxConfiguration, shape: MachineShape, channels: SandboxChannels, processID: Int32,
        machine: RunningMachine, snapshotMemory: Int32?, work: BlockingWork
    ) {
        self.snapshotMemory = Mutex(snapshotMemory)
        id = configuration.id
        self.configuration = configuration
        self.shape = shape
        self.channels = channels
        self.processID = processID
        self.machine = machine
        self.work = work
    }

    /// The file becomes the caller's.
    func takeSnapshotMemory() -> Int32? {
        snapshotMemory.withLock { memory in
            defer { memory = nil }
            return memory
        }
    }

    deinit {
        if let memory = takeSnapshotMemory() { close(memory) }
    }

    func freeze() { machine.freeze() }

    func thaw() { machine.thaw() }

    func applyCPULimit() { machine.teardown.cgroup.limitCPU(shape.hostLimits) }

    /// What the host holds for the machine, and what the guest's kernel says of the runtime's memory. A guest can't hide
    /// what it holds: the host's limit is on the whole machine.
    func memory() -> SandboxMemory {
        let host = machine.teardown.cgroup.memory()
        let guest = machine.status.memory
        return SandboxMemory(
            currentBytes: host.currentBytes,
            peakBytes: Int(clamping: min(guest.peakBytes, UInt64(shape.runtimeBytes))),
            outOfMemoryKills: host.outOfMemoryKills + Int(clamping: min(guest.outOfMemoryKills, UInt64(Int32.max))))
    }

    func destroy() async {
        // A failure leaves the cgroup, so the next start of the server finds and destroys it.
        try? await work.run { [machine] () throws(IsolationError) in try machine.destroy() }
    }
}

/// What there is on the host of a machine that runs.
final class RunningMachine: Sendable {
    private struct State {
        var freezer: CgroupFreezer?
        var number: RelayInbox.Number?
        /// QEMU's control socket and its complaints.
        var descriptors: [Int32]
    }

    let teardown: SandboxTeardown
    let status: MachineStatus
    let relays: ChannelRelays
    private let state: Mutex<State>

    init(
        teardown: SandboxTeardown, status: MachineStatus, relays: ChannelRelays, number: RelayInbox.Number,
        freezer: CgroupFreezer, control: Int32, complaints: Int32
    ) {
        self.teardown = teardown
        self.status = status
        self.relays = relays
        state = Mutex(State(freezer: freezer, number: number, descriptors: [control, complaints]))
    }

    var number: RelayInbox.Number? { state.withLock { $0.number } }

    func freeze() {
        state.withLock { if let freezer = $0.freezer { KernelFile.write(freezer.frozen, to: freezer.descriptor) } }
    }

    /// The guest's clock has gone on, but nobody set it right meanwhile.
    func thaw() {
        state.withLock { state in
            guard let freezer = state.freezer, let number = state.number else { return }
            KernelFile.write(freezer.thawed, to: freezer.descriptor)
            relays.tellMoment(number)
        }
    }

    /// Has `body` talk to QEMU; nil when the machine is gone.
    func withControl<Value>(
        _ body: (Int32) throws(IsolationError) -> Value
    ) throws(IsolationError) -> Value? {
        // The descriptor stays open meanwhile: only `destroy` closes it, which the caller doesn't call at the same time.
        guard let control = state.withLock({ $0.descriptors.first }) else { return nil }
        return try body(control)
    }

    /// What QEMU has complained of.
    var complaints: String {
        state.withLock { $0.descriptors.count > 1 ? readAvailable($0.descriptors[1]) : "" }
    }

    func destroy() throws(IsolationError) {
        let (number, descriptors) = state.withLock { state in
            defer {
                if let freezer = state.freezer { close(freezer.descriptor) }
                state.freezer = nil
                state.number = nil
                state.descriptors = []
            }
            return (state.number, state.descriptors)
        }
        descriptors.forEach { _ = close($0) }
        defer { if let number { relays.remove(number) } }
        try teardown.run()
    }
}
