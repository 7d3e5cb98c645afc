public import CloisterCore

/// What a sandbox is made of. Holds no tenant: a sandbox knows none, the platform binds it later.
public struct SandboxConfiguration: Sendable {
    public var id: EnvironmentID
    /// Read-only root file system; holds the mount points `/var/task`, `/opt`, `/tmp`, `/dev`, `/proc`.
    public var imageDirectory: String
    /// Bound read-only at `/var/task`.
    public var codeDirectory: String
    /// Bound read-only at `/opt`; nil leaves the image's own empty `/opt`.
    public var layersDirectory: String?
    public var memoryMiB: Int
    public var ephemeralStorageMiB: Int

    public init(
        id: EnvironmentID, imageDirectory: String, codeDirectory: String, layersDirectory: String? = nil,
        memoryMiB: Int, ephemeralStorageMiB: Int
    ) {
        self.id = id
        self.imageDirectory = imageDirectory
        self.codeDirectory = codeDirectory
        self.layersDirectory = layersDirectory
        self.memoryMiB = memoryMiB
        self.ephemeralStorageMiB = ephemeralStorageMiB
    }
}

/// The host's descriptors of one sandbox's channels, all non-blocking and close-on-exec. Whoever takes them owns
/// them and closes each exactly once. Everything that is read from them is hostile.
public struct SandboxChannels: Sendable {
    /// A socket that listens on 127.0.0.1:9001 inside the sandbox's own loopback-only network namespace. What is
    /// accepted from it comes from this sandbox, whatever the code inside says.
    public var runtimeListener: Int32
    /// A stream socket to the agent, the sandbox's first process; it speaks `AgentMessage`. End of file means that
    /// the sandbox is gone.
    public var agent: Int32
    /// The read end of the pipe that is standard output and standard error of everything inside.
    public var output: Int32

    public init(runtimeListener: Int32, agent: Int32, output: Int32) {
        self.runtimeListener = runtimeListener
        self.agent = agent
        self.output = output
    }
}

/// Memory as the host's kernel counts it for one sandbox.
public struct SandboxMemory: Sendable, Equatable {
    public var currentBytes: Int
    public var peakBytes: Int
    /// How often the kernel killed a process inside for want of memory.
    public var outOfMemoryKills: Int

    public init(currentBytes: Int, peakBytes: Int, outOfMemoryKills: Int) {
        self.currentBytes = currentBytes
        self.peakBytes = peakBytes
        self.outOfMemoryKills = outOfMemoryKills
    }
}

/// One running sandbox. `freeze`, `thaw`, `memory` are a few system calls, never block for long, and may be called
/// from an event loop; `destroy` may take tens of milliseconds.
public protocol Sandbox: Sendable {
    var id: EnvironmentID { get }
    var level: IsolationLevel { get }
    var channels: SandboxChannels { get }
    /// The host's process id of the sandbox's outermost process; for people, never for control.
    var processID: Int32 { get }

    /// Stops every process inside until `thaw`. Idempotent; no effect on a sandbox that is gone.
    func freeze()
    func thaw()
    /// Limits CPU time by memory size (1,769 MiB = one CPU, as on Lambda; never less than one CPU at a time, since
    /// shares by memory size divide the CPUs when they are scarce). Called after init, so that the start isn't slowed.
    func applyCPULimit()
    func memory() -> SandboxMemory
    /// Kills everything inside and removes every trace: processes, cgroups, mounts, files. Idempotent. Leaves the
    /// channels to their owner.
    func destroy() async
}

/// Starts sandboxes of one level. A driver fails closed: whatever can't be set up as asked is an error, and the
/// half-made sandbox is destroyed before the error is thrown.
public protocol IsolationBackend: Sendable {
    var level: IsolationLevel { get }
    /// For people: `runsc 20240729.0, systrap`.
    var summary: String { get }

    /// Returns as soon as the channels exist and the agent has been started; the agent says `ready` itself.
    func start(_ configuration: SandboxConfiguration) async throws(IsolationError) -> any Sandbox

    /// Finds and destroys everything that an earlier run under the same state directory left behind: processes,
    /// cgroups, mounts, network namespaces, files. Returns how many sandboxes there were. Must run before `start`.
    func destroyLeftovers() async throws(IsolationError) -> Int
}

/// Why a sandbox could not be made or controlled.
public struct IsolationError: Error, CustomStringConvertible, Sendable {
    public enum Code: String, Sendable {
        /// A needed program or kernel feature isn't here.
        case unavailable
        /// The host refused a resource: memory, processes, descriptors.
        case exhausted
        /// Set-up failed.
        case startFailed
    }

    public let code: Code
    /// For the log and the operator; names no tenant and no payload.
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { "\(code.rawValue): \(message)" }
}
