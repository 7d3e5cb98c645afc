import CCloisterLinux
import CloisterCore
import CloisterIsolation
import Glibc

/// A sandbox that waits for its code.
final class OCIBlankSandbox: BlankSandbox {
    private let sandbox: OCISandbox
    private let slot: SandboxSlot
    private let backend: OCIBackend
    private let ephemeralStorageMiB: Int
    /// The agent, held from now on: its number may be another's later.
    private let agent: WatchedProcess?

    var id: EnvironmentID { sandbox.id }
    var channels: SandboxChannels { sandbox.channels }

    init(_ sandbox: OCISandbox, slot: SandboxSlot, backend: OCIBackend, ephemeralStorageMiB: Int) {
        self.sandbox = sandbox
        self.slot = slot
        self.backend = backend
        self.ephemeralStorageMiB = ephemeralStorageMiB
        agent = backend.runtime == .crun ? WatchedProcess(sandbox.processID) : nil
    }

    deinit { if let agent { close(agent.descriptor) } }

    func furnish(_ contents: SandboxContents) async throws(IsolationError) -> any Sandbox {
        try await backend.work.run { [self] () throws(IsolationError) in
            let limits = backend.limits(memoryMiB: contents.memoryMiB, ephemeralStorageMiB: ephemeralStorageMiB)
            try sandbox.resize(limits)
            if backend.runtime == .crun {
                guard let agent else { throw IsolationError(.startFailed, "the blank sandbox has ended") }
                try slot.mount(contents, in: agent.descriptor)
            } else {
                try slot.link(contents)
            }
            return sandbox
        }
    }

    func destroy() async { await sandbox.destroy() }
}
