import CloisterServiceKit
import Testing

@testable import CloisterDynamoDB

@Suite struct AccessTests {
    /// Each operation once, on a table with the item a, b.
    static let calls: [(operation: String, body: String)] = {
        let table = "\"TableName\": \"things\""
        let key = "\(table), \"Key\": {\"pk\": {\"S\": \"a\"}, \"sk\": {\"S\": \"b\"}}"
        let item = "\(table), \"Item\": {\"pk\": {\"S\": \"a\"}, \"sk\": {\"S\": \"b\"}, \"x\": {\"N\": \"2\"}}"
        let arn = "\"ResourceArn\": \"arn:aws:dynamodb:eu-central-1:000000000000:table/things\""
        let statement = "\"Statement\": \"SELECT * FROM things WHERE pk = 'a' AND sk = 'b'\""
        return [
            ("GetItem", "{\(key)}"), ("PutItem", "{\(item)}"), ("DeleteItem", "{\(key)}"),
            ("UpdateItem", "{\(key), \"UpdateExpression\": \"REMOVE x\"}"),
            ("Query", "{\(table), \"KeyConditionExpression\": \"pk = :p\", \"ExpressionAttributeValues\": {\":p\": {\"S\": \"a\"}}}"),
            ("Scan", "{\(table)}"),
            ("BatchGetItem", "{\"RequestItems\": {\"things\": {\"Keys\": [{\"pk\": {\"S\": \"a\"}, \"sk\": {\"S\": \"b\"}}]}}}"),
            ("BatchWriteItem", "{\"RequestItems\": {\"things\": [{\"DeleteRequest\": {\"Key\": {\"pk\": {\"S\": \"a\"}, \"sk\": {\"S\": \"b\"}}}}]}}"),
            ("TransactWriteItems", "{\"TransactItems\": [{\"Delete\": {\(key)}}]}"),
            ("TransactGetItems", "{\"TransactItems\": [{\"Get\": {\(key)}}]}"),
            ("ExecuteStatement", "{\(statement)}"), ("ExecuteTransaction", "{\"TransactStatements\": [{\(statement)}]}"),
            ("DescribeTable", "{\(table)}"), ("DeleteTable", "{\(table)}"),
            ("UpdateTable", "{\(table), \"DeletionProtectionEnabled\": true}"), ("ListTables", "{}"),
            ("CreateTable", "{\"TableName\": \"other\", \"BillingMode\": \"PAY_PER_REQUEST\", \(Fixture.keys)}"),
            ("DescribeTimeToLive", "{\(table)}"),
            ("UpdateTimeToLive", "{\(table), \"TimeToLiveSpecification\": {\"AttributeName\": \"t\", \"Enabled\": true}}"),
            ("TagResource", "{\(arn), \"Tags\": [{\"Key\": \"a\", \"Value\": \"1\"}]}"),
            ("UntagResource", "{\(arn), \"TagKeys\": [\"a\"]}"), ("ListTagsOfResource", "{\(arn)}"),
            ("DescribeLimits", "{}"), ("DescribeEndpoints", "{}"),
        ]
    }()

    @Test(arguments: calls.map(\.operation))
    func aDenialStopsTheOperation(_ operation: String) async throws {
        let fixture = try Fixture()
        defer { fixture.remove() }
        try await fixture.createTable()
        try await fixture.put(#"{"pk": {"S": "a"}, "sk": {"S": "b"}, "x": {"N": "1"}}"#)
        let before = fixture.keys.contexts.count
        fixture.authorizer.deny("*")
        let body = try #require(AccessTests.calls.first { $0.operation == operation }).body
        let failure = try await fixture.failure(operation, body)
        #expect(failure == "AccessDeniedException: denied by the test")
        #expect(fixture.keys.contexts.count == before, "no key is used for a call that is denied")
        let stored = try await fixture.service.storage.read { reader in
            let scope = TableScope(account: "000000000000", region: "eu-central-1")
            let table = try reader.table("things", in: scope)
            return (revision: table?.revision, counts: try reader.counts(ofTable: table?.id ?? 0), names: try reader.tableNames(in: scope, after: nil, limit: 9))
        }
        #expect(stored.revision == 1 && stored.names == ["things"])
        #expect(stored.counts[0] == StorageCounts(items: 1, bytes: 9))
    }

    @Test func everyBuiltOperationIsAmongThem() {
        let built = Set(DynamoDBCoverage.operations.filter(\.value.isBuilt).keys)
        // A batch of statements answers each statement on its own.
        #expect(built == Set(AccessTests.calls.map(\.operation)).union(["BatchExecuteStatement"]))
    }

    @Test func deniedStatementsOfABatchAreErrorsOfTheirOwn() async throws {
        let fixture = try Fixture()
        defer { fixture.remove() }
        try await fixture.createTable()
        try await fixture.put(#"{"pk": {"S": "a"}, "sk": {"S": "b"}}"#)
        fixture.authorizer.deny("dynamodb:PartiQLDelete")
        let body = try await fixture.call(
            "BatchExecuteStatement",
            #"{"Statements": [{"Statement": "DELETE FROM things WHERE pk = 'a' AND sk = 'b'"}]}"#)
        #expect(body["Responses"]?.elements.first?["Error"]?["Code"] == "AccessDenied")
        #expect(try await fixture.get("a", "b") != nil)
    }

    @Test(arguments: [
        ("GetItem", #"{"TableName": "things", "Key": {"pk": {"S": "T1"}, "sk": {"S": "b"}}, "ProjectionExpression": "x.y"}"#,
            "dynamodb:GetItem", ["T1"], ["pk", "sk", "x"]),
        ("PutItem", #"{"TableName": "things", "Item": {"pk": {"S": "T1"}, "sk": {"S": "b"}, "x": {"N": "1"}}, "ConditionExpression": "attribute_not_exists(y)"}"#,
            "dynamodb:PutItem", ["T1"], ["pk", "sk", "x", "y"]),
        ("UpdateItem", #"{"TableName": "things", "Key": {"pk": {"S": "T1"}, "sk": {"S": "b"}}, "UpdateExpression": "SET x = if_not_exists(y, z)"}"#,
            "dynamodb:UpdateItem", ["T1"], ["pk", "sk", "x", "y", "z"]),
        ("Query", #"{"TableName": "things", "KeyConditionExpression": "pk = :p", "FilterExpression": "x = :p", "ExpressionAttributeValues": {":p": {"S": "T1"}}}"#,
            "dynamodb:Query", ["T1"], ["pk", "x"]),
        ("Query", #"{"TableName": "things", "IndexName": "by-g", "KeyConditionExpression": "g = :p", "ExpressionAttributeValues": {":p": {"S": "T1"}}}"#,
            "dynamodb:Query", ["T1"], ["g"]),
        ("Query", #"{"TableName": "things", "KeyConditions": {"pk": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "T1"}]}}}"#,
            "dynamodb:Query", ["T1"], ["pk"]),
        ("BatchGetItem", #"{"RequestItems": {"things": {"Keys": [{"pk": {"S": "T1"}, "sk": {"S": "b"}}, {"pk": {"S": "T2"}, "sk": {"S": "b"}}]}}}"#,
            "dynamodb:BatchGetItem", ["T1", "T2"], ["pk", "sk"]),
        ("TransactWriteItems", #"{"TransactItems": [{"Put": {"TableName": "things", "Item": {"pk": {"S": "T1"}, "sk": {"S": "b"}}}}]}"#,
            "dynamodb:PutItem", ["T1"], ["pk", "sk"]),
        ("ExecuteStatement", #"{"Statement": "SELECT x FROM things WHERE pk IN ['T1', 'T2'] AND y = 1"}"#,
            "dynamodb:PartiQLSelect", ["T1", "T2"], ["pk", "x", "y"]),
        ("ExecuteStatement", #"{"Statement": "UPDATE things SET x = 1 WHERE pk = ? AND sk = 'b'", "Parameters": [{"S": "T1"}]}"#,
            "dynamodb:PartiQLUpdate", ["T1"], ["pk", "sk", "x"]),
        ("Scan", #"{"TableName": "things", "ProjectionExpression": "x"}"#, "dynamodb:Scan", nil, ["x"]),
        ("ExecuteStatement", #"{"Statement": "SELECT * FROM things WHERE pk = 'T1' OR sk = 'b'"}"#,
            "dynamodb:PartiQLSelect", nil, ["pk", "sk"]),
    ] as [(String, String, String, [String]?, [String])])
    func theAuthorizerSeesKeysAndAttributes(
        _ operation: String, _ body: String, _ action: String, _ keys: [String]?, _ attributes: [String]
    ) async throws {
        let fixture = try Fixture()
        defer { fixture.remove() }
        try await fixture.createTable("things", ", \"Tags\": [{\"Key\": \"owner\", \"Value\": \"me\"}]")
        _ = try await fixture.respond(operation, body)
        let request = try #require(fixture.authorizer.requests.last)
        #expect(request.action == action)
        let index = body.contains("by-g") ? "/index/by-g" : ""
        #expect(request.resource == "arn:aws:dynamodb:eu-central-1:000000000000:table/things" + index)
        #expect(request.conditions["dynamodb:LeadingKeys"] == keys)
        #expect(request.conditions["dynamodb:Attributes"] == attributes)
        #expect(request.conditions["cloister:PartitionKeyName"] == [index.isEmpty ? "pk" : "g"])
        #expect(request.conditions["aws:ResourceTag/owner"] == ["me"])
    }

    /// The authorizer sees what a write makes an index's key, also when an update computes it from the item.
    @Test func theAuthorizerSeesIndexKeys() async throws {
        let fixture = try Fixture()
        defer { fixture.remove() }
        try await fixture.createTable()
        func seen() -> [String]? { fixture.authorizer.requests.last?.conditions["cloister:IndexKeys"] }
        let key = "\"TableName\": \"things\", \"Key\": {\"pk\": {\"S\": \"a\"}, \"sk\": {\"S\": \"b\"}}"
        try await fixture.put(#"{"pk": {"S": "a"}, "sk": {"S": "b"}, "g": {"S": "put"}, "x": {"S": "from x"}}"#)
        #expect(seen() == ["put"])
        try await fixture.call(
            "UpdateItem",
            "{\(key), \"UpdateExpression\": \"SET g = :g\", \"ExpressionAttributeValues\": {\":g\": {\"S\": \"set\"}}}")
        #expect(seen() == ["set"])
        let computed = "{\(key), \"UpdateExpression\": \"SET g = x\"}"
        let asked = fixture.authorizer.requests.count
        try await fixture.call("UpdateItem", computed)
        #expect(fixture.authorizer.requests[asked + 1].conditions["cloister:IndexKeys"] == ["from x"])
        #expect(fixture.authorizer.requests[asked + 1].conditions["dynamodb:LeadingKeys"] == ["a"])
        #expect(try await fixture.get("a", "b")?["g"] == ["S": "from x"])
        // Nothing new for the index: nothing more to ask.
        let before = fixture.authorizer.requests.count
        try await fixture.call("UpdateItem", computed)
        #expect(fixture.authorizer.requests.count == before + 1)
    }
}
