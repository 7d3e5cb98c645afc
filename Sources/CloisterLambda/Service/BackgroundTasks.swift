import Synchronization

/// Tasks that outlive the request that started them, at most one for each key: starting another while one runs makes
/// it run once more.
final class BackgroundTasks: Sendable {
    private enum Turn { case running, runAgain }

    private struct State {
        var turns: [String: Turn] = [:]
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    func start(_ key: String, _ body: @escaping @Sendable () async -> Void) {
        let mustStart = state.withLock { state in
            defer { state.turns[key] = state.turns[key] == nil ? .running : .runAgain }
            return state.turns[key] == nil
        }
        guard mustStart else { return }
        Task {
            repeat { await body() } while turn(key)
        }
    }

    /// Returns when no task runs.
    func settle() async {
        await withCheckedContinuation { continuation in
            let isIdle = state.withLock { state in
                if !state.turns.isEmpty { state.waiting.append(continuation) }
                return state.turns.isEmpty
            }
            if isIdle { continuation.resume() }
        }
    }

    /// Whether the task of `key` must run once more.
    private func turn(_ key: String) -> Bool {
        let (again, idle) = state.withLock { state -> (Bool, [CheckedContinuation<Void, Never>]) in
            if state.turns[key] == .runAgain {
                state.turns[key] = .running
                return (true, [])
            }
            state.turns[key] = nil
            guard state.turns.isEmpty else { return (false, []) }
            defer { state.waiting = [] }
            return (false, state.waiting)
        }
        for continuation in idle { continuation.resume() }
        return again
    }
}
