import Testing

@testable import CloisterLogs

@Suite struct LogsServiceStreamTests {
    @Test func streamsAreMadeDescribedAndDeleted() async throws {
        let service = try ServiceFixture()
        try await service.prepare(["one", "two"])
        let again = try await service.call("CreateLogStream", ["logGroupName": "g", "logStreamName": "s"])
        #expect(again.type == "ResourceAlreadyExistsException" && again.message == "The specified log stream already exists")
        let stream = try #require(try await service.call("DescribeLogStreams", ["logGroupName": "g"]).list("logStreams").first)
        #expect(stream["logStreamName"] as? String == "s")
        #expect(stream["arn"] as? String == "arn:aws:logs:eu-west-1:000000000000:log-group:g:log-stream:s")
        #expect(stream["firstEventTimestamp"] as? Int == 1_699_999_999_000)
        #expect(stream["lastEventTimestamp"] as? Int == 1_700_000_000_000)
        #expect(try await service.call("DeleteLogStream", ["logGroupName": "g", "logStreamName": "s"]).status == 200)
        let gone = try await service.call("GetLogEvents", ["logGroupName": "g", "logStreamName": "s"])
        #expect(gone.type == "ResourceNotFoundException" && gone.message == "The specified log stream does not exist.")
        #expect(try await service.call("DescribeLogGroups").list("logGroups").first?["storedBytes"] as? Int == 0)
    }

    private static func names(_ service: ServiceFixture, _ input: [String: Any], limit: Int) async throws -> [String] {
        var names: [String] = []
        var token: String?
        repeat {
            var input = input.merging(["logGroupName": "g", "limit": limit]) { $1 }
            input["nextToken"] = token
            let page = try await service.call("DescribeLogStreams", input)
            #expect(page.list("logStreams").count <= limit)
            names += page.texts("logStreams", "logStreamName")
            token = page.text("nextToken")
        } while token != nil && names.count < 100
        return names
    }

    @Test(arguments: [1, 2, 50]) func streamsAreSorted(limit: Int) async throws {
        let service = try ServiceFixture()
        _ = try await service.call("CreateLogGroup", ["logGroupName": "g"])
        for (name, timestamp) in [("b", 3), ("a", 1), ("c", 2), ("d", 2)] as [(String, Int64)] {
            service.logs.store.append(
                [service.logs.record("m", at: timestamp)], region: "eu-west-1", group: "g", stream: name)
        }
        _ = try await service.call("CreateLogStream", ["logGroupName": "g", "logStreamName": "empty"])
        func names(_ input: [String: Any]) async throws -> String {
            try await Self.names(service, input, limit: limit).joined(separator: " ")
        }
        #expect(try await names([:]) == "a b c d empty")
        #expect(try await names(["descending": true]) == "empty d c b a")
        #expect(try await names(["orderBy": "LastEventTime"]) == "empty a c d b")
        #expect(try await names(["orderBy": "LastEventTime", "descending": true]) == "b d c a empty")
        #expect(try await names(["logStreamNamePrefix": "e"]) == "empty")
    }

    @Test func badOrdersAreRefused() async throws {
        let service = try ServiceFixture()
        try await service.prepare()
        for input in [["orderBy": "Size"], ["orderBy": "LastEventTime", "logStreamNamePrefix": "a"]] {
            let answer = try await service.call("DescribeLogStreams", input.merging(["logGroupName": "g"]) { $1 })
            #expect(answer.type == "InvalidParameterException")
        }
    }
}
