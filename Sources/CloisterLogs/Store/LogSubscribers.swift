import CloisterCore
import Synchronization

/// Which records a live subscriber wants; nil: any.
public struct LogSubscriptionFilter: Sendable {
    public var region: String
    public var groups: Set<String>
    public var streams: Set<String>?
    public var tenant: TenantID?
    public var pattern: LogFilterPattern?

    public init(
        region: String, groups: Set<String>, streams: Set<String>? = nil, tenant: TenantID? = nil,
        pattern: LogFilterPattern? = nil
    ) {
        self.region = region
        self.groups = groups
        self.streams = streams
        self.tenant = tenant
        self.pattern = pattern
    }

    public func matches(_ record: StoredLogRecord) -> Bool {
        guard record.region == region, groups.contains(record.group) else { return false }
        if let streams, !streams.contains(record.stream) { return false }
        if let tenant, record.tenant != tenant { return false }
        return pattern?.matches(record.message) ?? true
    }
}

/// The live subscribers. Each has a bounded buffer: one that is too slow loses records and learns how many.
final class LogSubscribers: Sendable {
    private struct Subscriber {
        let filter: LogSubscriptionFilter
        let continuation: AsyncStream<StoredLogRecord>.Continuation
        var skipped = 0

        mutating func offer(_ record: StoredLogRecord) {
            guard filter.matches(record) else { return }
            var offered = record
            offered.skippedBefore = skipped
            switch continuation.yield(offered) {
            case .enqueued: skipped = 0
            case .dropped: skipped += 1
            case .terminated: break
            @unknown default: break
            }
        }
    }

    private struct State {
        var next = 0
        var subscribers: [Int: Subscriber] = [:]
    }

    private let state = Mutex(State())
    private let recordsMax: Int

    init(recordsMax: Int) { self.recordsMax = recordsMax }

    var isEmpty: Bool { state.withLock { $0.subscribers.isEmpty } }

    func add(_ filter: LogSubscriptionFilter) throws(LogStoreError) -> AsyncStream<StoredLogRecord> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: StoredLogRecord.self, bufferingPolicy: .bufferingOldest(recordsMax))
        let id: Int? = state.withLock { state in
            guard state.subscribers.count < LogsLimits.subscribersMax else { return nil }
            state.next += 1
            state.subscribers[state.next] = Subscriber(filter: filter, continuation: continuation)
            return state.next
        }
        guard let id else { throw LogStoreError(.tooManySubscribers) }
        continuation.onTermination = { [weak self] _ in self?.remove(id) }
        return stream
    }

    func deliver(_ records: [StoredLogRecord]) {
        state.withLock { state in
            for id in state.subscribers.keys {
                for record in records { state.subscribers[id]?.offer(record) }
            }
        }
    }

    func finishAll() {
        // Outside the lock: `finish` calls `onTermination`, which takes it.
        let continuations = state.withLock { $0.subscribers.values.map(\.continuation) }
        for continuation in continuations { continuation.finish() }
    }

    private func remove(_ id: Int) { state.withLock { _ = $0.subscribers.removeValue(forKey: id) } }
}
