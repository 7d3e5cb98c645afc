import CCloisterLinux
import CloisterCore
import CloisterIsolation
import Dispatch
import Glibc

/// Starts sandboxes with an OCI runtime: one code path, two runtimes.
///
/// Thread-safe. The process becomes a child subreaper: sandboxes have no monitor process, so their first
/// processes become children of the server, which reaps exactly those.
public final class OCIBackend: IsolationBackend {
    public let level: IsolationLevel
    public let summary: String

    let runtime: OCIRuntime
    let program: String
    /// crun copies itself and starts anew unless it runs from a sealed copy already, so that no sandbox can change its
    /// file. One copy for all saves each start that.
    private let sealed: SealedProgram?
    let agent: String
    let directory: String
    let parent: CgroupParent
    let users: HostUsers
    /// Nil: files in `/tmp` are memory, for the reason in `disksLacking`.
    let disks: ScratchDisks?
    let disksLacking: String?
    let work = BlockingWork()
    private let lock: FileLock
    static let refillDelay = DispatchTimeInterval.milliseconds(100)

    /// Blocks for some tens of milliseconds (asks the program for its version).
    ///
    /// - Parameters:
    ///   - program: absolute path of the runtime's program; nil looks in the usual directories.
    ///   - stateDirectory: absolute; everything kept is in its folder named after the level. One backend at a time.
    ///   - agentProgram: the static `cloister-agent`; copied, so that the file may be replaced later.
    public init(
        runtime: OCIRuntime, program: String? = nil, stateDirectory: String, agentProgram: String
    ) throws(IsolationError) {
        guard geteuid() == 0 else { throw IsolationError(.unavailable, "sandboxes need a server that runs as root") }
        self.runtime = runtime
        level = runtime.level
        if let program { self.program = program } else { self.program = try runtime.find() }
        summary = try runtime.version(self.program)
        sealed = runtime == .crun ? SealedProgram(self.program) : nil
        directory = try StateDirectory.make(stateDirectory + "/" + runtime.level.rawValue)
        lock = try FileLock(directory + "/lock")
        // Nobody inside may open the one file that all sandboxes share, or its lock would be a channel between them.
        // gVisor must read it, and keeps locks to itself.
        agent = try StateDirectory.install(
            agentProgram, as: directory + "/cloister-agent", mode: runtime == .crun ? 0o111 : 0o555)
        parent = CgroupParent(layout: .ofThisHost(), stateDirectory: directory)
        users = HostUsers(stateDirectory: directory)
        (disks, disksLacking) = OCIBackend.disks(in: directory)
        try parent.create()
        _ = cloister_set_subreaper(1)
    }

    deinit { parent.remove() }

    /// What to execute.
    var executable: String { sealed?.path ?? program }

    private static func disks(in directory: String) -> (ScratchDisks?, lacking: String?) {
        do throws(IsolationError) { return (try ScratchDisks(directory: directory), nil) } catch {
            return (nil, error.message)
        }
    }

    public func start(_ configuration: SandboxConfiguration) async throws(IsolationError) -> any Sandbox {
        let sandbox = try await work.run { [self] () throws(IsolationError) in
            try SandboxStart(backend: self, configuration: configuration).run()
        }
        // Not at once: the new sandbox's own start needs the CPU now.
        work.run(after: OCIBackend.refillDelay) { [weak disks] in disks?.refill(configuration.ephemeralStorageMiB) }
        return sandbox
    }

    func limits(memoryMiB: Int, ephemeralStorageMiB: Int) -> SandboxLimits {
        SandboxLimits(memoryMiB: memoryMiB, filesMiB: disks == nil ? ephemeralStorageMiB : 0, level: level)
    }

    public func destroyLeftovers() async throws(IsolationError) -> Int {
        work.run(after: .milliseconds(0)) { [weak disks] in disks?.refill(ScratchDisks.usualMiB) }
        return try await work.run { [self] () throws(IsolationError) in try destroyLeftoversNow() }
    }

    private func destroyLeftoversNow() throws(IsolationError) -> Int {
        let sandboxes = directory + "/sandboxes"
        let left = parent.groups().union(KernelFile.names(in: sandboxes))
        for id in left {
            let group = parent.group(id)
            try group.kill()
            try group.remove()
            KernelFile.removeTree(sandboxes + "/" + id)
        }
        return left.count
    }
}
