import CloisterCore

/// Invocations and accepted events.
extension Simulation {
    func invoke(_ function: Int, _ owner: EnvironmentOwner, event: RequestID?) {
        guard let pool = witness.functions[function].pool else {
            if let event { endedEvents.append((event, .impossible)) }
            return
        }
        invoke(pool: pool, owner, event: event)
    }

    func invoke(pool: Int, _ owner: EnvironmentOwner, event: RequestID?) {
        let number = witness.invocations.count
        let expected = witness.refusal(pool: pool, owner: owner, now: now, scenario.scheduler)
        witness.invocations.append(Witness.Invocation(pool: pool, owner: owner, since: now, event: event))
        touched.append(Witness.OwnerKey(pool: pool, owner: owner))
        report.count("invoked")
        scheduler.invoke(
            InvocationNumber(number), pool: PoolNumber(pool), owner: owner, now: now, into: &effects)
        if let expected {
            guard effects == [.refuse(InvocationNumber(number), expected)] else {
                return fail("invocation \(number) should be refused with \(expected), not \(effects)")
            }
            effects.removeAll(keepingCapacity: true)
            witness.invocations[number].state = .ended
            report.count("refused: \(expected)")
            endEvent(event, isReservedZero(pool) ? .impossible : .notRun)
            return
        }
        witness.begin(number)
        oldest.append(number)
        perform(invoking: number)
    }

    private func isReservedZero(_ pool: Int) -> Bool { witness.functions[witness.pools[pool].function].reserved == 0 }

    /// The invocation is over, one way or the other.
    func end(_ number: Int, _ outcome: EventInvokeQueue.Outcome) {
        guard witness.invocations[number].state != .ended else { return fail("invocation \(number) ends twice") }
        witness.end(number)
        report.count("ended: \(outcome)")
        endEvent(witness.invocations[number].event, outcome)
    }

    private func endEvent(_ event: RequestID?, _ outcome: EventInvokeQueue.Outcome) {
        if let event { endedEvents.append((event, outcome)) }
    }

    // MARK: Events

    func accept(_ function: Int, _ owner: EnvironmentOwner) {
        let id = RequestID(String(report.counts["events accepted", default: 0]))
        report.count("events accepted")
        events[id] = AcceptedEvent(
            function: function, owner: owner, acceptedAt: milliseconds,
            configuration: EventInvokeConfiguration(
                retryAttemptsMax: random.between(0, 2), eventAgeMaxSeconds: random.between(60, 900)))
        queue.add(id, acceptedAt: milliseconds, attempts: 0, notBefore: milliseconds)
    }

    func deliver() {
        guard let id = queue.takeDue(now: milliseconds) else { return fail("the event queue is due, but has nothing") }
        guard let event = events[id] else { return fail("event \(id) is delivered after its end") }
        guard !event.isDelivering else { return fail("event \(id) is delivered twice at once") }
        events[id]?.isDelivering = true
        let isTooOld = milliseconds - event.acceptedAt > Int64(event.configuration.eventAgeMaxSeconds) * 1_000
        if let action = queue.expire(id, configuration: event.configuration, now: milliseconds) {
            if !isTooOld || action != .complete(.eventAgeExceeded, attempts: attempts(action)) {
                fail("event \(id) expires with \(action)")
            }
            complete(id, action)
            return
        }
        if isTooOld { return fail("event \(id) is delivered although too old") }
        invoke(event.function, event.owner, event: id)
    }

    private func attempts(_ action: EventInvokeQueue.Action) -> Int {
        switch action {
        case .complete(_, let attempts), .reschedule(let attempts, _): attempts
        }
    }

    /// Tells the queue how deliveries have ended.
    func settleEvents() {
        while let (id, outcome) = endedEvents.popLast() {
            guard let event = events[id], event.isDelivering else {
                return fail("event \(id) ends while nobody delivers it")
            }
            let action = queue.ended(id, outcome, configuration: event.configuration, now: milliseconds)
            report.steps += 1
            complete(id, action)
        }
    }

    private func complete(_ id: RequestID, _ action: EventInvokeQueue.Action) {
        guard let event = events[id] else { return }
        switch action {
        case .complete(let condition, let attempts):
            report.count("events: \(condition.rawValue)")
            if attempts > event.configuration.retryAttemptsMax + 1 { fail("event \(id) was tried \(attempts) times") }
            events[id] = nil
        case .reschedule(let attempts, let notBefore):
            report.count("events retried")
            if attempts > event.configuration.retryAttemptsMax { fail("event \(id) is tried too often") }
            if notBefore <= milliseconds { fail("event \(id) is retried without a pause") }
            events[id]?.isDelivering = false
        }
    }
}
