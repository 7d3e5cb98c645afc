import DequeModule

/// What one owner has in one pool: idle environments, waiting invocations, environments on their way.
struct OwnerQueue {
    let owner: EnvironmentOwner
    let pool: PoolNumber
    /// The last one in is the first one out, so that the long tail ages out.
    var idle: [EnvironmentNumber] = []
    var waiting = Deque<InvocationNumber>()
    /// Environments that start, or wait for a start slot, on behalf of this owner.
    var starting = 0
    /// Environments that have answered and will soon ask for the next invocation.
    var finishing = 0
    /// Environments bound to this owner, in whatever state.
    var environments = 0

    /// Waiting invocations that no environment is on its way to.
    var uncovered: Int { waiting.count - starting - finishing }
    var isUnused: Bool { environments == 0 && starting == 0 && waiting.isEmpty }
}
