/// What a plan replays: calls of tenants, in order of time.
public struct Workload: Sendable {
    public struct Tenant: Sendable, Equatable {
        public var name: String
        /// What an environment of this tenant's function holds in memory, in MiB.
        public var memoryMiB: Int
    }

    /// One call, or several that one environment serves one after the other.
    public struct Call: Sendable {
        /// Nanoseconds from the beginning of the trace.
        public var at: Int64
        public var tenant: Int32
        public var count: Int32
        /// Milliseconds that one of them runs.
        public var duration: Float
    }

    public static let tenantsMax = 1_000_000
    public static let callsMax = 50_000_000

    public var name: String
    public var tenants: [Tenant]
    public var calls: [Call]
    /// The length of the trace in nanoseconds.
    public var span: Int64
    /// Whether minutes are the finest time of the trace: an environment that gets calls is busy until the minute's end.
    public var isByMinute = false

    public init(name: String, tenants: [Tenant], calls: [Call], span: Int64) {
        self.name = name
        self.tenants = tenants
        self.calls = calls
        self.span = span
    }

    public var callCount: Int { calls.reduce(0) { $0 + Int($1.count) } }
}

/// What is wrong with a trace; `line` counts from 1.
public struct WorkloadError: Error, Sendable, Equatable {
    public var line: Int?
    public var message: String

    public init(line: Int? = nil, _ message: String) {
        self.line = line
        self.message = message
    }
}
