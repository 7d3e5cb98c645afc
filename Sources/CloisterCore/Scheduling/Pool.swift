import DequeModule

/// A pool's number within one scheduler; never used twice.
public struct PoolNumber: Hashable, Sendable {
    public let rawValue: Int

    public init(_ rawValue: Int) { self.rawValue = rawValue }
}

/// The environments and the waiting invocations of one function version at one revision.
struct Pool {
    struct Owner {
        /// Idle environments; the last one in is the first one out, so that the long tail ages out.
        var idle: [EnvironmentNumber] = []
        var waiting = Deque<InvocationNumber>()
        /// Environments that start, or wait for a start slot, on behalf of this owner.
        var starting = 0
        /// Environments that have answered and will soon ask for the next invocation.
        var finishing = 0

        /// Waiting invocations that no environment is on its way to.
        var uncovered: Int { waiting.count - starting - finishing }
        var isUnused: Bool { idle.isEmpty && waiting.isEmpty && starting == 0 && finishing == 0 }
    }

    let key: PoolKey
    let memoryMiB: Int
    let isTenantIsolated: Bool
    var isRetired = false
    var owners: [EnvironmentOwner: Owner] = [:]
    /// All waiting invocations in order of arrival; may hold ones that no longer wait.
    var arrivals = Deque<InvocationNumber>()
    var waitingCount = 0
    var unboundCount = 0
    var environmentCount = 0
    var hasWaitTimer = false

    var function: FunctionKey { key.version.function }
    var isUnused: Bool { environmentCount == 0 && waitingCount == 0 && owners.isEmpty }

    mutating func wait(_ invocation: InvocationNumber, owner: EnvironmentOwner) {
        owners[owner, default: Owner()].waiting.append(invocation)
        arrivals.append(invocation)
        waitingCount += 1
    }

    /// The owner's longest-waiting invocation, which then no longer waits.
    mutating func takeWaiting(of owner: EnvironmentOwner) -> InvocationNumber? {
        guard let invocation = owners[owner]?.waiting.popFirst() else { return nil }
        waitingCount -= 1
        if waitingCount == 0 { arrivals.removeAll(keepingCapacity: true) }
        dropIfUnused(owner)
        return invocation
    }

    /// Takes `invocation` out of its owner's queue, wherever it stands.
    mutating func removeWaiting(_ invocation: InvocationNumber, owner: EnvironmentOwner) {
        guard let index = owners[owner]?.waiting.firstIndex(of: invocation) else { return }
        owners[owner]?.waiting.remove(at: index)
        waitingCount -= 1
        if waitingCount == 0 { arrivals.removeAll(keepingCapacity: true) }
        dropIfUnused(owner)
    }

    mutating func takeIdle(of owner: EnvironmentOwner) -> EnvironmentNumber? {
        guard let number = owners[owner]?.idle.popLast() else { return nil }
        return number
    }

    mutating func removeIdle(_ number: EnvironmentNumber, owner: EnvironmentOwner) {
        owners[owner]?.idle.removeAll { $0 == number }
        dropIfUnused(owner)
    }

    mutating func changeStarting(of owner: EnvironmentOwner, by change: Int) {
        owners[owner, default: Owner()].starting += change
        dropIfUnused(owner)
    }

    mutating func changeFinishing(of owner: EnvironmentOwner, by change: Int) {
        owners[owner, default: Owner()].finishing += change
        dropIfUnused(owner)
    }

    func uncovered(_ owner: EnvironmentOwner) -> Int { owners[owner]?.uncovered ?? 0 }

    private mutating func dropIfUnused(_ owner: EnvironmentOwner) {
        if owners[owner]?.isUnused == true { owners[owner] = nil }
    }
}
