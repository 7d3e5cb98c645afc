import CloisterCore
import Testing

@Suite struct EventInvokeQueueTests {
    private let a = RequestID("a")
    private let configuration = EventInvokeConfiguration.default

    private func taken(_ configuration: EventInvokeConfiguration = .default, attempts: Int = 0) -> EventInvokeQueue {
        var queue = EventInvokeQueue()
        queue.add(a, acceptedAt: 0, attempts: attempts, notBefore: 0)
        #expect(queue.takeDue(now: 0) == a)
        return queue
    }

    @Test func successCompletes() {
        var queue = taken()
        #expect(queue.ended(a, .success, configuration: configuration, now: 5) == .complete(.success, attempts: 1))
        #expect(queue.count == 0)
        #expect(queue.nextDue == nil)
    }

    @Test func aFunctionErrorIsRetriedAfterOneMinuteAndThenTwo() {
        var queue = taken()
        #expect(
            queue.ended(a, .functionError, configuration: configuration, now: 1_000)
                == .reschedule(attempts: 1, notBefore: 61_000))
        #expect(queue.nextDue == 61_000)
        #expect(queue.takeDue(now: 60_999) == nil)
        #expect(queue.takeDue(now: 61_000) == a)
        #expect(
            queue.ended(a, .functionError, configuration: configuration, now: 62_000)
                == .reschedule(attempts: 2, notBefore: 182_000))
        #expect(queue.takeDue(now: 182_000) == a)
        #expect(
            queue.ended(a, .functionError, configuration: configuration, now: 183_000)
                == .complete(.retriesExhausted, attempts: 3))
        #expect(queue.count == 0)
    }

    @Test(arguments: [0, 1, 2])
    func asManyRetriesAsConfigured(_ retries: Int) {
        var queue = taken()
        let configuration = EventInvokeConfiguration(retryAttemptsMax: retries)
        var now: Int64 = 0
        for attempt in 0..<retries {
            let action = queue.ended(a, .functionError, configuration: configuration, now: now)
            now += attempt == 0 ? 60_000 : 120_000
            #expect(action == .reschedule(attempts: attempt + 1, notBefore: now))
            #expect(queue.takeDue(now: now) == a)
        }
        #expect(
            queue.ended(a, .functionError, configuration: configuration, now: now)
                == .complete(.retriesExhausted, attempts: retries + 1))
    }

    @Test func notRunBacksOffFromOneSecondToFiveMinutes() {
        var queue = taken()
        var now: Int64 = 0
        for seconds: Int64 in [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300] {
            #expect(
                queue.ended(a, .notRun, configuration: configuration, now: now)
                    == .reschedule(attempts: 0, notBefore: now + seconds * 1_000))
            now += seconds * 1_000
            #expect(queue.takeDue(now: now) == a)
        }
    }

    @Test func aRunStartsTheBackOffAfresh() {
        var queue = taken()
        _ = queue.ended(a, .notRun, configuration: configuration, now: 0)
        #expect(queue.takeDue(now: 1_000) == a)
        _ = queue.ended(a, .functionError, configuration: configuration, now: 1_000)
        #expect(queue.takeDue(now: 61_000) == a)
        #expect(
            queue.ended(a, .notRun, configuration: configuration, now: 61_000)
                == .reschedule(attempts: 1, notBefore: 62_000))
    }

    @Test func anOldEventIsGivenUp() {
        var queue = taken()
        let configuration = EventInvokeConfiguration(eventAgeMaxSeconds: 60)
        #expect(
            queue.ended(a, .functionError, configuration: configuration, now: 1)
                == .complete(.eventAgeExceeded, attempts: 1))
        queue = taken()
        #expect(
            queue.ended(a, .functionError, configuration: configuration, now: 0)
                == .reschedule(attempts: 1, notBefore: 60_000))
        queue = taken()
        #expect(
            queue.ended(a, .notRun, configuration: configuration, now: 59_001)
                == .complete(.eventAgeExceeded, attempts: 0))
    }

    @Test func whatWaitedTooLongExpiresInsteadOfBeingDelivered() {
        var queue = EventInvokeQueue(deliveriesMax: 1)
        let configuration = EventInvokeConfiguration(eventAgeMaxSeconds: 60)
        queue.add(a, acceptedAt: 0, attempts: 1, notBefore: 0)
        #expect(queue.takeDue(now: 60_001) == a)
        #expect(
            queue.expire(a, configuration: configuration, now: 60_001) == .complete(.eventAgeExceeded, attempts: 1))
        #expect(queue.count == 0)
        queue.add(a, acceptedAt: 0, attempts: 0, notBefore: 0)
        #expect(queue.takeDue(now: 60_000) == a)
        #expect(queue.expire(a, configuration: configuration, now: 60_000) == nil)
        #expect(queue.count == 1)
    }

    @Test func theImpossibleIsGivenUpAtOnce() {
        var queue = taken(attempts: 1)
        #expect(
            queue.ended(a, .impossible, configuration: configuration, now: 0)
                == .complete(.retriesExhausted, attempts: 1))
        #expect(queue.count == 0)
    }

    @Test func attemptsBeforeARestartCount() {
        var queue = taken(attempts: 2)
        #expect(
            queue.ended(a, .functionError, configuration: configuration, now: 0)
                == .complete(.retriesExhausted, attempts: 3))
    }

    @Test func deliveriesAreLimitedAndInOrder() {
        var queue = EventInvokeQueue(deliveriesMax: 2)
        for index in 0..<4 {
            queue.add(RequestID("\(index)"), acceptedAt: 0, attempts: 0, notBefore: index == 3 ? 5 : 10)
        }
        #expect(queue.nextDue == 5)
        #expect(queue.takeDue(now: 4) == nil)
        #expect(queue.takeDue(now: 10) == RequestID("3"))
        #expect(queue.takeDue(now: 10) == RequestID("0"))
        #expect(queue.takeDue(now: 10) == nil)
        #expect(queue.nextDue == nil)
        _ = queue.ended(RequestID("3"), .success, configuration: configuration, now: 10)
        #expect(queue.nextDue == 10)
        #expect(queue.takeDue(now: 10) == RequestID("1"))
        #expect(queue.takeDue(now: 10) == nil)
        #expect(queue.count == 3)
    }

    @Test func anEventIsAddedOnce() {
        var queue = EventInvokeQueue()
        queue.add(a, acceptedAt: 0, attempts: 0, notBefore: 0)
        queue.add(a, acceptedAt: 0, attempts: 0, notBefore: 0)
        #expect(queue.count == 1)
        #expect(queue.takeDue(now: 0) == a)
        queue.add(a, acceptedAt: 0, attempts: 0, notBefore: 0)
        #expect(queue.takeDue(now: 0) == nil)
    }

    @Test func theConditionsAreAWSs() {
        #expect(EventInvokeQueue.Condition.success.rawValue == "Success")
        #expect(EventInvokeQueue.Condition.retriesExhausted.rawValue == "RetriesExhausted")
        #expect(EventInvokeQueue.Condition.eventAgeExceeded.rawValue == "EventAgeExceeded")
    }
}
