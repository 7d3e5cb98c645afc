import DequeModule

/// A pool's number within one scheduler; never used twice.
public struct PoolNumber: Hashable, Sendable {
    public let rawValue: Int

    public init(_ rawValue: Int) { self.rawValue = rawValue }
}

/// How a pool's provisioned concurrency is doing. Counts since the pool was opened.
public struct ProvisionedConcurrency: Sendable, Equatable {
    /// How many there are to be.
    public var requested = 0
    /// How many there are, initialised. With tenant isolation: and unbound.
    public var available = 0
    /// Of those, how many run an invocation. With tenant isolation 0: what runs is a tenant's.
    public var inUse = 0
    /// Invocations on environments that were provisioned (`ProvisionedConcurrencyInvocations`).
    public var invocations = 0
    /// Invocations that found none and had to wait for a start (`ProvisionedConcurrencySpilloverInvocations`).
    public var spilloverInvocations = 0
    /// Whether there were as many as requested at some time since they were requested; one that is bound after that, and
    /// replaced, doesn't change it.
    public var isReached = false
    /// Starts for it that failed in a row.
    public var failedStarts = 0

    /// `ProvisionedConcurrencyUtilization`, 0 to 1: the share that is in use, or bound and not replaced yet.
    public var utilization: Double {
        guard requested > 0 else { return 0 }
        return min(1, Double(max(0, requested - available) + inUse) / Double(requested))
    }

    public init() {}
}

/// The environments and the waiting invocations of one function version at one revision.
struct Pool {
    let key: PoolKey
    let memoryMiB: Int
    let isTenantIsolated: Bool
    /// The function's slot in the ledger.
    let function: Int
    /// The function's slot among the holders.
    let holder: Int
    var isRetired = false
    /// Numbers of the owners' queues.
    var queues: [EnvironmentOwner: Int] = [:]
    /// All waiting invocations in order of arrival; may hold ones that no longer wait.
    var arrivals = Deque<InvocationNumber>()
    var waitingCount = 0
    /// The youngest last.
    var unbound: [EnvironmentNumber] = []
    var environmentCount = 0
    var hasWaitTimer = false
    var provisioned = ProvisionedConcurrency()
    /// Starts for provisioned concurrency, asked for or under way.
    var startingProvisioned = 0
    /// Queues with a reservation.
    var reservedQueues: [Int] = []
    /// Starts ahead of need that failed in a row, and when they may be tried again.
    var failures = 0
    var replenishAt: Moment?
    /// How long a start takes, in nanoseconds; 0 before the first one.
    var startTime: Float = 0

    var isUnused: Bool { environmentCount == 0 && waitingCount == 0 && queues.isEmpty && startingProvisioned == 0 }
    /// Environments that provisioned concurrency lacks, counting those on their way.
    var provisionedShortage: Int { isRetired ? 0 : provisioned.requested - provisioned.available - startingProvisioned }

    mutating func started(in span: TimeSpan) {
        let time = Float(max(1, span.nanoseconds))
        startTime += (time - startTime) * (startTime == 0 ? 1 : 0.125)
    }
}
