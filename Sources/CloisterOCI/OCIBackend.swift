import CCloisterLinux
import CloisterCore
import CloisterIsolation
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
    let agent: String
    let directory: String
    let parent: CgroupParent
    let users: HostUsers
    let work = BlockingWork()
    private let lock: FileLock

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
        directory = try StateDirectory.make(stateDirectory + "/" + runtime.level.rawValue)
        lock = try FileLock(directory + "/lock")
        agent = try StateDirectory.install(agentProgram, as: directory + "/cloister-agent")
        parent = CgroupParent(layout: .ofThisHost(), stateDirectory: directory)
        users = HostUsers(stateDirectory: directory)
        try parent.create()
        _ = cloister_set_subreaper(1)
    }

    deinit { parent.remove() }

    public func start(_ configuration: SandboxConfiguration) async throws(IsolationError) -> any Sandbox {
        try await work.run { [self] () throws(IsolationError) in
            try SandboxStart(backend: self, configuration: configuration).run() as any Sandbox
        }
    }

    public func destroyLeftovers() async throws(IsolationError) -> Int {
        try await work.run { [self] () throws(IsolationError) in try destroyLeftoversNow() }
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
