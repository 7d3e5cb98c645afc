/// Runs the server in the foreground until it is told to stop.
public enum ServerLauncher {
    public static func run(_ options: ServeOptions) async throws {
        throw ServerUnavailable()
    }
}

/// This build has no server.
public struct ServerUnavailable: Error, CustomStringConvertible {
    public var description: String { "this build has no server" }
}
