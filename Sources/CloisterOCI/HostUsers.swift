import CloisterIsolation
import Synchronization

/// Hands out host user ids, two for each live sandbox (its user, and the user 0 of its user namespace), from a
/// block that follows from the state directory, so that servers side by side don't share users.
package final class HostUsers: Sendable {
    static let first: UInt32 = 100_000
    static let blockSize: UInt32 = 8192
    static let blocks: UInt64 = 131_072

    private struct State {
        var free: [UInt32] = []
        var next: UInt32
    }

    private let end: UInt32
    private let state: Mutex<State>

    package init(stateDirectory: String) {
        let block = UInt32(truncatingIfNeeded: stableHash(stateDirectory) % HostUsers.blocks)
        let base = HostUsers.first + block * HostUsers.blockSize
        end = base + HostUsers.blockSize
        state = Mutex(State(next: base))
    }

    /// The lower id of a pair that no live sandbox has.
    package func take() throws(IsolationError) -> UInt32 {
        let end = end
        let taken: UInt32? = state.withLock { state in
            if let reused = state.free.popLast() { return reused }
            guard state.next < end else { return nil }
            defer { state.next += 2 }
            return state.next
        }
        guard let taken else { throw IsolationError(.exhausted, "all \(HostUsers.blockSize / 2) host users are taken") }
        return taken
    }

    package func giveBack(_ user: UInt32) { state.withLock { $0.free.append(user) } }
}
