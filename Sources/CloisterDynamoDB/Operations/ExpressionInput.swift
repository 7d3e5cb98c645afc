/// Which parameters of an operation hold expressions, and which are their legacy forms.
struct ExpressionParameters {
    var expressions: [Text]
    var legacy: [Text]
    /// In the text about values without an expression that could use them.
    var valueExpressions: String

    static let put = ExpressionParameters(
        expressions: ["ConditionExpression"], legacy: ["Expected", "ConditionalOperator"],
        valueExpressions: "ConditionExpression is null")
    static let update = ExpressionParameters(
        expressions: ["UpdateExpression", "ConditionExpression"],
        legacy: ["AttributeUpdates", "Expected", "ConditionalOperator"],
        valueExpressions: "UpdateExpression and ConditionExpression are null")
    static let get = ExpressionParameters(
        expressions: ["ProjectionExpression"], legacy: ["AttributesToGet"], valueExpressions: "")
    static let query = ExpressionParameters(
        expressions: ["ProjectionExpression", "FilterExpression", "KeyConditionExpression"],
        legacy: ["AttributesToGet", "QueryFilter", "ConditionalOperator", "KeyConditions"],
        valueExpressions: "FilterExpression and KeyConditionExpression are null")
    static let scan = ExpressionParameters(
        expressions: ["ProjectionExpression", "FilterExpression"],
        legacy: ["AttributesToGet", "ScanFilter", "ConditionalOperator"],
        valueExpressions: "FilterExpression is null")
}

/// Reads the parameters that go with expressions and checks that they fit together.
enum ExpressionInput {
    static func variables(_ input: Input, _ parameters: ExpressionParameters) throws -> ExpressionVariables {
        let expressions = parameters.expressions.filter(input.has)
        let legacy = parameters.legacy.filter(input.has)
        if !expressions.isEmpty, !legacy.isEmpty {
            throw DynamoDBError.validation(
                "Can not use both expression and non-expression parameters in the same request: "
                    + "Non-expression parameters: {\(list(legacy))} Expression parameters: {\(list(expressions))}")
        }
        if expressions.isEmpty, input.has("ExpressionAttributeNames") {
            throw DynamoDBError.validation("ExpressionAttributeNames can only be specified when using expressions")
        }
        if input.has("ExpressionAttributeValues"), !expressions.contains(where: { $0 != "ProjectionExpression" }) {
            throw DynamoDBError.validation(
                "ExpressionAttributeValues can only be specified when using expressions: "
                    + parameters.valueExpressions)
        }
        return try variables(input)
    }

    static func variables(_ input: Input) throws -> ExpressionVariables {
        ExpressionVariables(names: try names(input), values: try values(input))
    }

    /// The condition of a write, in either form. Nil for none.
    static func condition(_ input: Input, _ variables: inout ExpressionVariables) throws -> Condition? {
        if let text = try input.string("ConditionExpression") {
            return try ConditionParser.parse(text, parameter: "ConditionExpression", variables: &variables)
        }
        let members = try input.map("Expected")
        let isAny = try conditionalOperator(input, conditions: members?.count) == "OR"
        return try members.flatMap { try LegacyConditions.expected($0, anyOf: isAny) }
    }

    /// A query's or scan's filter, in either form. Nil for none.
    static func filter(
        _ input: Input, legacy: Text, _ variables: inout ExpressionVariables
    ) throws -> Condition? {
        if let text = try input.string("FilterExpression") {
            return try ConditionParser.parse(text, parameter: "FilterExpression", variables: &variables)
        }
        let members = try input.map(legacy)
        let isAny = try conditionalOperator(input, conditions: members?.count) == "OR"
        return try members.flatMap { try LegacyConditions.filter($0, anyOf: isAny) }
    }

    /// What to return of items, in either form. Nil for everything.
    static func projection(_ input: Input, _ variables: inout ExpressionVariables) throws -> Projection? {
        if let text = try input.string("ProjectionExpression") {
            return try Projection.parse(text, variables: &variables)
        }
        guard let names = try input.strings("AttributesToGet") else { return nil }
        guard Set(names).count == names.count else {
            let first = names.first { name in names.filter { $0 == name }.count > 1 } ?? ""
            throw DynamoDBError.invalidParameter("Duplicate value in attribute name: \(first)")
        }
        return Projection(names.map { DocumentPath($0) })
    }

    private static func conditionalOperator(_ input: Input, conditions: Int?) throws -> String? {
        guard let name = try input.string("ConditionalOperator") else { return nil }
        guard let conditions else {
            throw DynamoDBError.validation("ConditionalOperator cannot be used without Filter or Expected")
        }
        guard conditions > 1 else {
            throw DynamoDBError.validation(
                "ConditionalOperator can only be used when Filter or Expected has two or more elements")
        }
        return name
    }

    private static func names(_ input: Input) throws -> [Text: Text] {
        guard let members = try input.map("ExpressionAttributeNames") else { return [:] }
        guard !members.isEmpty else { throw DynamoDBError.validation("ExpressionAttributeNames must not be empty") }
        var names: [Text: Text] = [:]
        for member in members {
            try checkVariable(member.name, sign: "#", "ExpressionAttributeNames")
            let name = try WireType.text(member.value)
            guard name.byteCount <= DynamoDBLimits.attributeNameBytesMax else {
                throw DynamoDBError.validation(
                    "ExpressionAttributeNames contains invalid value: Attribute name is too large, "
                        + "must be less than 65536 bytes, key: \(member.name)")
            }
            names[member.name] = name
        }
        return names
    }

    private static func values(_ input: Input) throws -> [Text: AttributeValue] {
        guard let members = try input.map("ExpressionAttributeValues") else { return [:] }
        guard !members.isEmpty else { throw DynamoDBError.validation("ExpressionAttributeValues must not be empty") }
        var values: [Text: AttributeValue] = [:]
        for member in members {
            try checkVariable(member.name, sign: ":", "ExpressionAttributeValues")
            do {
                values[member.name] = try AttributeValueCoding.value(member.value)
            } catch {
                throw located(DynamoDBError.from(error), member.name)
            }
        }
        return values
    }

    private static func located(_ error: DynamoDBError, _ key: Text) -> DynamoDBError {
        guard error.code == "ValidationException" else { return error }
        return .validation("ExpressionAttributeValues contains invalid value: \(error.message) for key \(key)")
    }

    private static func checkVariable(_ name: Text, sign: Character, _ parameter: String) throws {
        guard name.string.first == sign, name.byteCount > 1, name.utf8.dropFirst().allSatisfy(Lexer.isWordByte) else {
            throw DynamoDBError.validation(
                "\(parameter) contains invalid key: Syntax error; key: \"\(name)\"")
        }
    }

    private static func list(_ names: [Text]) -> String { names.map(\.string).joined(separator: ", ") }
}
