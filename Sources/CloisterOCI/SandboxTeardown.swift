import CCloisterLinux
import CloisterIsolation
import Glibc
import Synchronization

/// Undoes a sandbox, whole or half made. Any number of calls, from any thread: one does the work, the others wait.
package final class SandboxTeardown: Sendable {
    private struct State {
        var isDone = false
        /// The sandbox's processes that may be our children.
        var adopted: [WatchedProcess] = []
        var disk: ScratchDisk?
    }

    package let cgroup: SandboxCgroup
    private let directory: String
    private let user: UInt32
    private let users: HostUsers
    private let state = Mutex(State())

    package init(cgroup: SandboxCgroup, directory: String, user: UInt32, users: HostUsers) {
        self.cgroup = cgroup
        self.directory = directory
        self.user = user
        self.users = users
    }

    /// Remembers the processes that are in the sandbox now: when they die by themselves they vanish from the cgroup, yet
    /// must be reaped.
    package func adopt(_ processes: Set<pid_t>) {
        AdoptedChildren.sweep()
        state.withLock { $0.adopted += processes.compactMap { WatchedProcess($0) } }
    }

    /// The sandbox's own disk, from the moment that it is meant for this sandbox.
    func own(_ disk: ScratchDisk) { state.withLock { $0.disk = disk } }

    package func run() throws(IsolationError) {
        try state.withLock { (state) throws(IsolationError) in
            guard !state.isDone else { return }
            // First, so that no process is kept from dying by its unwritten files.
            state.disk?.discard()
            try cgroup.kill(adopted: state.adopted)
            state.adopted.forEach { _ = close($0.descriptor) }
            state.adopted = []
            state.disk = nil
            try cgroup.remove()
            KernelFile.removeTree(directory)
            users.giveBack(user)
            state.isDone = true
        }
    }
}
