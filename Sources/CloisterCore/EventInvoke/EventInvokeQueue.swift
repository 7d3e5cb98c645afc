import DequeModule
import HeapModule

/// Decides when accepted `Event` invocations are delivered, retried and given up. Pure; payloads stay in the store.
///
/// AWS's rules: a function error is retried after 1 minute, then after 2 more (as often as configured); a throttle or
/// system error goes back into the queue with a back-off of 1 s doubling to 5 min, until the event is too old; a
/// reserved concurrency of 0 gives up at once.
public struct EventInvokeQueue {
    /// How one attempt ended.
    public enum Outcome: Sendable, Equatable {
        case success
        case functionError
        /// Throttled, or a fault of the platform.
        case notRun
        /// Reserved concurrency is 0, or the function no longer exists.
        case impossible
    }

    /// AWS's `requestContext.condition` in a destination's record.
    public enum Condition: String, Sendable, Equatable {
        case success = "Success"
        case retriesExhausted = "RetriesExhausted"
        case eventAgeExceeded = "EventAgeExceeded"
    }

    public enum Action: Sendable, Equatable {
        case complete(Condition, attempts: Int)
        /// `notBefore` in milliseconds since 1970.
        case reschedule(attempts: Int, notBefore: Int64)
    }

    /// Whose events share the deliveries with the others'.
    public struct Source: Hashable, Sendable {
        public let function: FunctionKey
        public let tenant: TenantID?

        public init(function: FunctionKey, tenant: TenantID?) {
            self.function = function
            self.tenant = tenant
        }
    }

    private struct Entry: Comparable {
        let notBefore: Int64
        let order: Int
        let id: RequestID

        static func < (lhs: Entry, rhs: Entry) -> Bool { (lhs.notBefore, lhs.order) < (rhs.notBefore, rhs.order) }
        static func == (lhs: Entry, rhs: Entry) -> Bool { lhs.order == rhs.order }
    }

    private struct Event {
        let source: Source?
        let acceptedAt: Int64
        /// Attempts in which the function ran.
        var attempts: Int
        /// Consecutive attempts in which it did not.
        var notRunCount = 0
    }

    /// Deliveries that may be under way at once; the rest waits here, not in the scheduler.
    public let deliveriesMax: Int
    /// Deliveries that one source may use at once, so that slow ones of one tenant don't stop everybody's.
    public var deliveriesPerSourceMax: Int { max(1, deliveriesMax / 8) }
    private var heap = Heap<Entry>()
    private var deliveriesBySource: [Source: Int] = [:]
    /// Due, but their source uses all that it may.
    private var parked: [Source: Deque<Entry>] = [:]
    private var events: [RequestID: Event] = [:]
    private var deliveries = 0
    private var order = 0

    public init(deliveriesMax: Int = 64) { self.deliveriesMax = deliveriesMax }

    public var count: Int { events.count }

    /// An event that is in the store. Times in milliseconds since 1970.
    public mutating func add(
        _ id: RequestID, source: Source? = nil, acceptedAt: Int64, attempts: Int, notBefore: Int64
    ) {
        guard events[id] == nil else { return }
        events[id] = Event(source: source, acceptedAt: acceptedAt, attempts: attempts)
        push(id, notBefore: notBefore)
    }

    /// The next event to deliver now, if one is due and a delivery is free. Every one taken must be `ended`.
    public mutating func takeDue(now: Int64) -> RequestID? {
        while deliveries < deliveriesMax, let first = heap.min, first.notBefore <= now {
            heap.removeMin()
            guard let source = events[first.id]?.source else {
                deliveries += 1
                return first.id
            }
            guard deliveriesBySource[source, default: 0] < deliveriesPerSourceMax else {
                parked[source, default: []].append(first)
                continue
            }
            deliveriesBySource[source, default: 0] += 1
            deliveries += 1
            return first.id
        }
        return nil
    }

    /// Gives a delivery back, and its source's next event its turn.
    private mutating func release(_ id: RequestID) {
        deliveries = max(0, deliveries - 1)
        guard let source = events[id]?.source else { return }
        let left = (deliveriesBySource[source] ?? 1) - 1
        deliveriesBySource[source] = left > 0 ? left : nil
        if let next = parked[source]?.popFirst() { heap.insert(next) }
        if parked[source]?.isEmpty == true { parked[source] = nil }
    }

    /// When `takeDue` may have something next; nil while nothing waits or every delivery is in use.
    public var nextDue: Int64? { deliveries < deliveriesMax ? heap.min?.notBefore : nil }

    /// For an event just taken: whether it has become too old while it waited (every delivery was in use, or the server
    /// was down). Then it ends here and is not delivered; nil means deliver it.
    public mutating func expire(_ id: RequestID, configuration: EventInvokeConfiguration, now: Int64) -> Action? {
        guard let event = events[id], isTooOld(event, configuration, at: now) else { return nil }
        release(id)
        return complete(id, .eventAgeExceeded, event)
    }

    /// An attempt has ended. The caller does what the action says, durably.
    public mutating func ended(
        _ id: RequestID, _ outcome: Outcome, configuration: EventInvokeConfiguration, now: Int64
    ) -> Action {
        release(id)
        guard var event = events[id] else { return .complete(.retriesExhausted, attempts: 0) }
        let delay: Int64
        switch outcome {
        case .success:
            event.attempts += 1
            return complete(id, .success, event)
        case .impossible:
            return complete(id, .retriesExhausted, event)
        case .functionError:
            event.attempts += 1
            event.notRunCount = 0
            guard event.attempts <= configuration.retryAttemptsMax else {
                return complete(id, .retriesExhausted, event)
            }
            delay = event.attempts == 1 ? 60_000 : 120_000
        case .notRun:
            event.notRunCount += 1
            delay = min(1_000 << Int64(min(event.notRunCount - 1, 9)), 300_000)
        }
        let notBefore = now + delay
        if isTooOld(event, configuration, at: notBefore) {
            return complete(id, .eventAgeExceeded, event)
        }
        events[id] = event
        push(id, notBefore: notBefore)
        return .reschedule(attempts: event.attempts, notBefore: notBefore)
    }

    private func isTooOld(_ event: Event, _ configuration: EventInvokeConfiguration, at time: Int64) -> Bool {
        time - event.acceptedAt > Int64(configuration.eventAgeMaxSeconds) * 1_000
    }

    private mutating func complete(_ id: RequestID, _ condition: Condition, _ event: Event) -> Action {
        events[id] = nil
        return .complete(condition, attempts: event.attempts)
    }

    private mutating func push(_ id: RequestID, notBefore: Int64) {
        order += 1
        heap.insert(Entry(notBefore: notBefore, order: order, id: id))
    }
}
