import Synchronization

/// Set once, from any thread; looked at while a build waits.
final class Cancellation: Sendable {
    private let flag = Atomic<Bool>(false)

    func cancel() { flag.store(true, ordering: .relaxed) }
    var isCancelled: Bool { flag.load(ordering: .relaxed) }

    func check() throws(RuntimeImageError) {
        if isCancelled { throw .cancelled }
    }
}
