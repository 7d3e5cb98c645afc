import Testing

@testable import CloisterDynamoDB

@Suite struct ExpressionTests {
    private static func variables() throws -> ExpressionVariables {
        ExpressionVariables(
            names: ["#a": "a", "#n": "name", "#dot": "x.y"],
            values: [
                ":one": .number(DynamoNumber(1)), ":two": .number(DynamoNumber(2)), ":s": .string("abc"),
                ":p": .string("ab"), ":l": .list([.string("x")]), ":t": .string("S"), ":set": .stringSet(["p", "q"]),
                ":m": .map(["k": .null]), ":bad": .string("Q"),
            ])
    }

    private static let item: Item = [
        "a": .number(DynamoNumber(1)), "b": .number(DynamoNumber(2)), "s": .string("abcdef"),
        "l": .list([.string("x"), .map(["k": .string("v")])]), "m": .map(["k": .map(["deep": .bool(true)])]),
        "colours": .stringSet(["p", "abc"]), "x.y": .string("dotted"), "nothing": .null,
    ]

    @Test(arguments: [
        ("a = :one", true), ("#a = :one AND b = :two", true), ("a = :two OR b = :two", true), ("NOT a = :one", false),
        ("a < b", true), ("b BETWEEN a AND :two", true), ("a IN (:two, :one)", true), ("a <> :s", true),
        ("absent <> :s", true), ("absent = :s", false), ("absent < :one", false), ("begins_with(s, :s)", true),
        ("begins_with(a, :s)", false), ("contains(s, :s)", true), ("contains(colours, :s)", true), ("contains(l, :p)", false),
        ("size(s) > :two", true), ("size(l) = :two", true), ("size(a) = :one", false), ("attribute_exists(m.k.deep)", true),
        ("attribute_not_exists(m.k.more)", true), ("attribute_exists(l[1].k)", true), ("attribute_exists(l[2])", false),
        ("attribute_type(s, :t)", true), ("attribute_type(a, :t)", false), ("#dot = :s", false),
        ("attribute_exists(#dot)", true), ("a = :two AND a = :one OR b = :two", true),
        ("a = :two AND (a = :one OR b = :two)", false), ("NOT (a = :two) and not b = :one", true),
        ("a=:one AND(b=:two)", true), ("nothing = :s OR attribute_exists(nothing)", true),
    ])
    func conditions(_ text: String, _ expected: Bool) throws {
        var variables = try ExpressionTests.variables()
        let condition = try ConditionParser.parse(text, parameter: "ConditionExpression", variables: &variables)
        #expect(condition.isMet(by: ExpressionTests.item) == expected)
    }

    @Test(arguments: [
        ("", "The expression can not be empty;"),
        ("a", "Syntax error; token: \"<EOF>\", near: \"a\""),
        ("a = ", "Syntax error; token: \"<EOF>\", near: \"= \""),
        ("a == :one", "Syntax error; token: \"=\", near: \"== :one\""),
        ("name = :one", "Attribute name is a reserved keyword; reserved keyword: name"),
        ("#q = :one", "An expression attribute name used in the document path is not defined; attribute name: #q"),
        ("a = :q", "An expression attribute value used in expression is not defined; attribute value: :q"),
        ("foo(a)", "Invalid function name; function: foo"),
        ("a = size(:one)", "Incorrect operand type for operator or function; operator or function: size, operand type: N"),
        ("size(a)", "The function is not allowed to be used this way in an expression; function: size"),
        ("attribute_exists(a) = :one", "Syntax error; token: \"=\", near: \") = :one\""),
        ("a = attribute_exists(a)", "The function is not allowed to be used this way in an expression; function: attribute_exists"),
        ("contains(a)", "Incorrect number of operands for operator or function; operator or function: contains, number of operands: 1"),
        ("begins_with(a, :one)", "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N"),
        ("attribute_exists(:s)", "Operator or function requires a document path; operator or function: attribute_exists"),
        ("attribute_type(a, :bad)", "Invalid attribute type name found; type: Q, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}"),
        ("a < :m", "Incorrect operand type for operator or function; operator or function: <, operand type: M"),
        ("a BETWEEN :two AND :one", "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; "
            + "lower bound operand: AttributeValue: {N:2}, upper bound operand: AttributeValue: {N:1}"),
        ("a = a", "The first operand must be distinct from the remaining operands for this operator or function; operator: =, first operand: [a]"),
        ("((a = :one))", "The expression has redundant parentheses;"),
        ("a = :one AND", "Syntax error; token: \"<EOF>\", near: \"AND\""),
        ("a = 1", "Syntax error; token: \"1\", near: \"= 1\""),
    ])
    func wrongConditions(_ text: String, _ message: String) throws {
        var variables = try ExpressionTests.variables()
        #expect(throws: DynamoDBError.validation("Invalid ConditionExpression: " + message)) {
            try ConditionParser.parse(text, parameter: "ConditionExpression", variables: &variables)
        }
    }

    @Test func nestingAndSizeAreBounded() throws {
        for text in [
            String(repeating: "(", count: 2_000) + "a = :one" + String(repeating: ")", count: 2_000),
            String(repeating: "NOT ", count: 1_020) + "a = :one", String(repeating: "a", count: 5_000) + " = :one",
        ] {
            var variables = try ExpressionTests.variables()
            #expect(throws: DynamoDBError.self) {
                try ConditionParser.parse(text, parameter: "ConditionExpression", variables: &variables)
            }
        }
    }

    @Test(arguments: [
        ("SET a = a + :two", "a", AttributeValue.number(DynamoNumber(3))),
        ("SET a = b - a", "a", .number(DynamoNumber(1))),
        ("SET c = if_not_exists(c, :one) + :two", "c", .number(DynamoNumber(3))),
        ("SET l = list_append(l, :l)", "l", .list([.string("x"), .map(["k": .string("v")]), .string("x")])),
        ("SET l[0] = :s, l[9] = :p", "l", .list([.string("abc"), .map(["k": .string("v")]), .string("ab")])),
        ("SET m.k.deep = :one", "m", .map(["k": .map(["deep": .number(DynamoNumber(1))])])),
        ("REMOVE l[0]", "l", .list([.map(["k": .string("v")])])),
        ("REMOVE l[0], l[1]", "l", .list([])),
        ("REMOVE m.k.deep", "m", .map(["k": .map([:])])),
        ("ADD a :two", "a", .number(DynamoNumber(3))),
        ("ADD colours :set", "colours", .stringSet(["p", "abc", "q"])),
        ("DELETE colours :set", "colours", .stringSet(["abc"])),
        ("SET a = :one REMOVE s ADD b :one DELETE colours :set", "b", .number(DynamoNumber(3))),
        ("SET a = b, b = a", "b", .number(DynamoNumber(1))),
    ])
    func updates(_ text: String, _ attribute: String, _ expected: AttributeValue) throws {
        var variables = try ExpressionTests.variables()
        let update = try UpdateParser.parse(text, variables: &variables)
        #expect(try update.apply(to: ExpressionTests.item)[Text(attribute)] == expected)
    }

    @Test func deletingTheWholeSetRemovesTheAttribute() throws {
        var variables = try ExpressionTests.variables()
        let update = try UpdateParser.parse("DELETE colours :set", variables: &variables)
        let result = try update.apply(to: ["colours": .stringSet(["q"])])
        #expect(result.isEmpty)
    }

    @Test(arguments: [
        ("SET a.b = :one", "The document path provided in the update expression is invalid for update"),
        ("SET absent.b = :one", "The document path provided in the update expression is invalid for update"),
        ("SET a = absent", "The provided expression refers to an attribute that does not exist in the item"),
        ("SET a = s + :one", "An operand in the update expression has an incorrect data type"),
        ("ADD s :one", "An operand in the update expression has an incorrect data type"),
    ])
    func updatesThatDontFitTheItem(_ text: String, _ message: String) throws {
        var variables = try ExpressionTests.variables()
        let update = try UpdateParser.parse(text, variables: &variables)
        #expect(throws: DynamoDBError.validation(message)) { try update.apply(to: ExpressionTests.item) }
    }

    @Test(arguments: [
        ("SET a = :one, a.b = :two", "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a, b]"),
        ("SET a[0] = :one, a.b = :two", "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [a, [0]], path two: [a, b]"),
        ("SET a = :one SET b = :two", "The \"SET\" section can only be used once in an update expression;"),
        ("ADD a :s", "Incorrect operand type for operator or function; operator: ADD, operand type: STRING"),
        ("DELETE a :one", "Incorrect operand type for operator or function; operator: DELETE, operand type: NUMBER"),
        ("SET a = list_append(l, :s)", "Incorrect operand type for operator or function; operator or function: list_append, operand type: S"),
        ("SET a = :one + :s", "Incorrect operand type for operator or function; operator or function: +, operand type: S"),
        ("SET a = contains(a, :s)", "The function is not allowed in an update expression; function: contains"),
        ("FOO a", "Syntax error; token: \"FOO\", near: \"FOO a\""),
    ])
    func wrongUpdates(_ text: String, _ message: String) throws {
        var variables = try ExpressionTests.variables()
        #expect(throws: DynamoDBError.validation("Invalid UpdateExpression: " + message)) {
            try UpdateParser.parse(text, variables: &variables)
        }
    }

    @Test func projectionsKeepWhatHoldsThem() throws {
        var variables = try ExpressionTests.variables()
        let projection = try Projection.parse("m.k.deep, l[1], #dot, absent, a.b", variables: &variables)
        #expect(
            projection.apply(to: ExpressionTests.item) == [
                "m": .map(["k": .map(["deep": .bool(true)])]), "l": .list([.map(["k": .string("v")])]),
                "x.y": .string("dotted"),
            ])
    }
}
