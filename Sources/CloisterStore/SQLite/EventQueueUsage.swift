import CloisterServiceKit

/// How much the event queue may hold.
public struct EventQueueLimits: Sendable, Equatable {
    public var eventsMax: Int
    /// The payloads' sizes together.
    public var bytesMax: Int

    public init(eventsMax: Int = 100_000, bytesMax: Int = 2 << 30) {
        self.eventsMax = eventsMax
        self.bytesMax = bytesMax
    }
}

/// What the event queue holds now; follows the database, transaction by transaction.
struct EventQueueUsage: Sendable, Equatable {
    var events: Int
    var bytes: Int

    /// Counts one more event, or throws `.queueFull`.
    mutating func add(bytes added: Int, limits: EventQueueLimits) throws(StoreError) {
        guard events < limits.eventsMax, bytes + added <= limits.bytesMax else {
            throw StoreError(.queueFull, "the event queue is full: \(events) events, \(bytes) bytes")
        }
        events += 1
        bytes += added
    }

    mutating func remove(bytes removed: Int) {
        events -= 1
        bytes -= removed
    }
}
