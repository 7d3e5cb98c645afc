import CCloisterLinux
public import CloisterIsolation
import CloisterOCI
import Glibc

/// An initialised machine at rest, of which any number can be made.
///
/// Its memory is a file in memory that is sealed: the kernel lets nobody write to it any more, a taken-over monitor
/// neither, so no two machines ever share memory that one of them writes. What they write are pages of their own.
public final class MicroVMSnapshot: SandboxSnapshot {
    public let configuration: SandboxConfiguration
    let channel: QuiescentChannel
    let memory: Int32
    /// CPU and devices.
    private let state: Int32
    /// Its `/tmp` at that moment.
    private let temporary: Int32

    init(
        configuration: SandboxConfiguration, channel: QuiescentChannel, memory: Int32, state: Int32, temporary: Int32
    ) {
        self.configuration = configuration
        self.channel = channel
        self.memory = memory
        self.state = state
        self.temporary = temporary
    }

    public var memoryBytes: Int {
        [memory, state].reduce(0) { sum, descriptor in
            var status = stat()
            return fstat(descriptor, &status) == 0 ? sum + Int(status.st_blocks) * 512 : sum
        }
    }

    deinit { for descriptor in [memory, state, temporary] { close(descriptor) } }

    func copyTemporary(to path: String, user: UInt32) throws(IsolationError) {
        let copy = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard copy >= 0 else { throw IsolationError(.startFailed, "\(path): \(errorText(errno))") }
        defer { close(copy) }
        let error = cloister_copy_sparse(temporary, copy)
        guard error == 0, fchown(copy, user, user) == 0 else {
            throw IsolationError(.startFailed, "\(path): \(errorText(error == 0 ? errno : error))")
        }
    }

    /// Stops a machine and writes its state.
    static func save(to state: Int32, through control: Int32) throws(IsolationError) {
        let monitor = QEMUControl(socket: control)
        try monitor.greet()
        try monitor.execute("stop")
        try monitor.execute("getfd", ["fdname": "state"], descriptor: state)
        try monitor.execute("migrate-set-capabilities", MicroVMSnapshot.capabilities)
        try monitor.execute("migrate", ["uri": "fd:state"])
        try monitor.awaitMigration()
    }

    /// Fills a machine that waits for it, and lets it run.
    func load(through control: Int32) throws(IsolationError) {
        let monitor = QEMUControl(socket: control)
        try monitor.greet()
        let start = open("/proc/self/fd/\(state)", O_RDONLY | O_CLOEXEC)
        guard start >= 0 else { throw IsolationError(.startFailed, "snapshot: \(errorText(errno))") }
        defer { close(start) }
        try monitor.execute("getfd", ["fdname": "state"], descriptor: start)
        try monitor.execute("migrate-set-capabilities", MicroVMSnapshot.capabilities)
        try monitor.execute("migrate-incoming", ["uri": "fd:state"])
        try monitor.awaitMigration()
        try monitor.execute("cont")
    }

    /// Memory is not part of the state: it is the file.
    static var capabilities: [String: Any] {
        ["capabilities": [["capability": "x-ignore-shared", "state": true] as [String: Any]]]
    }
}
