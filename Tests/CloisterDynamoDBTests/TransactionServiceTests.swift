import Testing

@testable import CloisterDynamoDB

@Suite struct TransactionServiceTests {
    private static func key(_ sk: String) -> String { "\"TableName\": \"things\", \"Key\": {\"pk\": {\"S\": \"p\"}, \"sk\": {\"S\": \"\(sk)\"}}" }

    private static func put(_ sk: String, _ more: String = "") -> String {
        "{\"Put\": {\"TableName\": \"things\", \"Item\": {\"pk\": {\"S\": \"p\"}, \"sk\": {\"S\": \"\(sk)\"}}\(more)}}"
    }

    @Test func allOrNothing() async throws {
        let fixture = try Fixture()
        defer { fixture.remove() }
        try await fixture.createTable()
        try await fixture.put(#"{"pk": {"S": "p"}, "sk": {"S": "there"}, "v": {"N": "1"}}"#)
        let exists = ", \"ConditionExpression\": \"attribute_exists(pk)\", \"ReturnValuesOnConditionCheckFailure\": \"ALL_OLD\""
        let notExists = ", \"ConditionExpression\": \"attribute_not_exists(pk)\", \"ReturnValuesOnConditionCheckFailure\": \"ALL_OLD\""
        let (status, body, _) = try await fixture.respond(
            "TransactWriteItems",
            "{\"TransactItems\": [\(Self.put("new")), \(Self.put("none", exists)), \(Self.put("there", notExists))]}")
        #expect(status == 400)
        #expect(body["__type"] == "com.amazonaws.dynamodb.v20120810#TransactionCanceledException")
        #expect(
            body["Message"]?.string == "Transaction cancelled, please refer cancellation reasons for specific reasons "
                + "[None, ConditionalCheckFailed, ConditionalCheckFailed]")
        let reasons = try #require(body["CancellationReasons"]).elements
        #expect(reasons.map { $0["Code"] } == ["None", "ConditionalCheckFailed", "ConditionalCheckFailed"])
        #expect(reasons[1]["Item"] == nil)
        #expect(reasons[2]["Item"]?["v"] == ["N": "1"])
        #expect(try await fixture.get("p", "new") == nil)

        try await fixture.call(
            "TransactWriteItems",
            """
            {"TransactItems": [\(Self.put("new")), {"Delete": {\(Self.key("there"))}},
                {"Update": {\(Self.key("up")), "UpdateExpression": "SET v = :v", "ExpressionAttributeValues": {":v": {"N": "7"}}}},
                {"ConditionCheck": {\(Self.key("none")), "ConditionExpression": "attribute_not_exists(pk)"}}]}
            """)
        let found = try await fixture.call(
            "TransactGetItems",
            """
            {"TransactItems": [{"Get": {\(Self.key("new"))}}, {"Get": {\(Self.key("there"))}},
                {"Get": {\(Self.key("up")), "ProjectionExpression": "v"}}]}
            """)["Responses"]
        #expect(found?.elements.map { $0["Item"] != nil } == [true, false, true])
        #expect(found?.elements[2] == ["Item": ["v": ["N": "7"]]])
    }

    @Test func aTokenIsGoodForOneRequest() async throws {
        let fixture = try Fixture()
        defer { fixture.remove() }
        try await fixture.createTable()
        func add(_ number: Int) -> String {
            """
            {"ClientRequestToken": "token", "TransactItems": [{"Update": {\(Self.key("c")), "UpdateExpression": "ADD v :v",
             "ExpressionAttributeValues": {":v": {"N": "\(number)"}}}}]}
            """
        }
        try await fixture.call("TransactWriteItems", add(1))
        try await fixture.call("TransactWriteItems", add(1))
        #expect(try await fixture.get("p", "c")?["v"] == ["N": "1"])
        let other = try await fixture.failure("TransactWriteItems", add(2))
        #expect(other.hasPrefix("IdempotentParameterMismatchException"))
        fixture.time.advance(seconds: 601)
        try await fixture.call("TransactWriteItems", add(2))
        #expect(try await fixture.get("p", "c")?["v"] == ["N": "3"])
    }

    @Test func oneItemOnceOnly() async throws {
        let fixture = try Fixture()
        defer { fixture.remove() }
        try await fixture.createTable()
        let twice = try await fixture.failure(
            "TransactWriteItems", "{\"TransactItems\": [\(Self.put("a")), {\"Delete\": {\(Self.key("a"))}}]}")
        #expect(twice == "ValidationException: Transaction request cannot include multiple operations on one item")
        let batch = try await fixture.failure(
            "BatchGetItem",
            #"{"RequestItems": {"things": {"Keys": [{"pk": {"S": "a"}, "sk": {"S": "b"}}, {"pk": {"S": "a"}, "sk": {"S": "b"}}]}}}"#)
        #expect(batch == "ValidationException: Provided list of item keys contains duplicates")
    }

    @Test func batchesWriteAndRead() async throws {
        let fixture = try Fixture()
        defer { fixture.remove() }
        try await fixture.createTable()
        try await fixture.createTable("more")
        func requests(_ range: Range<Int>) -> String {
            range.map { "{\"PutRequest\": {\"Item\": {\"pk\": {\"S\": \"p\"}, \"sk\": {\"S\": \"\($0)\"}}}}" }
                .joined(separator: ", ")
        }
        let written = try await fixture.call(
            "BatchWriteItem",
            "{\"RequestItems\": {\"things\": [\(requests(0..<10))], \"more\": [\(requests(5..<20))]}, \"ReturnConsumedCapacity\": \"TOTAL\"}")
        #expect(written["UnprocessedItems"] == [:])
        #expect(written["ConsumedCapacity"]?.elements.compactMap { $0["CapacityUnits"]?.number }.sorted() == ["10.0", "15.0"])
        let read = try await fixture.call(
            "BatchGetItem",
            """
            {"RequestItems": {"things": {"Keys": [{"pk": {"S": "p"}, "sk": {"S": "9"}}, {"pk": {"S": "p"}, "sk": {"S": "10"}}]},
                "more": {"Keys": [{"pk": {"S": "p"}, "sk": {"S": "10"}}], "ProjectionExpression": "sk"}}}
            """)["Responses"]
        #expect(read?["things"]?.elements.count == 1)
        #expect(read?["more"] == [["sk": ["S": "10"]]])
        let tooMany = try await fixture.failure(
            "BatchWriteItem", "{\"RequestItems\": {\"things\": [\(requests(0..<13))], \"more\": [\(requests(0..<13))]}}")
        #expect(tooMany == "ValidationException: Too many items requested for the BatchWriteItem call")
    }
}
