/// Parses condition, filter and key condition expressions.
struct ConditionParser {
    private var reader: TokenReader

    /// Marks what `variables` the expression uses. Throws ValidationException in DynamoDB's words.
    static func parse(
        _ expression: String, parameter: String, variables: inout ExpressionVariables
    ) throws -> Condition {
        var parser = ConditionParser(
            reader: try TokenReader(expression, parameter: parameter, variables: variables))
        let condition = try parser.anyOf()
        try parser.reader.finish()
        variables = parser.reader.variables
        return condition
    }

    private mutating func anyOf() throws -> Condition {
        var conditions = [try allOf()]
        while reader.takeKeyword("OR") {
            reader.countOperator()
            conditions.append(try allOf())
        }
        return conditions.count == 1 ? conditions[0] : .any(conditions)
    }

    private mutating func allOf() throws -> Condition {
        var conditions = [try negation()]
        while reader.takeKeyword("AND") {
            reader.countOperator()
            conditions.append(try negation())
        }
        return conditions.count == 1 ? conditions[0] : .all(conditions)
    }

    private mutating func negation() throws -> Condition {
        var isNegated = false
        var hasNegation = false
        while reader.takeKeyword("NOT") {
            reader.countOperator()
            isNegated.toggle()
            hasNegation = true
        }
        let condition = try simple()
        // Two negations cancel, but stay visible to the checks of key conditions.
        return isNegated ? .not(condition) : hasNegation ? .not(.not(condition)) : condition
    }

    private mutating func simple() throws -> Condition {
        if reader.isSymbol("(") { return try parenthesized() }
        if case .name(let name) = reader.token, reader.next == .symbol("(") {
            if name != "size" { return try function(name) }
        }
        let first = try operand()
        if reader.takeKeyword("BETWEEN") { return try between(first) }
        if reader.takeKeyword("IN") { return try among(first) }
        guard case .symbol(let symbol) = reader.token, let comparator = Comparator(rawValue: symbol) else {
            guard case .size = first else { throw reader.syntaxError() }
            // A size alone is no condition; what follows it is read as what follows a condition.
            reader.note(ConditionParser.notAllowed("size"))
            return .all([])
        }
        reader.advance()
        reader.countOperator()
        let second = try operand()
        check(comparator, first, second)
        return .compare(comparator, first, second)
    }

    private mutating func parenthesized() throws -> Condition {
        try reader.enter()
        defer { reader.leave() }
        let start = reader.position
        try reader.expect("(")
        let condition = try anyOf()
        let end = reader.position
        try reader.expect(")")
        if reader.tokens[start + 1].token == .symbol("("), isClosed(by: end - 1, opening: start + 1) {
            reader.note("The expression has redundant parentheses;")
        }
        return condition
    }

    /// Whether the parenthesis at `opening` is closed by the token at `position`.
    private func isClosed(by position: Int, opening: Int) -> Bool {
        var depth = 0
        for index in opening...max(opening, position) {
            if reader.tokens[index].token == .symbol("(") { depth += 1 }
            if reader.tokens[index].token == .symbol(")") { depth -= 1 }
            if depth == 0 { return index == position }
        }
        return false
    }

    private mutating func operand() throws -> Operand {
        switch reader.token {
        case .valueVariable(let variable):
            reader.advance()
            return .value(reader.value(variable))
        case .name("size") where reader.next == .symbol("("):
            return try size()
        case .name(let name) where reader.next == .symbol("("):
            let known = ConditionParser.functions[name] != nil
            reader.note(known ? ConditionParser.notAllowed(name) : ConditionParser.unknown(name))
            _ = try arguments()
            return .value(.null)
        default: return .path(try reader.path())
        }
    }

    // MARK: BETWEEN and IN

    private mutating func between(_ first: Operand) throws -> Condition {
        reader.countOperator()
        let low = try operand()
        guard reader.takeKeyword("AND") else { throw reader.syntaxError() }
        let high = try operand()
        for bound in [first, low, high] { checkOrdered("BETWEEN", bound) }
        if case .value(let low) = low, case .value(let high) = high { checkBounds(low, high) }
        checkDistinct("BETWEEN", first, [low, high])
        return .between(first, low, high)
    }

    private mutating func checkBounds(_ low: AttributeValue, _ high: AttributeValue) {
        let shown =
            "lower bound operand: AttributeValue: \(low.messageText), "
            + "upper bound operand: AttributeValue: \(high.messageText)"
        if low.type != high.type {
            reader.note("The BETWEEN operator requires same data type for lower and upper bounds; \(shown)")
        } else if high.isLess(than: low) == true {
            reader.note(
                "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; \(shown)")
        }
    }

    private mutating func among(_ first: Operand) throws -> Condition {
        reader.countOperator()
        let values = try arguments()
        if values.isEmpty { throw reader.syntaxError() }
        if values.count > DynamoDBLimits.inOperandsMax {
            reader.note(
                "Incorrect number of operands for operator or function; operator or function: IN, "
                    + "number of operands: \(values.count)")
        }
        checkDistinct("IN", first, values)
        return .among(first, values)
    }

    // MARK: Functions

    private mutating func arguments() throws -> [Operand] {
        try reader.enter()
        defer { reader.leave() }
        if case .name = reader.token { reader.advance() }
        try reader.expect("(")
        var operands: [Operand] = []
        repeat { operands.append(try operand()) } while reader.take(",")
        try reader.expect(")")
        return operands
    }

    private mutating func size() throws -> Operand {
        reader.countOperator()
        let operands = try arguments()
        guard operands.count == 1, let operand = operands.first else {
            reader.note(ConditionParser.wrongCount("size", operands.count))
            return .value(.null)
        }
        if case .size = operand { reader.note(ConditionParser.notAllowed("size")) }
        if case .value(let value) = operand, value.size == nil { noteType("size", value) }
        return .size(operand)
    }

    private static let functions: [String: Int] = [
        "attribute_exists": 1, "attribute_not_exists": 1, "attribute_type": 2, "begins_with": 2, "contains": 2,
        "size": 1,
    ]

    private mutating func function(_ name: String) throws -> Condition {
        reader.countOperator()
        let operands = try arguments()
        guard let count = ConditionParser.functions[name] else {
            let isUpdates = ["if_not_exists", "list_append"].contains(name)
            reader.note(isUpdates ? ConditionParser.notAllowed(name) : ConditionParser.unknown(name))
            return .all([])
        }
        guard operands.count == count else {
            reader.note(ConditionParser.wrongCount(name, operands.count))
            return .all([])
        }
        return count == 1 ? existence(name, operands[0]) : function(name, operands[0], operands[1])
    }

    private mutating func existence(_ name: String, _ operand: Operand) -> Condition {
        guard case .path(let path) = operand else {
            reader.note("Operator or function requires a document path; operator or function: \(name)")
            return .all([])
        }
        return name == "attribute_exists" ? .exists(path) : .notExists(path)
    }

    private mutating func function(_ name: String, _ first: Operand, _ second: Operand) -> Condition {
        checkDistinct(name, first, [second])
        switch name {
        case "attribute_type": return attributeType(first, second)
        case "begins_with":
            for case .value(let value) in [first, second] where value.type != .string && value.type != .binary {
                noteType(name, value)
            }
            return .beginsWith(first, second)
        default: return .contains(first, second)
        }
    }

    private mutating func attributeType(_ first: Operand, _ second: Operand) -> Condition {
        guard case .path(let path) = first else {
            reader.note("Operator or function requires a document path; operator or function: attribute_type")
            return .all([])
        }
        guard case .value(let value) = second, case .string(let name) = value else {
            if case .value(let value) = second { noteType("attribute_type", value) } else {
                reader.note(
                    "Incorrect operand type for operator or function; operator or function: attribute_type, "
                        + "operand type: {NS,SS,L,BS,N,M,B,BOOL,NULL,S}")
            }
            return .all([])
        }
        guard let type = AttributeType(rawValue: name.string) else {
            reader.note(
                "Invalid attribute type name found; type: \(name), valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}")
            return .all([])
        }
        return .type(path, type)
    }

    // MARK: Checks of operands

    private mutating func check(_ comparator: Comparator, _ first: Operand, _ second: Operand) {
        if comparator != .equal && comparator != .notEqual {
            checkOrdered(comparator.rawValue, first)
            checkOrdered(comparator.rawValue, second)
        }
        checkDistinct(comparator.rawValue, first, [second])
    }

    private mutating func checkOrdered(_ name: String, _ operand: Operand) {
        if case .value(let value) = operand, !value.type.isOrdered { noteType(name, value) }
    }

    /// A condition on one path alone is always true or always false.
    private mutating func checkDistinct(_ name: String, _ first: Operand, _ others: [Operand]) {
        guard case .path(let path) = first, others.contains(first) else { return }
        reader.note(
            "The first operand must be distinct from the remaining operands for this operator or function; "
                + "operator: \(name), first operand: \(path)")
    }

    private mutating func noteType(_ name: String, _ value: AttributeValue) {
        reader.note(
            "Incorrect operand type for operator or function; operator or function: \(name), "
                + "operand type: \(value.type.rawValue)")
    }

    private static func notAllowed(_ name: String) -> String {
        "The function is not allowed to be used this way in an expression; function: \(name)"
    }

    private static func unknown(_ name: String) -> String { "Invalid function name; function: \(name)" }

    private static func wrongCount(_ name: String, _ count: Int) -> String {
        "Incorrect number of operands for operator or function; operator or function: \(name), "
            + "number of operands: \(count)"
    }
}
