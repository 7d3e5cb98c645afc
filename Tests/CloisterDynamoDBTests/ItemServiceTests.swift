import CloisterServiceKit
import Testing

@testable import CloisterDynamoDB

@Suite struct ItemServiceTests {
    @Test func itemsRoundTripInEveryType() async throws {
        let fixture = try Fixture()
        defer { fixture.remove() }
        try await fixture.createTable()
        let text = """
            {"pk": {"S": "a"}, "sk": {"S": "b"}, "s": {"S": "é\\u0000\\"\\\\"}, "n": {"N": "-1.5E3"}, "b": {"B": "AAEC"},
             "t": {"BOOL": true}, "z": {"NULL": true}, "l": {"L": [{"N": "1"}, {"M": {"x": {"S": ""}}}]},
             "ss": {"SS": ["x", "y"]}, "ns": {"NS": ["1", "2.50"]}, "bs": {"BS": ["AA==", ""]}}
            """
        try await fixture.put(text)
        let found = try #require(try await fixture.get("a", "b"))
        #expect(try AttributeValueCoding.item(found) == item(text))
        #expect(found["n"] == ["N": "-1500"])
        #expect(try await fixture.get("a", "c") == nil)
    }

    @Test func accountsAndRegionsAreApart() async throws {
        let fixture = try Fixture()
        defer { fixture.remove() }
        for account in ["000000000000", "111111111111"] {
            try await fixture.createTable(account: account)
            try await fixture.put(
                "{\"pk\": {\"S\": \"a\"}, \"sk\": {\"S\": \"b\"}, \"of\": {\"S\": \"\(account)\"}}", account: account)
        }
        for account in ["000000000000", "111111111111"] {
            #expect(try await fixture.get("a", "b", account: account)?["of"] == ["S": .text(account)])
        }
        let elsewhere = try await fixture.respond(
            "DescribeTable", #"{"TableName": "things"}"#, region: "us-east-1")
        #expect(elsewhere.status == 400)
        let foreign = try await fixture.failure(
            "DescribeTable", #"{"TableName": "arn:aws:dynamodb:eu-central-1:111111111111:table/things"}"#)
        #expect(foreign.hasPrefix("AccessDeniedException"))
    }

    @Test func canonicallyEquivalentKeysAreDifferentItems() async throws {
        let fixture = try Fixture()
        defer { fixture.remove() }
        try await fixture.createTable()
        // The Kelvin sign and the letter K; a letter with its accent, in one and in two characters.
        for (number, key) in ["K", "\u{212A}", "é", "e\u{301}"].enumerated() {
            try await fixture.put(
                "{\"pk\": {\"S\": \"\(key)\"}, \"sk\": {\"S\": \"1\"}, \"number\": {\"N\": \"\(number)\"}}")
        }
        for (number, key) in ["K", "\u{212A}", "é", "e\u{301}"].enumerated() {
            #expect(try await fixture.get(key, "1")?["number"] == ["N": .text("\(number)")])
        }
    }

    @Test(arguments: [
        (#"{"sk": {"S": "b"}}"#, "One or more parameter values were invalid: Missing the key pk in the item"),
        (
            #"{"pk": {"N": "1"}, "sk": {"S": "b"}}"#,
            "One or more parameter values were invalid: Type mismatch for key pk expected: S actual: N"
        ),
        (
            #"{"pk": {"S": ""}, "sk": {"S": "b"}}"#,
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty "
                + "string value. Key: pk"
        ),
        (
            #"{"pk": {"S": "a"}, "sk": {"S": "b"}, "n": {"S": "x"}}"#,
            "One or more parameter values were invalid: Type mismatch for Index Key n Expected: N Actual: S "
                + "IndexName: by-n"
        ),
        (
            #"{"pk": {"S": "a"}, "sk": {"S": "b"}, "x": {"SS": []}}"#,
            "One or more parameter values were invalid: An string set  may not be empty"
        ),
        (
            #"{"pk": {"S": "a"}, "sk": {"S": "b"}, "x": {"SS": ["a", "a"]}}"#,
            "One or more parameter values were invalid: Input collection [a, a] contains duplicates."
        ),
        (#"{"pk": {"S": "a"}, "sk": {"S": "b"}, "x": {"NS": ["1", "1.0"]}}"#, "Input collection contains duplicates"),
        (
            #"{"pk": {"S": "a"}, "sk": {"S": "b"}, "x": {}}"#,
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
        ),
        (
            #"{"pk": {"S": "a"}, "sk": {"S": "b"}, "x": {"N": "one"}}"#,
            "The parameter cannot be converted to a numeric value: one"
        ),
        (
            #"{"pk": {"S": "a"}, "sk": {"S": "b"}, "x": {"NULL": false}}"#,
            "One or more parameter values were invalid: Null attribute value types must have the value of true"
        ),
    ])
    func badItemsAreRefusedInAWSsWords(_ item: String, _ message: String) async throws {
        let fixture = try Fixture()
        defer { fixture.remove() }
        try await fixture.createTable()
        let failure = try await fixture.failure("PutItem", "{\"TableName\": \"things\", \"Item\": \(item)}")
        #expect(failure == "ValidationException: " + message)
    }

    @Test func sizeAndDepthAreLimited() async throws {
        let fixture = try Fixture()
        defer { fixture.remove() }
        try await fixture.createTable()
        // 409,600 bytes with names: pk + a, sk + b, x.
        let fits = String(repeating: "x", count: 409_600 - 3 - 3 - 1)
        let start = "{\"TableName\": \"things\", \"Item\": {\"pk\": {\"S\": \"a\"}, \"sk\": {\"S\": \"b\"}, \"x\": "
        try await fixture.call("PutItem", start + "{\"S\": \"\(fits)\"}}}")
        let tooLarge = try await fixture.failure("PutItem", start + "{\"S\": \"\(fits)x\"}}}")
        #expect(tooLarge == "ValidationException: Item size has exceeded the maximum allowed size")
        for (depth, isFine) in [(32, true), (33, false)] {
            let nested = String(repeating: "{\"L\": [", count: depth) + String(repeating: "]}", count: depth)
            let response = try await fixture.respond("PutItem", start + nested + "}}")
            #expect((response.status == 200) == isFine)
        }
        let deep = start + String(repeating: "{\"L\": [", count: 5_000) + String(repeating: "]}", count: 5_000) + "}}"
        #expect(try await fixture.failure("PutItem", deep).hasPrefix("SerializationException"))
    }

    @Test func returnValuesComeInEveryForm() async throws {
        let fixture = try Fixture()
        defer { fixture.remove() }
        try await fixture.createTable()
        try await fixture.put(#"{"pk": {"S": "a"}, "sk": {"S": "b"}, "x": {"N": "1"}, "m": {"M": {"p": {"S": "q"}, "r": {"S": "s"}}}}"#)
        func update(_ mode: String) async throws -> JSON? {
            try await fixture.call(
                "UpdateItem",
                """
                {"TableName": "things", "Key": {"pk": {"S": "a"}, "sk": {"S": "b"}}, "ReturnValues": "\(mode)",
                 "UpdateExpression": "SET x = x + :one, m.p = :v", "ExpressionAttributeValues":
                    {":one": {"N": "1"}, ":v": {"S": "new"}}}
                """)["Attributes"]
        }
        #expect(try await update("NONE") == nil)
        #expect(try await update("UPDATED_OLD")?["x"] == ["N": "2"])
        let new = try #require(try await update("UPDATED_NEW"))
        #expect(try AttributeValueCoding.item(new) == item(#"{"x": {"N": "4"}, "m": {"M": {"p": {"S": "new"}}}}"#))
        #expect(try await update("ALL_OLD")?["x"] == ["N": "4"])
        #expect(try await update("ALL_NEW")?["pk"] == ["S": "a"])
    }

    @Test func failedConditionsChangeNothingAndShowTheItemWhenAsked() async throws {
        let fixture = try Fixture()
        defer { fixture.remove() }
        try await fixture.createTable()
        try await fixture.put(#"{"pk": {"S": "a"}, "sk": {"S": "b"}, "x": {"N": "1"}}"#)
        let (status, body, response) = try await fixture.respond(
            "PutItem",
            """
            {"TableName": "things", "Item": {"pk": {"S": "a"}, "sk": {"S": "b"}},
             "ConditionExpression": "attribute_not_exists(pk)", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
            """)
        #expect(status == 400)
        #expect(body["__type"] == "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException")
        #expect(body["message"] == "The conditional request failed")
        #expect(body["Item"]?["x"] == ["N": "1"])
        #expect(response.headers.contains { $0.name == "x-amz-crc32" && $0.value == String(CRC32.checksum(response.body)) })
        #expect(try await fixture.get("a", "b")?["x"] == ["N": "1"])
    }

    @Test func concurrentCountersLoseNothing() async throws {
        let fixture = try Fixture()
        defer { fixture.remove() }
        try await fixture.createTable()
        let body = """
            {"TableName": "things", "Key": {"pk": {"S": "a"}, "sk": {"S": "b"}}, "UpdateExpression": "ADD c :one",
             "ExpressionAttributeValues": {":one": {"N": "1"}}}
            """
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<64 { group.addTask { try await fixture.call("UpdateItem", body) } }
            try await group.waitForAll()
        }
        #expect(try await fixture.get("a", "b")?["c"] == ["N": "64"])
    }
}
