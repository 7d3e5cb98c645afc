import CloisterServiceKit
import Foundation
import Testing

@testable import CloisterDynamoDB

@Suite struct TableServiceTests {
    @Test func tablesAreMadeDescribedListedAndDeleted() async throws {
        let fixture = try Fixture()
        defer { fixture.remove() }
        let created = try await fixture.call(
            "CreateTable", "{\"TableName\": \"things\", \"BillingMode\": \"PAY_PER_REQUEST\", \(Fixture.keys)}")
        #expect(created["TableDescription"]?["TableStatus"] == "CREATING")
        try await fixture.put(#"{"pk": {"S": "a"}, "sk": {"S": "b"}, "g": {"S": "g"}}"#)
        let table = try #require(try await fixture.call("DescribeTable", #"{"TableName": "things"}"#)["Table"])
        #expect(table["TableStatus"] == "ACTIVE")
        #expect(table["ItemCount"] == 1)
        #expect(table["TableSizeBytes"] == 8)
        #expect(table["TableArn"] == "arn:aws:dynamodb:eu-central-1:000000000000:table/things")
        #expect(table["GlobalSecondaryIndexes"]?.elements.first?["ItemCount"] == 1)
        #expect(table["LocalSecondaryIndexes"]?.elements.first?["ItemCount"] == 0)
        let again = try await fixture.failure(
            "CreateTable", "{\"TableName\": \"things\", \"BillingMode\": \"PAY_PER_REQUEST\", \(Fixture.keys)}")
        #expect(again == "ResourceInUseException: Table already exists: things")
        try await fixture.createTable("more")
        let page = try await fixture.call("ListTables", #"{"Limit": 1}"#)
        #expect(page["TableNames"] == ["more"])
        #expect(page["LastEvaluatedTableName"] == "more")
        let deleted = try await fixture.call("DeleteTable", #"{"TableName": "things"}"#)
        #expect(deleted["TableDescription"]?["TableStatus"] == "DELETING")
        let gone = try await fixture.failure("DescribeTable", #"{"TableName": "things"}"#)
        #expect(gone == "ResourceNotFoundException: Requested resource not found: Table: things not found")
        // A table of the same name starts empty.
        try await fixture.createTable()
        #expect(try await fixture.get("a", "b") == nil)
    }

    @Test(arguments: [
        (#"{"TableName": "ab"}"#, "2 validation errors detected"),
        (
            #"{"TableName": "things", "BillingMode": "PAY_PER_REQUEST", "AttributeDefinitions": [], "KeySchema": [{"AttributeName": "pk", "KeyType": "RANGE"}]}"#,
            "One or more parameter values were invalid: Invalid KeySchema: The first KeySchemaElement is not a HASH key type"
        ),
        (
            #"{"TableName": "things", "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}], "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}]}"#,
            "One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED"
        ),
        (
            #"{"TableName": "things", "BillingMode": "PAY_PER_REQUEST", "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "x", "AttributeType": "S"}], "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}]}"#,
            "One or more parameter values were invalid: Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions"
        ),
    ])
    func wrongTablesAreRefused(_ body: String, _ message: String) async throws {
        let fixture = try Fixture()
        defer { fixture.remove() }
        let failure = try await fixture.failure("CreateTable", body)
        #expect(failure.hasPrefix("ValidationException: " + message), "\(failure)")
    }

    @Test func anIndexMadeLaterIsFilledAndOneRemovedIsGone() async throws {
        let fixture = try Fixture()
        defer { fixture.remove() }
        try await fixture.createTable()
        for number in 0..<250 {
            let later = number % 2 == 0 ? "{\"S\": \"l\(number % 5)\"}" : "{\"N\": \"1\"}"
            try await fixture.put("{\"pk\": {\"S\": \"p\"}, \"sk\": {\"S\": \"\(number)\"}, \"later\": \(later)}")
        }
        let update = """
            {"TableName": "things", "AttributeDefinitions": [{"AttributeName": "later", "AttributeType": "S"}],
             "GlobalSecondaryIndexUpdates": [{"Create": {"IndexName": "by-later", "Projection": {"ProjectionType": "ALL"},
                "KeySchema": [{"AttributeName": "later", "KeyType": "HASH"}]}}]}
            """
        let updating = try await fixture.call("UpdateTable", update)
        #expect(updating["TableDescription"]?["TableStatus"] == "UPDATING")
        try await active(fixture, indexes: 2)
        let query = """
            {"TableName": "things", "IndexName": "by-later", "KeyConditionExpression": "later = :l",
             "ExpressionAttributeValues": {":l": {"S": "l0"}}}
            """
        #expect(try await fixture.call("Query", query)["Count"] == 25)
        try await fixture.call(
            "UpdateTable",
            #"{"TableName": "things", "GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "by-later"}}]}"#)
        let gone = try await fixture.failure("Query", query)
        #expect(gone == "ValidationException: The table does not have the specified index: by-later")
    }

    private func active(_ fixture: Fixture, indexes count: Int) async throws {
        for _ in 0..<1_000 {
            let table = try await fixture.call("DescribeTable", #"{"TableName": "things"}"#)["Table"]
            let indexes = table?["GlobalSecondaryIndexes"]?.elements ?? []
            if indexes.count == count, indexes.allSatisfy({ $0["IndexStatus"] == "ACTIVE" }) { return }
            try await Task.sleep(for: .milliseconds(5))
        }
        Issue.record("the index didn't become active")
    }

    @Test func expiredItemsAreRemovedByTheSweep() async throws {
        let fixture = try Fixture()
        defer { fixture.remove() }
        try await fixture.createTable()
        let now = fixture.time.now / 1_000
        // One is there before the attribute is chosen.
        try await fixture.put("{\"pk\": {\"S\": \"p\"}, \"sk\": {\"S\": \"early\"}, \"until\": {\"N\": \"\(now + 10)\"}}")
        try await fixture.call(
            "UpdateTimeToLive",
            #"{"TableName": "things", "TimeToLiveSpecification": {"AttributeName": "until", "Enabled": true}}"#)
        await fixture.service.rebuild(1)
        for (name, value) in [("soon", "{\"N\": \"\(now + 5)\"}"), ("late", "{\"N\": \"\(now + 99)\"}"),
            ("text", "{\"S\": \"\(now)\"}"), ("ancient", "{\"N\": \"\(now - 200_000_000)\"}")]
        {
            try await fixture.put("{\"pk\": {\"S\": \"p\"}, \"sk\": {\"S\": \"\(name)\"}, \"until\": \(value), \"g\": {\"S\": \"g\"}}")
        }
        var status: JSON?
        for _ in 0..<1_000 where status != "ENABLED" {
            status = try await fixture.call("DescribeTimeToLive", #"{"TableName": "things"}"#)["TimeToLiveDescription"]?["TimeToLiveStatus"]
            try await Task.sleep(for: .milliseconds(2))
        }
        #expect(status == "ENABLED")
        #expect(try await fixture.service.removeExpired() == 0)
        fixture.time.advance(seconds: 20)
        // Removal needs no key.
        fixture.keys.disable("own")
        #expect(try await fixture.service.removeExpired() == 2)
        fixture.keys.enable("own")
        for (name, isThere) in [("early", false), ("soon", false), ("late", true), ("text", true), ("ancient", true)] {
            #expect(try await (fixture.get("p", name) != nil) == isThere, "\(name)")
        }
        let wrong = try await fixture.failure(
            "UpdateTimeToLive",
            #"{"TableName": "things", "TimeToLiveSpecification": {"AttributeName": "until", "Enabled": true}}"#)
        #expect(wrong == "ValidationException: TimeToLive is already enabled")
    }

    @Test func tagsAreKept() async throws {
        let fixture = try Fixture()
        defer { fixture.remove() }
        try await fixture.createTable()
        let arn = "\"ResourceArn\": \"arn:aws:dynamodb:eu-central-1:000000000000:table/things\""
        try await fixture.call("TagResource", "{\(arn), \"Tags\": [{\"Key\": \"a\", \"Value\": \"1\"}, {\"Key\": \"b\", \"Value\": \"2\"}]}")
        try await fixture.call("TagResource", "{\(arn), \"Tags\": [{\"Key\": \"a\", \"Value\": \"3\"}]}")
        try await fixture.call("UntagResource", "{\(arn), \"TagKeys\": [\"b\"]}")
        let tags = try await fixture.call("ListTagsOfResource", "{\(arn)}")["Tags"]
        #expect(tags == [["Key": "a", "Value": "3"]])
    }

    @Test func operationsThatArentBuiltSaySo() async throws {
        let fixture = try Fixture()
        defer { fixture.remove() }
        for (name, operation) in DynamoDBCoverage.operations where !operation.isBuilt {
            let (status, body, _) = try await fixture.respond(name, "{}")
            #expect(status == 501)
            #expect(body["message"]?.string?.hasPrefix(name) == true)
        }
        let unknown = try await fixture.respond("NoSuchOperation", "{}")
        #expect(unknown.body["__type"] == "com.amazon.coral.service#UnknownOperationException")
    }
}
