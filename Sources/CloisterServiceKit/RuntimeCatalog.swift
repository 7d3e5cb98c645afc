/// A runtime's read-only root file system and the command that starts the runtime in it.
public struct RuntimeImage: Sendable, Equatable {
    /// AWS's identifier, for example `python3.13`.
    public var runtime: String
    /// Absolute host path of the root file system.
    public var directory: String
    /// For example `["/var/runtime/bootstrap"]`.
    public var bootstrap: [String]

    public init(runtime: String, directory: String, bootstrap: [String]) {
        self.runtime = runtime
        self.directory = directory
        self.bootstrap = bootstrap
    }
}

public enum RuntimeAvailability: Sendable, Equatable {
    /// Built and on this host.
    case ready(RuntimeImage)
    /// Known, but its image isn't on this host yet: `prepare` makes it.
    case notBuilt
    /// Not known here; the names that are.
    case unknown(available: [String])
}

/// Which runtimes there are, and their images.
public protocol RuntimeCatalog: Sendable {
    /// Cheap; looks at the disk at most.
    func availability(of runtime: String) -> RuntimeAvailability
    /// Builds the image if need be (minutes, needs a package mirror); at most one build of a runtime at a time.
    /// Throws a text for the user.
    func prepare(_ runtime: String) async throws -> RuntimeImage
}
