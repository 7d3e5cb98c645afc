import CloisterCore
import CloisterServiceKit
import CloisterWire
import Logging
import NIOCore

/// `Event` invocations: on disk before the 202, delivered from there, retried, and handed on to destinations.
extension DataPlane {
    func accept(_ request: InvokeRequest, _ target: Target, _ tenant: TenantID?, on connection: FrontConnection) {
        let now = Clock.wallMilliseconds()
        let event = QueuedEvent(
            id: connection.requestID, function: target.function.key.function,
            qualifier: request.reference.qualifier ?? request.qualifier, tenant: tenant,
            clientContext: request.contextText(admitting: tenant), traceHeader: request.traceHeader,
            payload: Array(request.payload.readableBytesView), acceptedAt: now, notBefore: now)
        let bound = NIOLoopBound(connection, eventLoop: loop)
        let loop = self.loop
        Task {
            do {
                try await self.configuration.events.enqueue(event)
                loop.execute {
                    bound.value.respond(status: 202, fields: [], body: ByteBuffer())
                    self.enqueue(event)
                }
            } catch {
                loop.execute {
                    self.logger.error("an event was not stored", metadata: ["error": "\(error)"])
                    bound.value.respond(InvokeErrors.throttled(.capacity))
                }
            }
        }
    }

    /// Takes up what an earlier run had accepted.
    func restore(_ pending: [QueuedEvent]) {
        for event in pending {
            add(event)
        }
        deliverDue()
    }

    private func enqueue(_ event: QueuedEvent) {
        var stored = event
        // The store has the payload; the queue may be long.
        stored.payload = []
        add(stored)
        deliverDue()
    }

    private func add(_ event: QueuedEvent) {
        pendingEvents[event.id] = event
        events.add(
            event.id, source: EventInvokeQueue.Source(function: event.function, tenant: event.tenant),
            acceptedAt: event.acceptedAt, attempts: event.attempts, notBefore: event.notBefore)
    }

    private func deliverDue() {
        guard !isStopping else { return }
        let now = Clock.wallMilliseconds()
        while let id = events.takeDue(now: now) {
            guard let event = pendingEvents[id] else { continue }
            deliver(event)
        }
        guard let due = events.nextDue, eventsArmedFor.map({ due < $0 }) ?? true else { return }
        eventsArmedFor = due
        loop.scheduleTask(in: .milliseconds(max(1, due - now))) {
            guard self.eventsArmedFor == due else { return }
            self.eventsArmedFor = nil
            self.deliverDue()
        }
    }

    private func deliver(_ event: QueuedEvent) {
        let store = configuration.events
        Task {
            let payload: [UInt8]?
            do { payload = try await store.payload(of: event.id) } catch {
                self.logger.error("an event could not be read", metadata: ["error": "\(error)"])
                self.loop.execute { self.ended(event, .notRun, nil, version: nil) }
                return
            }
            self.loop.execute { self.deliver(event, payload: payload) }
        }
    }

    private func deliver(_ event: QueuedEvent, payload: [UInt8]?) {
        // No payload: it was completed in an earlier run that could not tell.
        guard let payload else { return ended(event, .impossible, nil, version: nil) }
        let now = Clock.wallMilliseconds()
        guard let action = events.expire(event.id, configuration: settings(of: event), now: now) else {
            return run(event, payload)
        }
        finish(event, action, outcome: .notRun, response: nil, version: nil, payload: payload)
        deliverDue()
    }

    private func run(_ event: QueuedEvent, _ payload: [UInt8]) {
        let target: Target
        do {
            target = try resolve(event.function, qualifier: event.qualifier)
            _ = try TenantAdmission.admit(
                header: event.tenant.map { .text($0.rawValue) } ?? .absent, clientContext: .absent,
                isTenantIsolated: target.function.isTenantIsolated)
            try checkRegistry(event.tenant, target.function)
        } catch let error as ServiceError {
            return ended(event, error.status == 404 ? .impossible : .notRun, nil, version: nil, payload: payload)
        } catch {
            return ended(event, .impossible, nil, version: nil, payload: payload)
        }
        if functions[event.function]?.entry.reservedConcurrency == 0 {
            return ended(event, .impossible, nil, version: nil, payload: payload)
        }
        let sink = EventInvocationSink { result, invocation in
            self.ended(event, sink: result, payload: payload, invocation)
        }
        begin(
            Invocation(
                number: nextInvocationNumber(), requestID: event.id, version: target.version, invokedARN: target.arn,
                tenant: event.tenant, payload: ByteBuffer(bytes: payload), clientContext: event.clientContext,
                traceHeader: traceHeader(event.traceHeader, isActive: target.function.isTracingActive),
                wantsLogTail: false, sink: sink, receivedAt: Clock.now()),
            pool: target.version.pool)
    }

    private func ended(_ event: QueuedEvent, sink result: InvocationResult, payload: [UInt8], _ invocation: Invocation) {
        let version = invocation.function.key.version.description
        switch result {
        case .response(let body): ended(event, .success, body, version: version, payload: payload)
        case .functionError(let body): ended(event, .functionError, body, version: version, payload: payload)
        case .throttled, .failed: ended(event, .notRun, nil, version: version, payload: payload)
        }
    }

    private func ended(
        _ event: QueuedEvent, _ outcome: EventInvokeQueue.Outcome, _ response: ByteBuffer?, version: String?,
        payload: [UInt8] = []
    ) {
        let action = events.ended(event.id, outcome, configuration: settings(of: event), now: Clock.wallMilliseconds())
        finish(event, action, outcome: outcome, response: response, version: version, payload: payload)
        deliverDue()
    }

    private func settings(of event: QueuedEvent) -> EventInvokeConfiguration {
        functions[event.function]?.entry.eventInvokeConfigurations[event.qualifier ?? "$LATEST"] ?? .default
    }

    /// Does, durably, what was decided about an attempt that has ended.
    private func finish(
        _ event: QueuedEvent, _ action: EventInvokeQueue.Action, outcome: EventInvokeQueue.Outcome,
        response: ByteBuffer?, version: String?, payload: [UInt8]
    ) {
        let store = configuration.events
        switch action {
        case .reschedule(let attempts, let notBefore):
            pendingEvents[event.id]?.attempts = attempts
            record { try await store.reschedule(event.id, attempts: attempts, notBefore: notBefore) }
        case .complete(let condition, let attempts):
            pendingEvents[event.id] = nil
            let outcomeRecord = EventOutcomeRecord(
                event: event, condition: condition, attempts: attempts, requestPayload: payload, response: response,
                isFunctionError: outcome == .functionError, executedVersion: version, account: configuration.account)
            let followUps = outcomeRecord.followUps(
                settings: settings(of: event), deadLetterTarget: functions[event.function]?.entry.deadLetterTarget
            ) { self.nextRequestID() }
            record {
                do {
                    try await store.complete(event.id, followUps: followUps)
                    self.loop.execute { followUps.forEach(self.enqueue) }
                } catch where !followUps.isEmpty {
                    // A full queue must still get rid of what has ended; its destination gets nothing.
                    self.logger.error("a destination's record was dropped", metadata: ["error": "\(error)"])
                    try await store.complete(event.id, followUps: [])
                }
            }
        }
    }

    /// Writes to the store; an event whose end isn't recorded is delivered again after a restart, never lost.
    private func record(_ write: @escaping @Sendable () async throws -> Void) {
        Task {
            do { try await write() } catch {
                self.logger.error("the end of an event was not stored", metadata: ["error": "\(error)"])
            }
        }
    }
}

/// The end of an event's attempt.
final class EventInvocationSink: InvocationSink {
    private let whenEnded: (InvocationResult, Invocation) -> Void

    init(_ whenEnded: @escaping (InvocationResult, Invocation) -> Void) { self.whenEnded = whenEnded }

    var takesParts: Bool { false }
    var isWritable: Bool { true }
    func whenWritable(_ resume: @escaping () -> Void) {}
    func part(_ part: ByteBuffer, of invocation: Invocation) {}

    func ended(_ result: InvocationResult, of invocation: Invocation, logTail: String?) {
        whenEnded(result, invocation)
    }
}
