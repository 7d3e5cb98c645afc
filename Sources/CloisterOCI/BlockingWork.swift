import CloisterIsolation
import Dispatch

/// Runs work that blocks (starting and destroying sandboxes) on threads of its own, so that Swift's cooperative threads
/// stay free.
package struct BlockingWork: Sendable {
    private let queue = DispatchQueue(label: "cloister.isolation", attributes: .concurrent)

    package init() {}

    package func run<Value: Sendable>(
        _ body: @escaping @Sendable () throws(IsolationError) -> Value
    ) async throws(IsolationError) -> Value {
        try await attempt(body).get()
    }

    /// Work that nobody waits for.
    package func run(after delay: DispatchTimeInterval, _ body: @escaping @Sendable () -> Void) {
        queue.asyncAfter(deadline: .now() + delay, execute: body)
    }

    package func attempt<Value: Sendable>(
        _ body: @escaping @Sendable () throws(IsolationError) -> Value
    ) async -> Result<Value, IsolationError> {
        await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: Result(catching: body)) }
        }
    }
}
