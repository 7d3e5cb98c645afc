import Testing

@testable import CloisterDynamoDB

@Suite struct QueryServiceTests {
    private func filled() async throws -> Fixture {
        let fixture = try Fixture()
        try await fixture.createTable()
        for number in 0..<20 {
            try await fixture.put(
                """
                {"pk": {"S": "p\(number % 2)"}, "sk": {"S": "s\(10 + number)"}, "n": {"N": "\(100 - number)"},
                 "g": {"S": "g\(number % 4)"}, "unrelated": {"S": "o"}}
                """)
        }
        return fixture
    }

    private func sortKeys(_ body: JSON) -> [String] { body["Items"]?.elements.compactMap { $0["sk"]?["S"]?.string } ?? [] }

    @Test(arguments: [
        ("pk = :p", ["s10", "s12", "s14", "s16", "s18", "s20", "s22", "s24", "s26", "s28"]),
        ("pk = :p AND sk = :a", ["s14"]), ("pk = :p AND sk < :a", ["s10", "s12"]),
        ("pk = :p AND sk <= :a", ["s10", "s12", "s14"]), ("sk > :b AND pk = :p", ["s28"]),
        ("pk = :p AND sk >= :b", ["s26", "s28"]), ("pk = :p AND sk BETWEEN :a AND :b", ["s14", "s16", "s18", "s20", "s22", "s24", "s26"]),
        ("pk = :p AND begins_with(sk, :c)", ["s20", "s22", "s24", "s26", "s28"]), (":a > sk AND :p = pk", ["s10", "s12"]),
        ("(pk = :p) AND (sk = :a)", ["s14"]),
    ])
    func keyConditions(_ condition: String, _ expected: [String]) async throws {
        let fixture = try await filled()
        defer { fixture.remove() }
        let values = [(":p", "p0"), (":a", "s14"), (":b", "s26"), (":c", "s2")].filter { condition.contains($0.0) }
            .map { "\"\($0.0)\": {\"S\": \"\($0.1)\"}" }.joined(separator: ", ")
        let body = """
            {"TableName": "things", "KeyConditionExpression": "\(condition)", "ExpressionAttributeValues": {\(values)}
            """
        #expect(sortKeys(try await fixture.call("Query", body + "}")) == expected)
        let backward = try await fixture.call("Query", body + ", \"ScanIndexForward\": false}")
        #expect(sortKeys(backward) == expected.reversed())
    }

    /// Pages of every size give the same items, forward and backward, in the table and in both indexes.
    @Test(arguments: [
        ("", "pk = :v", "p1"), ("\"IndexName\": \"by-n\",", "pk = :v", "p1"), ("\"IndexName\": \"by-g\",", "g = :v", "g1"),
    ])
    func pagesJoinUp(_ index: String, _ condition: String, _ value: String) async throws {
        let fixture = try await filled()
        defer { fixture.remove() }
        for isForward in [true, false] {
            func page(_ limit: Int, _ start: JSON?) async throws -> JSON {
                let from = start.map { ", \"ExclusiveStartKey\": " + String(decoding: $0.bytes, as: UTF8.self) } ?? ""
                return try await fixture.call(
                    "Query",
                    """
                    {"TableName": "things", \(index) "KeyConditionExpression": "\(condition)", "Limit": \(limit),
                     "ScanIndexForward": \(isForward), "ExpressionAttributeValues": {":v": {"S": "\(value)"}}\(from)}
                    """)
            }
            let all = sortKeys(try await page(100, nil))
            #expect(all.count == (value == "g1" ? 5 : 10))
            for limit in [1, 3, 4] {
                var found: [String] = []
                var start: JSON?
                repeat {
                    let body = try await page(limit, start)
                    found += sortKeys(body)
                    start = body["LastEvaluatedKey"]
                } while start != nil
                #expect(found == all)
            }
        }
    }

    @Test func localIndexSortsByItsNumberAndGlobalOneHoldsKeysOnly() async throws {
        let fixture = try await filled()
        defer { fixture.remove() }
        let local = try await fixture.call(
            "Query",
            """
            {"TableName": "things", "IndexName": "by-n", "KeyConditionExpression": "pk = :p AND n < :n",
             "ExpressionAttributeValues": {":p": {"S": "p0"}, ":n": {"N": "86"}}}
            """)
        #expect(sortKeys(local) == ["s28", "s26"])
        let global = try await fixture.call(
            "Query",
            """
            {"TableName": "things", "IndexName": "by-g", "KeyConditionExpression": "g = :g",
             "ExpressionAttributeValues": {":g": {"S": "g3"}}}
            """)
        #expect(global["Items"]?.elements.allSatisfy { $0["unrelated"] == nil && $0["pk"] != nil } == true)
        #expect(global["Count"] == 5)
    }

    @Test(arguments: [
        ("pk > :v", #"{":v": {"S": "p"}}"#, "Query key condition not supported"),
        ("sk = :v", #"{":v": {"S": "p"}}"#, "Query condition missed key schema element: pk"),
        ("pk = :v AND unrelated = :v", #"{":v": {"S": "p"}}"#, "Query condition missed key schema element: sk"),
        ("pk = :v", #"{":v": {"N": "1"}}"#, "One or more parameter values were invalid: Condition parameter type does not match schema type"),
        ("pk = :v OR sk = :v", #"{":v": {"S": "p"}}"#, "Invalid operator used in KeyConditionExpression: OR"),
        ("pk = :v AND sk <> :v", #"{":v": {"S": "p"}}"#, "Invalid operator used in KeyConditionExpression: <>"),
        ("pk = :v", #"{":v": {"S": "p"}, ":w": {"S": "q"}}"#, "Value provided in ExpressionAttributeValues unused in expressions: keys: {:w}"),
    ])
    func wrongKeyConditions(_ condition: String, _ values: String, _ message: String) async throws {
        let fixture = try await filled()
        defer { fixture.remove() }
        let failure = try await fixture.failure(
            "Query",
            """
            {"TableName": "things", "KeyConditionExpression": "\(condition)", "ExpressionAttributeValues": \(values)}
            """)
        #expect(failure == "ValidationException: " + message)
    }

    @Test func filtersCountAfterTheLimit() async throws {
        let fixture = try await filled()
        defer { fixture.remove() }
        let body = try await fixture.call(
            "Query",
            """
            {"TableName": "things", "KeyConditionExpression": "pk = :p", "FilterExpression": "g = :g", "Limit": 5,
             "Select": "COUNT", "ExpressionAttributeValues": {":p": {"S": "p0"}, ":g": {"S": "g2"}}}
            """)
        #expect(body["ScannedCount"] == 5)
        #expect(body["Count"] == 2)
        #expect(body["Items"] == nil)
        let onKey = try await fixture.failure(
            "Query",
            """
            {"TableName": "things", "KeyConditionExpression": "pk = :p", "FilterExpression": "sk = :p",
             "ExpressionAttributeValues": {":p": {"S": "p0"}}}
            """)
        #expect(onKey == "ValidationException: Filter Expression can only contain non-primary key attributes: "
            + "Primary key attribute: sk")
    }

    @Test func scansInSegmentsSeeEverythingOnce() async throws {
        let fixture = try await filled()
        defer { fixture.remove() }
        for index in ["", "\"IndexName\": \"by-g\","] {
            var found: [String] = []
            for segment in 0..<3 {
                var start: JSON?
                repeat {
                    let from = start.map { ", \"ExclusiveStartKey\": " + String(decoding: $0.bytes, as: UTF8.self) } ?? ""
                    let body = try await fixture.call(
                        "Scan",
                        "{\"TableName\": \"things\", \(index) \"Segment\": \(segment), \"TotalSegments\": 3, \"Limit\": 4\(from)}")
                    found += sortKeys(body)
                    start = body["LastEvaluatedKey"]
                } while start != nil
            }
            #expect(found.sorted() == (10..<30).map { "s\($0)" })
        }
    }

    @Test func pagesEndAtOneMegabyte() async throws {
        let fixture = try Fixture()
        defer { fixture.remove() }
        try await fixture.createTable()
        let large = String(repeating: "x", count: 300_000)
        for number in 0..<5 {
            try await fixture.put("{\"pk\": {\"S\": \"p\"}, \"sk\": {\"S\": \"\(number)\"}, \"x\": {\"S\": \"\(large)\"}}")
        }
        var counts: [String] = []
        var start: JSON?
        repeat {
            let from = start.map { ", \"ExclusiveStartKey\": " + String(decoding: $0.bytes, as: UTF8.self) } ?? ""
            let body = try await fixture.call("Scan", "{\"TableName\": \"things\"\(from)}")
            counts.append(try #require(body["Count"]?.number))
            start = body["LastEvaluatedKey"]
        } while start != nil
        #expect(counts == ["3", "2"])
    }

    @Test func forgedStartKeysAreRefused() async throws {
        let fixture = try await filled()
        defer { fixture.remove() }
        for (key, message) in [
            (#"{"pk": {"S": "p1"}, "sk": {"S": "s10"}}"#, "The provided starting key is outside query boundaries based on provided conditions"),
            (#"{"pk": {"S": "p0"}}"#, "Exclusive Start Key must have same size as table's key schema"),
            (#"{"pk": {"S": "p0"}, "sk": {"N": "1"}}"#, "The provided starting key is invalid: The provided key element does not match the schema"),
        ] {
            let failure = try await fixture.failure(
                "Query",
                """
                {"TableName": "things", "KeyConditionExpression": "pk = :p", "ExclusiveStartKey": \(key),
                 "ExpressionAttributeValues": {":p": {"S": "p0"}}}
                """)
            #expect(failure == "ValidationException: " + message)
        }
    }
}
