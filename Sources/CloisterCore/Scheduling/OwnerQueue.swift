import DequeModule

/// What one owner has in one pool: idle environments, waiting invocations, environments on their way.
struct OwnerQueue {
    let owner: EnvironmentOwner
    let pool: PoolNumber
    /// The owner's slot among the holders.
    let holder: Int
    /// The slot of the owner's history, where the policy uses them.
    let history: Int?
    /// The last one in is the first one out, so that the long tail ages out.
    var idle: [EnvironmentNumber] = []
    var waiting = Deque<InvocationNumber>()
    /// Environments that start, or wait for a start slot, on behalf of this owner's invocations.
    var starting = 0
    /// The same for the owner's reservation, and for a call that is expected.
    var startingReserved = 0
    var startingPredicted = 0
    /// Environments that have answered and will soon ask for the next invocation.
    var finishing = 0
    /// Environments bound to this owner, in whatever state.
    var environments = 0
    /// How many environments are to be bound to this owner and warm.
    var reserved = 0
    /// Idle environments that the reservation keeps.
    var kept = 0
    /// How long its environments take from an answer to asking for the next invocation, in nanoseconds: rises at
    /// once, falls slowly.
    var returnTime: Float = 0

    /// Waiting invocations that no environment is on its way to.
    var uncovered: Int { waiting.count - starting - startingReserved - startingPredicted - finishing }
    var isUnused: Bool {
        environments == 0 && starting == 0 && startingReserved == 0 && startingPredicted == 0 && waiting.isEmpty
            && reserved == 0
    }

    mutating func returned(in span: TimeSpan) {
        let time = Float(span.nanoseconds)
        returnTime += (time - returnTime) * (time > returnTime ? 0.5 : 0.0625)
    }
}
