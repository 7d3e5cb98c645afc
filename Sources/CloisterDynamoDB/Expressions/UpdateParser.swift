/// Parses update expressions.
struct UpdateParser {
    private var reader: TokenReader
    private var sets: [Update.Action] = []
    private var removes: [Update.Action] = []
    private var adds: [Update.Action] = []
    private var deletes: [Update.Action] = []
    private var sections: Set<String> = []

    /// Marks what `variables` the expression uses. Throws ValidationException in DynamoDB's words.
    static func parse(_ expression: String, variables: inout ExpressionVariables) throws -> Update {
        var parser = UpdateParser(
            reader: try TokenReader(expression, parameter: "UpdateExpression", variables: variables))
        repeat { try parser.section() } while !parser.reader.isAtEnd
        // Appended elements of one list come in the order of their indexes.
        let sets = parser.sets.enumerated().sorted { first, second in
            isBefore(first.element.path, second.element.path) ?? (first.offset < second.offset)
        }.map(\.element)
        let update = Update(actions: sets + parser.removes + parser.adds + parser.deletes)
        if let text = PathConflicts.find(update.paths) { parser.reader.note(text) }
        try parser.reader.finish()
        variables = parser.reader.variables
        return update
    }

    /// Nil unless both are elements of the same list.
    private static func isBefore(_ first: DocumentPath, _ second: DocumentPath) -> Bool? {
        guard case .index(let a) = first.rest.last, case .index(let b) = second.rest.last,
            first.attribute == second.attribute, first.rest.dropLast() == second.rest.dropLast(), a != b
        else { return nil }
        return a < b
    }

    private mutating func section() throws {
        guard case .name(let name) = reader.token, ["SET", "REMOVE", "ADD", "DELETE"].contains(name.uppercased()) else {
            throw reader.syntaxError()
        }
        let section = name.uppercased()
        reader.advance()
        if !sections.insert(section).inserted {
            reader.note("The \"\(section)\" section can only be used once in an update expression;")
        }
        repeat { try action(section) } while reader.take(",")
    }

    private mutating func action(_ section: String) throws {
        let path = try reader.path()
        switch section {
        case "SET":
            try reader.expect("=")
            sets.append(.set(path, try sum()))
        case "REMOVE": removes.append(.remove(path))
        case "ADD":
            let value = try setOperand(section)
            if !(value.type == .number || value.type.isSet) { noteType(section, value) }
            adds.append(.add(path, value))
        default:
            let value = try setOperand(section)
            if !value.type.isSet { noteType(section, value) }
            deletes.append(.delete(path, value))
        }
    }

    private mutating func setOperand(_ section: String) throws -> AttributeValue {
        guard case .valueVariable(let variable) = reader.token else { throw reader.syntaxError() }
        reader.advance()
        return reader.value(variable)
    }

    private mutating func noteType(_ section: String, _ value: AttributeValue) {
        reader.note(
            "Incorrect operand type for operator or function; operator: \(section), "
                + "operand type: \(value.type.longName)")
    }

    // MARK: Values of SET

    private mutating func sum() throws -> Update.SetValue {
        let first = try operand()
        guard reader.isSymbol("+") || reader.isSymbol("-") else { return first }
        let isSum = reader.isSymbol("+")
        reader.advance()
        reader.countOperator()
        let second = try operand()
        for case .value(let value) in [first, second] where value.type != .number {
            noteOperand(isSum ? "+" : "-", value)
        }
        return isSum ? .sum(first, second) : .difference(first, second)
    }

    private mutating func operand() throws -> Update.SetValue {
        switch reader.token {
        case .valueVariable(let variable):
            reader.advance()
            return .value(reader.value(variable))
        case .name(let name) where reader.next == .symbol("("): return try function(name)
        case .symbol("("):
            try reader.enter()
            defer { reader.leave() }
            reader.advance()
            let value = try sum()
            try reader.expect(")")
            return value
        default: return .path(try reader.path())
        }
    }

    private mutating func function(_ name: String) throws -> Update.SetValue {
        reader.countOperator()
        let operands = try arguments()
        switch name {
        case "if_not_exists":
            guard operands.count == 2 else { return wrongCount(name, operands.count) }
            guard case .path(let path) = operands[0] else {
                reader.note("Operator or function requires a document path; operator or function: if_not_exists")
                return .value(.null)
            }
            return .ifNotExists(path, operands[1])
        case "list_append":
            guard operands.count == 2 else { return wrongCount(name, operands.count) }
            for case .value(let value) in operands where value.type != .list { noteOperand(name, value) }
            return .listAppend(operands[0], operands[1])
        case "attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains", "size":
            reader.note("The function is not allowed in an update expression; function: \(name)")
        default: reader.note("Invalid function name; function: \(name)")
        }
        return .value(.null)
    }

    private mutating func arguments() throws -> [Update.SetValue] {
        try reader.enter()
        defer { reader.leave() }
        reader.advance()
        try reader.expect("(")
        var operands: [Update.SetValue] = []
        repeat { operands.append(try sum()) } while reader.take(",")
        try reader.expect(")")
        return operands
    }

    private mutating func wrongCount(_ name: String, _ count: Int) -> Update.SetValue {
        reader.note(
            "Incorrect number of operands for operator or function; operator or function: \(name), "
                + "number of operands: \(count)")
        return .value(.null)
    }

    private mutating func noteOperand(_ name: String, _ value: AttributeValue) {
        reader.note(
            "Incorrect operand type for operator or function; operator or function: \(name), "
                + "operand type: \(value.type.rawValue)")
    }
}
