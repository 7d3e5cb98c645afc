public import CloisterCore

/// A sandbox that is started before it is known what will run in it.
public struct BlankConfiguration: Sendable {
    public var id: EnvironmentID
    /// As `SandboxConfiguration.imageDirectory`.
    public var imageDirectory: String
    /// What it may use until it is furnished.
    public var memoryMiB: Int
    public var ephemeralStorageMiB: Int

    public init(id: EnvironmentID, imageDirectory: String, memoryMiB: Int, ephemeralStorageMiB: Int) {
        self.id = id
        self.imageDirectory = imageDirectory
        self.memoryMiB = memoryMiB
        self.ephemeralStorageMiB = ephemeralStorageMiB
    }
}

/// What turns a blank sandbox into one for a function.
public struct SandboxContents: Sendable {
    /// Read-only at `/var/task`.
    public var codeDirectory: String
    /// Read-only at `/opt`; nil leaves the image's own.
    public var layersDirectory: String?
    public var memoryMiB: Int

    public init(codeDirectory: String, layersDirectory: String?, memoryMiB: Int) {
        self.codeDirectory = codeDirectory
        self.layersDirectory = layersDirectory
        self.memoryMiB = memoryMiB
    }
}

/// A running sandbox without code. Its agent runs; nothing in it has seen a function or a tenant.
public protocol BlankSandbox: Sendable {
    var id: EnvironmentID { get }
    var channels: SandboxChannels { get }

    /// Brings the code in and sets the function's limits. Once; after a failure the sandbox is good for nothing but
    /// `destroy`.
    func furnish(_ contents: SandboxContents) async throws(IsolationError) -> any Sandbox
    /// As `Sandbox.destroy`; for one that wasn't furnished.
    func destroy() async
}

/// A backend that can start sandboxes in advance.
public protocol PrebootingBackend: IsolationBackend {
    /// As `start`, without code.
    func boot(_ configuration: BlankConfiguration) async throws(IsolationError) -> any BlankSandbox
}
