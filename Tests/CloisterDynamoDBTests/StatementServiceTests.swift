import Testing

@testable import CloisterDynamoDB

@Suite struct StatementServiceTests {
    private func execute(_ fixture: Fixture, _ statement: String, _ more: String = "") async throws -> JSON {
        try await fixture.call("ExecuteStatement", "{\"Statement\": \"\(statement)\"\(more)}")
    }

    @Test func statementsDoWhatTheySay() async throws {
        let fixture = try Fixture()
        defer { fixture.remove() }
        try await fixture.createTable()
        for number in 0..<6 {
            _ = try await execute(
                fixture, "INSERT INTO things VALUE {'pk': 'p\(number % 2)', 'sk': ?, 'v': \(number), 'l': [1, {'x': 'y'}], 'g': 'g'}",
                ", \"Parameters\": [{\"S\": \"s\(number)\"}]")
        }
        let twice = try await fixture.failure(
            "ExecuteStatement", #"{"Statement": "INSERT INTO things VALUE {'pk': 'p0', 'sk': 's0'}"}"#)
        #expect(twice == "DuplicateItemException: Duplicate primary key exists in table")
        let some = try await execute(fixture, "SELECT v, l[1].x FROM things WHERE pk = 'p0' AND v > 1 ORDER BY sk DESC")
        #expect(some["Items"]?.elements.map { $0["v"]?["N"] } == ["4", "2"])
        #expect(some["Items"]?.elements.first?["l"] == ["L": [["M": ["x": ["S": "y"]]]]])
        let ranged = try await execute(fixture, "SELECT * FROM things WHERE pk = 'p0' AND sk >= 's2' AND sk < 's4'")
        #expect(ranged["Items"]?.elements.count == 1)
        let indexed = try await execute(fixture, "SELECT * FROM \\\"things\\\".\\\"by-g\\\" WHERE g = 'g'")
        #expect(indexed["Items"]?.elements.count == 6)
        let updated = try await execute(
            fixture, "UPDATE things SET v = v + 10, n = 5 REMOVE l WHERE pk = 'p0' AND sk = 's0' AND v = 0 RETURNING MODIFIED NEW *")
        #expect(updated["Items"]?.elements.first?["v"] == ["N": "10"])
        let stale = try await fixture.failure(
            "ExecuteStatement", #"{"Statement": "UPDATE things SET v = 1 WHERE pk = 'p0' AND sk = 's0' AND v = 0"}"#)
        #expect(stale.hasPrefix("ConditionalCheckFailedException"))
        let absent = try await fixture.failure(
            "ExecuteStatement", #"{"Statement": "UPDATE things SET v = 1 WHERE pk = 'p0' AND sk = 'none'"}"#)
        #expect(absent.hasPrefix("ConditionalCheckFailedException"))
        let deleted = try await execute(fixture, "DELETE FROM things WHERE pk = 'p0' AND sk = 's0' RETURNING ALL OLD *")
        #expect(deleted["Items"]?.elements.first?["n"] == ["N": "5"])
        let partial = try await fixture.failure("ExecuteStatement", #"{"Statement": "DELETE FROM things WHERE pk = 'p0'"}"#)
        #expect(partial == "ValidationException: Where clause does not contain a mandatory equality on all key attributes")
    }

    @Test func pagesGoOnByToken() async throws {
        let fixture = try Fixture()
        defer { fixture.remove() }
        try await fixture.createTable()
        for number in 0..<10 {
            try await fixture.put("{\"pk\": {\"S\": \"p\(number % 3)\"}, \"sk\": {\"S\": \"s\(number)\"}}")
        }
        for (statement, count) in [("SELECT sk FROM things WHERE pk IN ['p0', 'p2']", 7), ("SELECT sk FROM things", 10)] {
            var found: [String] = []
            var token: String?
            repeat {
                let more = token.map { ", \"NextToken\": \"\($0)\"" } ?? ""
                let body = try await execute(fixture, statement, ", \"Limit\": 2" + more)
                found += body["Items"]?.elements.compactMap { $0["sk"]?["S"]?.string } ?? []
                token = body["NextToken"]?.string
                if let token {
                    let other = try await fixture.failure(
                        "ExecuteStatement",
                        "{\"Statement\": \"SELECT sk FROM things WHERE pk = 'p1'\", \"NextToken\": \"\(token)\"}")
                    #expect(other == "ValidationException: NextToken does not match request")
                }
            } while token != nil
            #expect(found.count == count && Set(found).count == count)
        }
    }

    @Test func transactionsAndBatches() async throws {
        let fixture = try Fixture()
        defer { fixture.remove() }
        try await fixture.createTable()
        let insert = #"{"Statement": "INSERT INTO things VALUE {'pk': 'a', 'sk': 'b'}"}"#
        let other = #"{"Statement": "INSERT INTO things VALUE {'pk': 'a', 'sk': 'c'}"}"#
        try await fixture.call("ExecuteTransaction", "{\"TransactStatements\": [\(insert)]}")
        let canceled = try await fixture.respond("ExecuteTransaction", "{\"TransactStatements\": [\(other), \(insert)]}")
        #expect(canceled.body["CancellationReasons"]?.elements.map { $0["Code"] } == ["None", "DuplicateItem"])
        #expect(try await fixture.get("a", "c") == nil)
        let batch = try await fixture.call("BatchExecuteStatement", "{\"Statements\": [\(other), \(insert)]}")
        #expect(batch["Responses"]?.elements.map { $0["Error"]?["Code"] } == [nil, "DuplicateItem"])
        let read = try await fixture.call(
            "ExecuteTransaction",
            #"{"TransactStatements": [{"Statement": "SELECT * FROM things WHERE pk = 'a' AND sk = 'c'"}]}"#)
        #expect(read["Responses"]?.elements.first?["Item"]?["sk"] == ["S": "c"])
        let exists = try await fixture.respond(
            "ExecuteTransaction",
            """
            {"TransactStatements": [{"Statement": "EXISTS(SELECT * FROM things WHERE pk = 'a' AND sk = 'none')"},
             {"Statement": "DELETE FROM things WHERE pk = 'a' AND sk = 'b'"}]}
            """)
        #expect(exists.body["CancellationReasons"]?.elements.first?["Code"] == "ConditionalCheckFailed")
        #expect(try await fixture.get("a", "b") != nil)
    }
}
