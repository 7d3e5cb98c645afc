import CloisterServiceKit
import Testing

@testable import CloisterDynamoDB

/// Mutated inputs, the same in every run: every parser answers with a value or with the documented error.
@Suite struct FuzzTests {
    private static let inputsMax = 4_000

    private static func mutate(_ seed: [UInt8], _ random: inout Seeded) -> [UInt8] {
        var bytes = seed
        for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
            let position = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<5, using: &random) {
            case 0: bytes[position] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes.remove(at: position)
            case 2: bytes.insert(#"{}[]":,()#.0-'?<>e\"#.utf8.randomElement(using: &random) ?? 0, at: position)
            case 3:
                let end = Int.random(in: position..<bytes.count, using: &random)
                bytes.insert(contentsOf: bytes[position...end].prefix(64), at: position)
            default: bytes.removeSubrange(position..<Int.random(in: position..<bytes.count, using: &random))
            }
        }
        return bytes
    }

    /// Runs `body` on mutations; it may only throw what a client may see as its own mistake.
    private static func run(_ seeds: [String], seed: UInt64, _ body: ([UInt8]) throws -> Void) {
        var random = Seeded(seed)
        for _ in 0..<inputsMax {
            let input = mutate(Array((seeds.randomElement(using: &random) ?? "").utf8), &random)
            do { try body(input) } catch {
                let failure = DynamoDBError.from(error)
                #expect(
                    ["ValidationException", "SerializationException"].contains(failure.code),
                    "\(failure.code) for \(String(decoding: input, as: UTF8.self))")
            }
        }
    }

    private static let conditions = [
        "a = :v AND (b.c[1] <> :w OR NOT attribute_exists(#n.d)) AND size(e) BETWEEN :v AND :w",
        "begins_with(a, :v) AND contains(b, :w) AND c IN (:v, :w, d) OR attribute_type(x, :t)",
    ]

    private static func variables() -> ExpressionVariables {
        ExpressionVariables(
            names: ["#n": "name"],
            values: [":v": .number(DynamoNumber(1)), ":w": .string("w"), ":t": .string("S"), ":s": .stringSet(["a"])])
    }

    private static let item: Item = [
        "a": .string("w"), "b": .map(["c": .list([.null, .number(DynamoNumber(4))])]), "e": .binary([1, 2]), "c": .bool(true),
    ]

    @Test func conditionExpressions() {
        FuzzTests.run(FuzzTests.conditions, seed: 1) { input in
            var variables = FuzzTests.variables()
            let text = String(decoding: input, as: UTF8.self)
            let condition = try ConditionParser.parse(text, parameter: "ConditionExpression", variables: &variables)
            _ = condition.isMet(by: FuzzTests.item)
            _ = try KeyCondition.parts(of: condition)
        }
    }

    @Test func updateExpressions() {
        let seeds = ["SET a = if_not_exists(b.c[0], :v) + :v, d[3] = list_append(e, :w) REMOVE f, g[1].h ADD i :v DELETE j :s"]
        FuzzTests.run(seeds, seed: 2) { input in
            var variables = FuzzTests.variables()
            _ = try UpdateParser.parse(String(decoding: input, as: UTF8.self), variables: &variables)
                .apply(to: FuzzTests.item)
        }
    }

    @Test func projectionExpressions() {
        FuzzTests.run(["a, b.c[1], #n, x.y.z[0][1]"], seed: 3) { input in
            var variables = FuzzTests.variables()
            _ = try Projection.parse(String(decoding: input, as: UTF8.self), variables: &variables)
                .apply(to: FuzzTests.item)
        }
    }

    @Test func statements() {
        let seeds = [
            "SELECT a, b.c[1] FROM \"t\".\"i\" WHERE a = 'x' AND b IN [1, ?] OR begins_with(c, 'y') ORDER BY d DESC",
            "INSERT INTO t VALUE {'a': 1.5e3, 'b': [true, null, {'c': <<'x', 'y'>>}]}",
            "UPDATE t SET a = a + 1, b = list_append(b, [2]) REMOVE c WHERE d = 'e' AND NOT f IS MISSING RETURNING ALL NEW *",
        ]
        FuzzTests.run(seeds, seed: 4) { input in
            _ = try PartiQLParser.parse(String(decoding: input, as: UTF8.self), parameters: [.string("p")])
        }
    }

    @Test func storedItems() throws {
        var random = Seeded(5)
        let stored = ItemCodec.encode(FuzzTests.item)
        #expect(ItemCodec.decode(stored) == FuzzTests.item)
        for _ in 0..<FuzzTests.inputsMax { _ = ItemCodec.decode(FuzzTests.mutate(stored, &random)) }
    }

    /// Whole requests against the service: an answer that is JSON, of a client's mistake if of any.
    @Test func requests() async throws {
        let fixture = try Fixture()
        defer { fixture.remove() }
        try await fixture.createTable()
        try await fixture.put(#"{"pk": {"S": "a"}, "sk": {"S": "b"}, "x": {"N": "1"}}"#)
        let calls = AccessTests.calls.filter { !["DeleteTable", "CreateTable", "UpdateTable", "UpdateTimeToLive"].contains($0.operation) }
        var random = Seeded(6)
        for _ in 0..<1_500 {
            let call = try #require(calls.randomElement(using: &random))
            let body = String(decoding: FuzzTests.mutate(Array(call.body.utf8), &random), as: UTF8.self)
            let (status, json, _) = try await fixture.respond(call.operation, body)
            #expect(status == 200 || status == 400, "\(call.operation) \(body): \(String(decoding: json.bytes, as: UTF8.self))")
        }
    }

    @Test func hostileBodies() async throws {
        let fixture = try Fixture()
        defer { fixture.remove() }
        try await fixture.createTable()
        let start = #"{"TableName": "things", "Item": {"pk": {"S": "a"}, "sk": {"S": "b"}, "x": "#
        for (value, code) in [
            (String(repeating: "[", count: 100_000), "SerializationException"), ("{\"N\": 1}", "SerializationException"),
            ("{\"N\": \"1E999999999999999999\"}", "ValidationException"), ("{\"B\": \"AA\"}", "SerializationException"),
            ("{\"B\": \"A===\"}", "SerializationException"), ("{\"S\": \"\\ud800\"}", "SerializationException"),
            ("{\"N\": \"" + String(repeating: "9", count: 1_000_000) + "\"}", "ValidationException"),
            ("{\"S\": \"a\", \"N\": \"1\"}", "ValidationException"), ("{\"X\": \"a\"}", "ValidationException"),
            ("{\"S\": \"" + String(repeating: "x", count: 15 << 20) + "\"}", "ValidationException"),
            ("{\"S\": \"" + String(repeating: "x", count: 16 << 20) + "\"}", "SerializationException"),
        ] {
            let failure = try await fixture.failure("PutItem", start + value + "}}")
            #expect(failure.hasPrefix(code), "\(value.prefix(40)): \(failure.prefix(200))")
        }
        let invalid = Array((start + "{\"S\": \"").utf8) + [0xFF, 0xFE] + Array("\"}}}".utf8)
        #expect(JSONReader.read(invalid) == nil)
    }
}
