import CloisterCore
import CloisterServiceKit
import CloisterStore
import Testing

@Suite struct EventStoreTests {
    static func event(
        _ id: String, tenant: String? = nil, payload: [UInt8] = Array("{}".utf8), notBefore: Int64 = 5
    ) -> QueuedEvent {
        QueuedEvent(
            id: RequestID(id), function: FunctionKey(region: "eu-central-1", name: "f"), qualifier: "live",
            tenant: tenant.flatMap { TenantID($0) }, clientContext: "{\"custom\":{}}", traceHeader: "Root=1-2-3",
            payload: payload, acceptedAt: 3, attempts: 0, notBefore: notBefore)
    }

    @Test(arguments: StoreEngine.allCases) func everythingComesBack(engine: StoreEngine) async throws {
        let place = try engine.place()
        let store = try place.open()
        let payload = (0..<1_048_576).map { UInt8(truncatingIfNeeded: $0) }
        var event = EventStoreTests.event("a", tenant: "blue", payload: payload)
        try await store.enqueue(event)
        #expect(try await store.payload(of: event.id) == payload)
        event.payload = []
        #expect(try await store.pending() == [event])
        #expect(try await store.payload(of: RequestID("other")) == nil)
    }

    @Test(arguments: StoreEngine.allCases) func inOrderOfTime(engine: StoreEngine) async throws {
        let place = try engine.place()
        let store = try place.open()
        for (id, time) in [("a", Int64(9)), ("b", 3), ("c", 9), ("d", 1)] {
            try await store.enqueue(EventStoreTests.event(id, notBefore: time))
        }
        try await store.reschedule(RequestID("d"), attempts: 2, notBefore: 4)
        let pending = try await store.pending()
        #expect(pending.map(\.id.rawValue) == ["b", "d", "a", "c"])
        #expect(pending[1].attempts == 2)
        // One that is no longer there is no error: it was completed.
        try await store.reschedule(RequestID("x"), attempts: 1, notBefore: 4)
    }

    @Test(arguments: StoreEngine.allCases) func completingPutsFollowUpsInOnce(engine: StoreEngine) async throws {
        let place = try engine.place()
        let store = try place.open()
        try await store.enqueue(EventStoreTests.event("a"))
        try await store.complete(RequestID("a"), followUps: [EventStoreTests.event("b"), EventStoreTests.event("c")])
        try await store.complete(RequestID("a"), followUps: [EventStoreTests.event("d")])
        #expect(try await store.pending().map(\.id.rawValue) == ["b", "c"])
        #expect(try await store.payload(of: RequestID("a")) == nil)
    }

    @Test(arguments: StoreEngine.allCases) func noIDTwice(engine: StoreEngine) async throws {
        let place = try engine.place()
        let store = try place.open()
        try await store.enqueue(EventStoreTests.event("a"))
        await expect(.duplicate) { try await store.enqueue(EventStoreTests.event("a")) }
        #expect(try await store.pending().count == 1)
    }

    @Test(arguments: StoreEngine.allCases) func theQueueIsBounded(engine: StoreEngine) async throws {
        let place = try engine.place()
        let limits = EventQueueLimits(eventsMax: 3, bytesMax: 100)
        let store = try place.open(limits: limits)
        await expect(.queueFull) {
            try await store.enqueue(EventStoreTests.event("a", payload: .init(repeating: 0, count: 101)))
        }
        for id in ["a", "b", "c"] {
            try await store.enqueue(EventStoreTests.event(id, payload: .init(repeating: 0, count: 30)))
        }
        await expect(.queueFull) { try await store.enqueue(EventStoreTests.event("d", payload: [])) }
        // A full queue must not lose the event whose follow-up doesn't fit.
        await expect(.queueFull) {
            try await store.complete(
                RequestID("a"), followUps: [EventStoreTests.event("e", payload: .init(repeating: 0, count: 50))])
        }
        #expect(try await store.pending().map(\.id.rawValue) == ["a", "b", "c"])
        try await store.complete(RequestID("a"), followUps: [])
        try await store.enqueue(EventStoreTests.event("d", payload: .init(repeating: 0, count: 40)))
        await expect(.queueFull) { try await store.enqueue(EventStoreTests.event("f", payload: [])) }
    }

    @Test(arguments: StoreEngine.allCases) func theBoundCountsWhatWasThere(engine: StoreEngine) async throws {
        let place = try engine.place()
        do {
            let store = try place.open()
            for id in ["a", "b"] { try await store.enqueue(EventStoreTests.event(id)) }
        }
        let store = try place.open(limits: EventQueueLimits(eventsMax: 2))
        await expect(.queueFull) { try await store.enqueue(EventStoreTests.event("c")) }
    }

    @Test(arguments: StoreEngine.allCases) func manyAtOnceAreAllThere(engine: StoreEngine) async throws {
        let place = try engine.place()
        let store = try place.open()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<2_000 {
                group.addTask { try await store.enqueue(EventStoreTests.event("e\(index)")) }
                // Failures among them undo only themselves.
                if index % 100 == 0 { group.addTask { try? await store.enqueue(EventStoreTests.event("e0")) } }
            }
            try await group.waitForAll()
        }
        #expect(try await store.pending().count == 2_000)
    }

    private func expect(_ code: StoreError.Code, _ body: () async throws -> Void) async {
        do {
            try await body()
            Issue.record("no error")
        } catch {
            #expect((error as? StoreError)?.code == code)
        }
    }
}
