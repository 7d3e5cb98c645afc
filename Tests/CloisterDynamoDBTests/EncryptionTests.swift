import Foundation
import Testing

@testable import CloisterDynamoDB

@Suite struct EncryptionTests {
    @Test func valuesAreNotInTheFileAndKeysAre() async throws {
        let fixture = try Fixture()
        defer { fixture.remove() }
        try await fixture.createTable()
        try await fixture.put(#"{"pk": {"S": "visible-key"}, "sk": {"S": "b"}, "hidden-name": {"S": "hidden-value"}}"#)
        var bytes = Data()
        for suffix in ["", "-wal"] {
            bytes += try Data(contentsOf: URL(fileURLWithPath: fixture.directory + "/dynamodb.db" + suffix))
        }
        #expect(bytes.range(of: Data("visible-key".utf8)) != nil)
        #expect(bytes.range(of: Data("hidden-value".utf8)) == nil)
        #expect(bytes.range(of: Data("hidden-name".utf8)) == nil)
        #expect(fixture.keys.contexts.last == ["aws:dynamodb:tableName": "things", "aws:dynamodb:subscriberId": "000000000000"])
    }

    @Test func aDisabledKeyStopsItsTablesAtOnceAndNoOthers() async throws {
        let fixture = try Fixture()
        defer { fixture.remove() }
        let encryption = ", \"SSESpecification\": {\"Enabled\": true, \"SSEType\": \"KMS\", \"KMSMasterKeyId\": \"\(MemoryKeys.customerKey)\"}"
        try await fixture.createTable("secret", encryption)
        try await fixture.createTable()
        for table in ["secret", "things"] { try await fixture.put(#"{"pk": {"S": "a"}, "sk": {"S": "b"}}"#, in: table) }
        let description = try await fixture.call("DescribeTable", #"{"TableName": "secret"}"#)["Table"]
        #expect(description?["SSEDescription"]?["KMSMasterKeyArn"]?.string == MemoryKeys.customerKey)
        fixture.keys.disable("customer")
        let key = #"{"TableName": "secret", "Key": {"pk": {"S": "a"}, "sk": {"S": "b"}}}"#
        #expect(try await fixture.failure("GetItem", key).hasPrefix("KMSKeyDisabledException"))
        #expect(try await fixture.failure("DeleteItem", key).hasPrefix("KMSKeyDisabledException"))
        #expect(try await fixture.failure("Scan", #"{"TableName": "secret"}"#).hasPrefix("KMSKeyDisabledException"))
        #expect(try await fixture.get("a", "b") != nil)
        fixture.keys.enable("customer")
        #expect(try await fixture.get("a", "b", from: "secret") != nil)
        // Moved to the account's own key: the other no longer matters.
        try await fixture.call("UpdateTable", #"{"TableName": "secret", "SSESpecification": {"Enabled": false}}"#)
        fixture.keys.disable("customer")
        #expect(try await fixture.get("a", "b", from: "secret") != nil)
    }

    @Test func bodiesOpenOnlyWhereTheyWereSealed() throws {
        let key = TableKey([UInt8](repeating: 7, count: 32), table: "t")
        let place = ItemKey(partition: [1, 2], sort: [3])
        let body = try key.seal([9, 9, 9], at: place)
        #expect(try key.open(body, at: place) == [9, 9, 9])
        #expect(try key.seal([9, 9, 9], at: place) != body)
        for other in [ItemKey(partition: [1], sort: [2, 3]), ItemKey(partition: [1, 2], sort: [])] {
            #expect(throws: StorageError.self) { try key.open(body, at: other) }
        }
        let otherTable = TableKey([UInt8](repeating: 7, count: 32), table: "u")
        #expect(throws: StorageError.self) { try otherTable.open(body, at: place) }
        for index in body.indices {
            var changed = body
            changed[index] ^= 1
            #expect(throws: StorageError.self) { try key.open(changed, at: place) }
        }
        #expect(throws: StorageError.self) { try key.open(Array(body.prefix(20)), at: place) }
    }
}
