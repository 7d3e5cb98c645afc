import CCloisterLinux
public import CloisterCore
public import CloisterIsolation
import CloisterOCI
import Glibc

extension MicroVMBackend: SnapshottingBackend {
    /// How long a guest may take to finish what is on the way.
    private static let quiesceMilliseconds = 10_000

    public func startForSnapshot(_ configuration: SandboxConfiguration) async throws(IsolationError) -> any Sandbox {
        try await work.run { [self] () throws(IsolationError) in
            let shape = MachineShape(memoryMiB: configuration.memoryMiB, accelerator: accelerator)
            var memory: Int32 = -1
            try MachineEnds.check(cloister_memory_file(shape.guestMiB << 20, &memory), "memory file")
            do throws(IsolationError) {
                return try MicroVMStart(
                    backend: self, configuration: configuration, origin: .bootForSnapshot(memory: memory)
                ).run()
            } catch {
                close(memory)
                throw error
            }
        }
    }

    public func snapshot(_ sandbox: any Sandbox) async throws(IsolationError) -> MicroVMSnapshot {
        guard let machine = sandbox as? MicroVMSandbox, let memory = machine.takeSnapshotMemory() else {
            throw IsolationError(.startFailed, "this sandbox was not started for a snapshot")
        }
        let taken: Result<MicroVMSnapshot, IsolationError> = await work.attempt { [self] () throws(IsolationError) in
            try takeSnapshot(machine, memory)
        }
        await sandbox.destroy()
        do throws(IsolationError) {
            let snapshot = try taken.get()
            // Only now: a running monitor has the memory mapped for writing.
            try MachineEnds.check(cloister_seal(snapshot.memory), "sealing the snapshot's memory")
            return snapshot
        } catch {
            if case .failure = taken { close(memory) }
            throw error
        }
    }

    private func takeSnapshot(_ machine: MicroVMSandbox, _ memory: Int32) throws(IsolationError) -> MicroVMSnapshot {
        guard let number = machine.machine.number,
            let channel = relays.quiesce(number, milliseconds: MicroVMBackend.quiesceMilliseconds)
        else { throw IsolationError(.startFailed, "the guest did not come to rest") }
        let temporary = open(directory + "/sandboxes/\(machine.id.rawValue)/own/tmp", O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        try MachineEnds.check(temporary >= 0 ? 0 : errno, "the machine's disk")
        var state: Int32 = -1
        do throws(IsolationError) {
            try MachineEnds.check(cloister_memory_file(0, &state), "state file")
            let saved: Void? = try machine.machine.withControl { (control) throws(IsolationError) in
                try MicroVMSnapshot.save(to: state, through: control)
            }
            guard saved != nil else { throw IsolationError(.startFailed, "the machine is gone") }
            try MachineEnds.check(cloister_seal(state), "sealing the snapshot's state")
        } catch {
            close(temporary)
            if state >= 0 { close(state) }
            throw error
        }
        return MicroVMSnapshot(
            configuration: machine.configuration, channel: channel, memory: memory, state: state, temporary: temporary)
    }

    public func restore(_ snapshot: MicroVMSnapshot, as id: EnvironmentID) async throws(IsolationError) -> any Sandbox {
        try await work.run { [self] () throws(IsolationError) in
            var configuration = snapshot.configuration
            configuration.id = id
            return try MicroVMStart(backend: self, configuration: configuration, origin: .snapshot(snapshot)).run()
        }
    }
}
