import DequeModule

/// A pool's number within one scheduler; never used twice.
public struct PoolNumber: Hashable, Sendable {
    public let rawValue: Int

    public init(_ rawValue: Int) { self.rawValue = rawValue }
}

/// The environments and the waiting invocations of one function version at one revision.
struct Pool {
    let key: PoolKey
    let memoryMiB: Int
    let isTenantIsolated: Bool
    /// The function's slot in the ledger.
    let function: Int
    var isRetired = false
    /// Numbers of the owners' queues.
    var queues: [EnvironmentOwner: Int] = [:]
    /// All waiting invocations in order of arrival; may hold ones that no longer wait.
    var arrivals = Deque<InvocationNumber>()
    var waitingCount = 0
    var unboundCount = 0
    var environmentCount = 0
    var hasWaitTimer = false

    var isUnused: Bool { environmentCount == 0 && waitingCount == 0 && queues.isEmpty }
}
