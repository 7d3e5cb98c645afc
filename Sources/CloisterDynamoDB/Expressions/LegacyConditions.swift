/// The parameters that were before expressions: Expected, AttributeUpdates, KeyConditions, QueryFilter, ScanFilter.
enum LegacyConditions {
    private static let operandCounts: [String: ClosedRange<Int>] = [
        "EQ": 1...1, "NE": 1...1, "LE": 1...1, "LT": 1...1, "GE": 1...1, "GT": 1...1, "NOT_NULL": 0...0,
        "NULL": 0...0, "CONTAINS": 1...1, "NOT_CONTAINS": 1...1, "BEGINS_WITH": 1...1, "IN": 1...100,
        "BETWEEN": 2...2,
    ]
    private static let comparators: [String: Comparator] = [
        "EQ": .equal, "NE": .notEqual, "LE": .lessOrEqual, "LT": .less, "GE": .greaterOrEqual, "GT": .greater,
    ]

    /// QueryFilter and ScanFilter. Nil without conditions.
    static func filter(_ members: [JSON.Member], anyOf: Bool) throws -> Condition? {
        let conditions = try members.map { member in
            let input = try Input(member.value, shape: "Condition")
            return try condition(member.name, try comparison(input), values(input), isFilter: true)
        }
        return combine(conditions, anyOf: anyOf)
    }

    /// Expected. Nil without conditions.
    static func expected(_ members: [JSON.Member], anyOf: Bool) throws -> Condition? {
        combine(try members.map(expectation), anyOf: anyOf)
    }

    static func keyParts(_ members: [JSON.Member]) throws -> [KeyCondition.Part] {
        guard (1...2).contains(members.count) else {
            throw DynamoDBError.validation("Conditions can be of length 1 or 2 only")
        }
        return try members.map { member in
            let input = try Input(member.value, shape: "Condition")
            let name = try comparison(input)
            let values = try values(input)
            try check(name, values)
            let path = DocumentPath(member.name)
            switch name {
            case "BETWEEN": return KeyCondition.Part(name: path.attribute, sort: .between(values[0], values[1]))
            case "BEGINS_WITH": return KeyCondition.Part(name: path.attribute, sort: .beginsWith(values[0]))
            case "NE": throw unsupported
            default:
                guard let comparator = comparators[name] else { throw unsupported }
                return KeyCondition.Part(name: path.attribute, sort: .compare(comparator, values[0]))
            }
        }
    }

    private static let unsupported = DynamoDBError.validation(
        "Attempted conditional constraint is not an indexable operation")

    private static func expectation(_ member: JSON.Member) throws -> Condition {
        let input = try Input(member.value, shape: "ExpectedAttributeValue")
        let path = DocumentPath(member.name)
        let value = try input["Value"].map { try AttributeValueCoding.value($0) }
        if input.has("ComparisonOperator") {
            guard !input.has("Exists") else {
                throw DynamoDBError.invalidParameter(
                    "Exists and ComparisonOperator cannot be used together for Attribute: \(member.name)")
            }
            guard value == nil || !input.has("AttributeValueList") else {
                throw DynamoDBError.invalidParameter(
                    "Value and AttributeValueList cannot be used together for Attribute: \(member.name)")
            }
            let list = try input.has("AttributeValueList") ? values(input) : value.map { [$0] } ?? []
            return try condition(member.name, try comparison(input), list, isFilter: false)
        }
        if input.has("AttributeValueList") {
            throw DynamoDBError.invalidParameter(
                "AttributeValueList can only be used with a ComparisonOperator for Attribute: \(member.name)")
        }
        switch (try input.bool("Exists"), value) {
        case (false, nil): return .notExists(path)
        case (false, _):
            throw DynamoDBError.invalidParameter(
                "Value cannot be used when Exists is false for Attribute: \(member.name)")
        case (_, let value?): return .compare(.equal, .path(path), .value(value))
        case (nil, nil):
            throw DynamoDBError.invalidParameter(
                "Value must be provided when Exists is null for Attribute: \(member.name)")
        case (_, nil):
            throw DynamoDBError.invalidParameter(
                "Value must be provided when Exists is true for Attribute: \(member.name)")
        }
    }

    private static func comparison(_ input: Input) throws -> String {
        var constraints = Constraints()
        let name = try input.string("ComparisonOperator")
        constraints.require(name != nil, "comparisonOperator")
        constraints.choice(
            name, "comparisonOperator",
            [
                "IN", "NULL", "BETWEEN", "LT", "NOT_CONTAINS", "EQ", "GT", "NOT_NULL", "NE", "LE", "BEGINS_WITH", "GE",
                "CONTAINS",
            ])
        try constraints.check()
        return name ?? ""
    }

    private static func values(_ input: Input) throws -> [AttributeValue] {
        try input.list("AttributeValueList")?.map { try AttributeValueCoding.value($0) } ?? []
    }

    private static func check(_ name: String, _ values: [AttributeValue]) throws {
        guard let counts = operandCounts[name], counts.contains(values.count) else {
            throw DynamoDBError.invalidParameter(
                "Invalid number of argument(s) for the \(name) ComparisonOperator")
        }
        let allowed: Set<AttributeType>? =
            switch name {
            case "LE", "LT", "GE", "GT", "BETWEEN", "IN": [.string, .number, .binary]
            case "BEGINS_WITH": [.string, .binary]
            case "CONTAINS", "NOT_CONTAINS": [.string, .number, .binary, .bool, .null]
            default: nil
            }
        if let allowed, values.contains(where: { !allowed.contains($0.type) }) {
            throw DynamoDBError.invalidParameter(
                "ComparisonOperator \(name) is not valid for \(values.first?.type.rawValue ?? "") AttributeValue type")
        }
        if ["BETWEEN", "IN"].contains(name), Set(values.map(\.type)).count > 1 {
            throw DynamoDBError.invalidParameter("AttributeValues inside AttributeValueList must be of same type")
        }
        if name == "BETWEEN", values[1].isLess(than: values[0]) == true {
            throw DynamoDBError.validation(
                "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound")
        }
    }

    private static func condition(
        _ attribute: Text, _ name: String, _ values: [AttributeValue], isFilter: Bool
    ) throws -> Condition {
        try check(name, values)
        let path = DocumentPath(attribute)
        let operands = values.map(Operand.value)
        switch name {
        case "NULL": return .notExists(path)
        case "NOT_NULL": return .exists(path)
        case "CONTAINS": return .contains(.path(path), operands[0])
        // What isn't there contains nothing, but doesn't count as not containing either.
        case "NOT_CONTAINS": return .all([.exists(path), .not(.contains(.path(path), operands[0]))])
        case "BEGINS_WITH": return .beginsWith(.path(path), operands[0])
        case "IN": return .among(.path(path), operands)
        case "BETWEEN": return .between(.path(path), operands[0], operands[1])
        default: return .compare(comparators[name] ?? .equal, .path(path), operands[0])
        }
    }

    private static func combine(_ conditions: [Condition], anyOf: Bool) -> Condition? {
        conditions.isEmpty ? nil : anyOf ? .any(conditions) : .all(conditions)
    }
}
