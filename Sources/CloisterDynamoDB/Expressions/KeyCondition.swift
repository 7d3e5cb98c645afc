/// What a query asks of the keys: one partition, and possibly a range of sort keys.
struct KeyCondition: Sendable, Equatable {
    enum Sort: Sendable, Equatable {
        case compare(Comparator, AttributeValue)
        case between(AttributeValue, AttributeValue)
        case beginsWith(AttributeValue)
    }

    var partition: AttributeValue
    var sort: Sort?

    /// One condition on one attribute, before it is known which are keys.
    struct Part: Sendable, Equatable {
        var name: Text
        var sort: Sort

        var values: [AttributeValue] {
            switch sort {
            case .compare(_, let value), .beginsWith(let value): [value]
            case .between(let low, let high): [low, high]
            }
        }
    }

    /// The parts of a KeyConditionExpression. Throws for what only a filter may do.
    static func parts(of condition: Condition) throws -> [Part] {
        var parts: [Part] = []
        try collect(condition, into: &parts)
        guard Set(parts.map(\.name)).count == parts.count else {
            throw DynamoDBError.validation(
                "Invalid KeyConditionExpression: KeyConditionExpressions must only contain one condition per key")
        }
        guard parts.count <= 2 else { throw DynamoDBError.validation("Conditions can be of length 1 or 2 only") }
        return parts
    }

    private static func collect(_ condition: Condition, into parts: inout [Part]) throws {
        switch condition {
        case .all(let conditions): for condition in conditions { try collect(condition, into: &parts) }
        case .any: throw invalidOperator("OR")
        case .not: throw invalidOperator("NOT")
        case .among: throw invalidOperator("IN")
        case .exists: throw invalidOperator("attribute_exists")
        case .notExists: throw invalidOperator("attribute_not_exists")
        case .type: throw invalidOperator("attribute_type")
        case .contains: throw invalidOperator("contains")
        case .compare(.notEqual, _, _): throw invalidOperator("<>")
        case .compare(let comparator, let first, let second): parts.append(try part(comparator, first, second))
        case .between(let operand, let low, let high):
            let bounds = (try value(low), try value(high))
            parts.append(Part(name: try name(operand), sort: .between(bounds.0, bounds.1)))
        case .beginsWith(let operand, let prefix):
            parts.append(Part(name: try name(operand), sort: .beginsWith(try value(prefix))))
        }
    }

    private static func part(_ comparator: Comparator, _ first: Operand, _ second: Operand) throws -> Part {
        if case .value(let value) = first, case .path = second {
            let turned: [Comparator: Comparator] = [
                .less: .greater, .greater: .less, .lessOrEqual: .greaterOrEqual, .greaterOrEqual: .lessOrEqual,
            ]
            return Part(name: try name(second), sort: .compare(turned[comparator] ?? comparator, value))
        }
        return Part(name: try name(first), sort: .compare(comparator, try value(second)))
    }

    private static func name(_ operand: Operand) throws -> Text {
        switch operand {
        case .path(let path) where path.isTopLevel: return path.attribute
        case .path:
            throw DynamoDBError.validation(
                "Invalid KeyConditionExpression: KeyConditionExpressions cannot have conditions on nested attributes")
        case .size: throw invalidOperator("size")
        case .value:
            throw DynamoDBError.validation(
                "Invalid KeyConditionExpression: No key attribute found in a condition")
        }
    }

    private static func value(_ operand: Operand) throws -> AttributeValue {
        switch operand {
        case .value(let value): return value
        case .size: throw invalidOperator("size")
        case .path:
            throw DynamoDBError.validation(
                "Invalid KeyConditionExpression: Invalid condition in KeyConditionExpression: "
                    + "Multiple attribute names used in one condition")
        }
    }

    private static func invalidOperator(_ name: String) -> DynamoDBError {
        .validation("Invalid operator used in KeyConditionExpression: \(name)")
    }

    /// The query that `parts` make over a table's or an index's keys.
    init(_ parts: [Part], schema: KeySchema, types: [Text: AttributeType]) throws {
        for part in parts where schema.names.contains(part.name) {
            guard part.values.allSatisfy({ $0.type == types[part.name] }) else {
                throw DynamoDBError.invalidParameter("Condition parameter type does not match schema type")
            }
        }
        guard let partition = parts.first(where: { $0.name == schema.partition }) else {
            throw DynamoDBError.validation("Query condition missed key schema element: \(schema.partition)")
        }
        guard case .compare(.equal, let value) = partition.sort else {
            throw DynamoDBError.validation("Query key condition not supported")
        }
        self.partition = value
        guard let other = parts.first(where: { $0.name != schema.partition }) else { return }
        guard let sort = schema.sort else { throw DynamoDBError.validation("Query key condition not supported") }
        guard other.name == sort else {
            throw DynamoDBError.validation("Query condition missed key schema element: \(sort)")
        }
        if case .beginsWith(let prefix) = other.sort, prefix.type == .number {
            throw DynamoDBError.validation("Query key condition not supported")
        }
        self.sort = other.sort
    }
}
