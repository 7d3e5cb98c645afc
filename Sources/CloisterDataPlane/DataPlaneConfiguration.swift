import CloisterCore
import CloisterIsolation
import CloisterServiceKit
import CloisterWire
import Logging

/// What the data plane is made of. Assembled by the server.
public struct DataPlaneConfiguration: Sendable {
    public var account: AccountID
    public var backend: any IsolationBackend
    public var scheduler: SchedulerConfiguration
    /// Sandboxes booted in advance; a budget of 0 MiB for none.
    public var preboot: PrebootConfiguration
    public var logs: any LogSink
    public var events: any EventStore
    /// Whose signatures are taken.
    public var credentials: any CredentialDirectory
    /// Makes what environments sign with.
    public var issuer: any EnvironmentCredentialIssuer
    public var authorizer: any ImmediateAuthorizer
    /// Lets requests in that carry no signature at all. For one person's machine only.
    public var isUnsignedAllowed: Bool
    public var logger: Logger

    public init(
        account: AccountID, backend: any IsolationBackend, scheduler: SchedulerConfiguration,
        preboot: PrebootConfiguration = PrebootConfiguration(), logs: any LogSink,
        events: any EventStore, credentials: any CredentialDirectory, issuer: any EnvironmentCredentialIssuer,
        authorizer: any ImmediateAuthorizer, isUnsignedAllowed: Bool = false, logger: Logger
    ) {
        self.account = account
        self.backend = backend
        self.scheduler = scheduler
        self.preboot = preboot
        self.logs = logs
        self.events = events
        self.credentials = credentials
        self.issuer = issuer
        self.authorizer = authorizer
        self.isUnsignedAllowed = isUnsignedAllowed
        self.logger = logger
    }
}

/// One environment as operators see it.
public struct EnvironmentDescription: Sendable, Codable {
    public var id: String
    public var function: String
    public var version: String
    public var region: String
    /// Nil while nobody is bound to it, and on functions without tenant isolation.
    public var tenantId: String?
    public var isBound: Bool
    /// `starting`, `unbound`, `idle`, `frozen`, `busy`, `recovering`.
    public var state: String
    public var level: String
    public var memoryBytes: Int
    public var peakMemoryBytes: Int
    /// ISO 8601.
    public var since: String
    public var invocations: Int
    public var processId: Int32
    public var logStream: String
}
