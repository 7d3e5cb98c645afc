import Testing

@testable import CloisterLogs

@Suite struct LogsServicePutEventsTests {
    private static func put(_ service: ServiceFixture, _ events: [[String: Any]]) async throws -> ServiceFixture.Answer {
        try await service.call("PutLogEvents", ["logGroupName": "g", "logStreamName": "s", "logEvents": events])
    }

    private static func stored(_ service: ServiceFixture) async throws -> [String] {
        try await service.call("FilterLogEvents", ["logGroupName": "g"]).texts("events", "message")
    }

    @Test func eventsAreStored() async throws {
        let service = try ServiceFixture()
        try await service.prepare()
        let now = service.logs.time.now
        let answer = try await Self.put(service, [["timestamp": now, "message": "a\u{0}ü\n"], ["timestamp": now, "message": "b"]])
        #expect(answer.status == 200 && answer.text("nextSequenceToken") != nil && answer.body["rejectedLogEventsInfo"] == nil)
        #expect(try await Self.stored(service) == ["a\u{0}ü\n", "b"])
    }

    @Test func unknownGroupsAndStreamsAreRefused() async throws {
        let service = try ServiceFixture()
        let events: [[String: Any]] = [["timestamp": 1, "message": "m"]]
        let group = try await Self.put(service, events)
        #expect(group.type == "ResourceNotFoundException" && group.message == "The specified log group does not exist.")
        _ = try await service.call("CreateLogGroup", ["logGroupName": "g"])
        let stream = try await Self.put(service, events)
        #expect(stream.type == "ResourceNotFoundException" && stream.message == "The specified log stream does not exist.")
    }

    @Test func theBatchHasLimits() async throws {
        let service = try ServiceFixture()
        try await service.prepare()
        let now = service.logs.time.now
        func event(_ offset: Int64, _ message: String = "m") -> [String: Any] {
            ["timestamp": now + offset, "message": message]
        }
        let batches: [[[String: Any]]] = [
            [], [event(0), event(-1)], [event(-86_400_001), event(0)], [event(0, "")], [["message": "m"]], [["timestamp": now]],
            [["timestamp": -1, "message": "m"]], [event(0, String(repeating: "x", count: 262_119))],
            Array(repeating: event(0), count: 10_001),
            Array(repeating: event(0, String(repeating: "x", count: 262_100)), count: 5),
        ]
        for (index, batch) in batches.enumerated() {
            let answer = try await Self.put(service, batch)
            #expect(answer.status == 400 && answer.type == "InvalidParameterException", "batch \(index)")
        }
        #expect(try await Self.stored(service).isEmpty)
        #expect(try await Self.put(service, Array(repeating: event(0), count: 10_000)).status == 200)
        #expect(try await Self.put(service, [event(-86_400_000), event(0, String(repeating: "x", count: 262_118))]).status == 200)
    }

    @Test func eventsOutOfTimeAreLeftOut() async throws {
        let service = try ServiceFixture()
        try await service.prepare()
        _ = try await service.call("PutRetentionPolicy", ["logGroupName": "g", "retentionInDays": 3])
        let now = service.logs.time.now
        let day: Int64 = 86_400_000
        let old = try await Self.put(service, [["timestamp": now - 15 * day, "message": "old"], ["timestamp": now - 15 * day + day, "message": "e"]])
        let rejected = try #require(old.body["rejectedLogEventsInfo"] as? [String: Any])
        #expect(rejected["tooOldLogEventEndIndex"] as? Int == 1 && rejected["expiredLogEventEndIndex"] as? Int == 2)
        let new = try await Self.put(service, [["timestamp": now, "message": "kept"], ["timestamp": now + 7_200_001, "message": "new"]])
        #expect((new.body["rejectedLogEventsInfo"] as? [String: Any])?["tooNewLogEventStartIndex"] as? Int == 1)
        #expect(try await Self.stored(service) == ["kept"])
    }
}
