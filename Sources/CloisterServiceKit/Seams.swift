public import CloisterCore

/// Where the control plane publishes functions to: the data plane's view of what can be invoked.
public protocol FunctionDirectory: Sendable {
    /// Replaces the function's entry. On return, new invocations see it, and environments of revisions that are no
    /// longer in it are on their way out.
    func publish(_ entry: FunctionEntry) async
    /// Forgets the function and destroys its environments. Unknown keys are ignored.
    func remove(_ key: FunctionKey) async
    /// How the provisioned concurrency of the function's versions is doing; versions that can't be invoked are left out.
    func provisionedConcurrency(of key: FunctionKey) async -> [FunctionVersion: ProvisionedConcurrency]
}

/// One line or record of a function's log.
public struct LogRecord: Sendable, Equatable {
    /// Milliseconds since 1970.
    public var timestamp: Int64
    /// Without the line end.
    public var message: String
    public var tenant: TenantID?
    public var requestID: RequestID?

    public init(timestamp: Int64, message: String, tenant: TenantID?, requestID: RequestID?) {
        self.timestamp = timestamp
        self.message = message
        self.tenant = tenant
        self.requestID = requestID
    }
}

/// Takes the logs of functions. One stream belongs to one environment and so to at most one tenant.
public protocol LogSink: Sendable {
    /// Never blocks and never fails: a full sink drops and counts.
    func append(_ records: [LogRecord], region: String, group: String, stream: String)
}

/// An `Event` invocation that was accepted and must not be lost.
public struct QueuedEvent: Sendable, Equatable {
    public var id: RequestID
    public var function: FunctionKey
    public var qualifier: String?
    public var tenant: TenantID?
    /// JSON, decoded from base64; nil when the caller gave none.
    public var clientContext: String?
    public var traceHeader: String?
    public var payload: [UInt8]
    /// Milliseconds since 1970.
    public var acceptedAt: Int64
    /// Attempts that have ended.
    public var attempts: Int
    /// Milliseconds since 1970; not delivered before.
    public var notBefore: Int64

    public init(
        id: RequestID, function: FunctionKey, qualifier: String?, tenant: TenantID?, clientContext: String?,
        traceHeader: String?, payload: [UInt8], acceptedAt: Int64, attempts: Int = 0, notBefore: Int64
    ) {
        self.id = id
        self.function = function
        self.qualifier = qualifier
        self.tenant = tenant
        self.clientContext = clientContext
        self.traceHeader = traceHeader
        self.payload = payload
        self.acceptedAt = acceptedAt
        self.attempts = attempts
        self.notBefore = notBefore
    }
}

/// The durable queue behind `Event` invocations.
public protocol EventStore: Sendable {
    /// Returns when the event is on disk (synchronous), so that a crash at any later moment keeps it.
    func enqueue(_ event: QueuedEvent) async throws
    /// Records a failed attempt; on disk on return.
    func reschedule(_ id: RequestID, attempts: Int, notBefore: Int64) async throws
    /// Removes an event that was delivered or given up; `followUps` (events for destinations) are put in by the same
    /// transaction. On disk on return.
    func complete(_ id: RequestID, followUps: [QueuedEvent]) async throws
    /// Every event not completed, without payloads (empty), in the order of `notBefore`.
    func pending() async throws -> [QueuedEvent]
    /// One event's payload; nil if it was completed meanwhile.
    func payload(of id: RequestID) async throws -> [UInt8]?
}

/// Where the tenant registry publishes tenants to: the data plane's view of who is served, and how.
public protocol TenantDirectory: Sendable {
    /// What holds of these tenants from now on. On return it is in force: of a suspended tenant no environment serves any
    /// more.
    func register(_ tenants: [TenantSettings]) async
    /// Forgets the tenants and destroys their environments. Unknown ones are ignored.
    func unregister(_ tenants: [TenantID]) async
}
