import CloisterCore
import Testing

@testable import CloisterLogs

@Suite struct LogsServiceEventTests {
    private static let stream = ["logGroupName": "g", "logStreamName": "s"]

    private static func get(_ service: ServiceFixture, _ input: [String: Any] = [:]) async throws -> ServiceFixture.Answer {
        try await service.call("GetLogEvents", input.merging(stream) { first, _ in first })
    }

    private static func messages(_ answer: ServiceFixture.Answer) -> String {
        answer.texts("events", "message").joined(separator: " ")
    }

    @Test func getReadsFromEitherEnd() async throws {
        let service = try ServiceFixture()
        try await service.prepare(["1", "2", "3", "4", "5"])
        #expect(Self.messages(try await Self.get(service)) == "1 2 3 4 5")
        #expect(Self.messages(try await Self.get(service, ["limit": 2])) == "4 5")
        #expect(Self.messages(try await Self.get(service, ["limit": 2, "startFromHead": true])) == "1 2")
        let arn = "arn:aws:logs:eu-west-1:000000000000:log-group:g:*"
        let named = try await service.call("GetLogEvents", ["logGroupIdentifier": arn, "logStreamName": "s"])
        #expect(Self.messages(named) == "1 2 3 4 5")
        #expect(named.list("events").first?["ingestionTime"] as? Int == 1_700_000_000_000)
    }

    @Test func getsTokensWalkBothWaysAndRepeatAtTheEnds() async throws {
        let service = try ServiceFixture()
        try await service.prepare(["1", "2", "3", "4", "5"])
        var page = try await Self.get(service, ["limit": 2, "startFromHead": true])
        var seen = [Self.messages(page)]
        for _ in 0..<3 {
            page = try await Self.get(service, ["limit": 2, "nextToken": try #require(page.text("nextForwardToken"))])
            seen.append(Self.messages(page))
        }
        #expect(seen == ["1 2", "3 4", "5", ""])
        let end = try #require(page.text("nextForwardToken"))
        #expect(try await Self.get(service, ["nextToken": end]).text("nextForwardToken") == end)
        service.logs.store.append([service.logs.record("6")], region: "eu-west-1", group: "g", stream: "s")
        #expect(Self.messages(try await Self.get(service, ["nextToken": end])) == "6")

        let back = try #require(page.text("nextBackwardToken"))
        let last = try await Self.get(service, ["limit": 3, "nextToken": back])
        #expect(Self.messages(last) == "3 4 5")
        let first = try await Self.get(service, ["limit": 3, "nextToken": try #require(last.text("nextBackwardToken"))])
        #expect(Self.messages(first) == "1 2")
        let head = try #require(first.text("nextBackwardToken"))
        let beyond = try await Self.get(service, ["nextToken": head])
        #expect(Self.messages(beyond) == "" && beyond.text("nextBackwardToken") == head)
        let onward = try await Self.get(service, ["limit": 1, "nextToken": try #require(beyond.text("nextForwardToken"))])
        #expect(Self.messages(onward) == "1")
    }

    @Test func anEmptyStreamsTokenFindsWhatComesLater() async throws {
        let service = try ServiceFixture()
        try await service.prepare()
        let empty = try await Self.get(service)
        let token = try #require(empty.text("nextForwardToken"))
        #expect(try await Self.get(service, ["nextToken": token]).text("nextForwardToken") == token)
        service.logs.store.append([service.logs.record("late")], region: "eu-west-1", group: "g", stream: "s")
        #expect(Self.messages(try await Self.get(service, ["nextToken": token])) == "late")
    }

    @Test func getsEndIsExclusiveAndFiltersInclusive() async throws {
        let service = try ServiceFixture()
        try await service.prepare(["1", "2", "3"])
        let start = service.logs.time.now - 2_000
        let range: [String: Any] = ["startTime": start, "endTime": start + 1_000]
        #expect(Self.messages(try await Self.get(service, range)) == "1")
        let filtered = try await service.call("FilterLogEvents", range.merging(["logGroupName": "g"]) { $1 })
        #expect(Self.messages(filtered) == "1 2")
    }

    @Test func filterFindsPatternsAcrossStreamsInPages() async throws {
        let service = try ServiceFixture()
        for index in 0..<9 {
            let message = index % 2 == 0 ? #"{"level":"ERROR","n":\#(index)}"# : "fine \(index)"
            service.logs.store.append(
                [service.logs.record(message, tenant: "t\(index % 3)", at: Int64(index))], region: "eu-west-1", group: "g",
                stream: "s\(index % 3)")
        }
        func filter(_ input: [String: Any]) async throws -> ServiceFixture.Answer {
            try await service.call("FilterLogEvents", input.merging(["logGroupName": "g"]) { $1 })
        }
        let pattern: [String: Any] = ["filterPattern": #"{ $.level = "ERROR" && $.n > 1 }"#, "limit": 2]
        let first = try await filter(pattern)
        #expect(first.texts("events", "message") == [#"{"level":"ERROR","n":2}"#, #"{"level":"ERROR","n":4}"#])
        #expect(first.texts("events", "logStreamName") == ["s2", "s1"])
        #expect(first.texts("events", "tenantId") == ["t2", "t1"])
        #expect(first.texts("events", "eventId").allSatisfy { $0.utf8.count == 56 })
        let second = try await filter(pattern.merging(["nextToken": try #require(first.text("nextToken"))]) { $1 })
        #expect(second.texts("events", "message") == [#"{"level":"ERROR","n":6}"#, #"{"level":"ERROR","n":8}"#])
        #expect(second.text("nextToken") == nil)
        #expect(Self.messages(try await filter(["filterPattern": "fine", "logStreamNames": ["s1"]])) == "fine 1 fine 7")
        #expect(Self.messages(try await filter(["filterPattern": "fine", "logStreamNamePrefix": "s"])) == "fine 1 fine 3 fine 5 fine 7")
        #expect(Self.messages(try await filter(["tenantId": "t0", "filterPattern": "fine", "interleaved": true])) == "fine 3")
        let foreign = try await filter(["filterPattern": "x", "nextToken": try #require(first.text("nextToken"))])
        #expect(foreign.type == "InvalidParameterException")
    }

    static let refused: [(String, [String: any Sendable])] = [
        ("FilterLogEvents", ["logGroupName": "g", "filterPattern": "a-b"]),
        ("FilterLogEvents", ["logGroupName": "g", "filterPattern": "{ $.a = "]),
        ("FilterLogEvents", ["logGroupName": "g", "limit": 10_001]),
        ("FilterLogEvents", ["logGroupName": "g", "limit": 0]),
        ("FilterLogEvents", ["logGroupName": "g", "startTime": -1]),
        ("FilterLogEvents", ["logGroupName": "g", "logStreamNames": [String]()]),
        ("FilterLogEvents", ["logGroupName": "g", "logStreamNames": ["s"], "logStreamNamePrefix": "s"]),
        ("FilterLogEvents", ["logGroupName": "g", "tenantId": "a#b"]),
        ("FilterLogEvents", [:]),
        ("FilterLogEvents", ["logGroupName": "a b"]),
        ("FilterLogEvents", ["logGroupName": "g", "logGroupIdentifier": "g"]),
        ("GetLogEvents", ["logGroupName": "g"]),
        ("GetLogEvents", ["logGroupName": "g", "logStreamName": "a:b"]),
        ("GetLogEvents", ["logGroupName": "g", "logStreamName": "s", "nextToken": "f/1/s"]),
        ("GetLogEvents", ["logGroupName": "", "logStreamName": "s"]),
        ("CreateLogGroup", ["logGroupName": String(repeating: "a", count: 513)]),
        ("CreateLogStream", ["logGroupName": "g", "logStreamName": "a*"]),
        ("CreateLogStream", ["logGroupName": "g", "logStreamName": "a\0"]),
    ]

    @Test(arguments: refused.indices) func badParametersAreRefused(index: Int) async throws {
        let service = try ServiceFixture()
        try await service.prepare()
        let (operation, input) = Self.refused[index]
        let answer = try await service.call(operation, input)
        #expect(answer.status == 400 && answer.type == "InvalidParameterException", "\(operation) \(input)")
        #expect(answer.message?.isEmpty == false)
    }
}
