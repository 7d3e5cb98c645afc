/// Parses one statement: SELECT, INSERT, UPDATE, DELETE, and EXISTS(SELECT …).
struct PartiQLParser {
    private let tokens: [PartiQLToken]
    private var position = 0
    private var depth = 0
    private var parameters: [AttributeValue]
    private var parametersUsed = 0

    static func parse(_ statement: String, parameters: [AttributeValue]) throws -> PartiQLStatement {
        var parser = PartiQLParser(tokens: try PartiQLLexer.tokens(statement), parameters: parameters)
        let parsed = try parser.statement()
        _ = parser.take(";")
        guard parser.token == .end else { throw parser.unexpected() }
        guard parser.parametersUsed == parameters.count else {
            throw DynamoDBError.validation("Number of parameters in request and statement don't match.")
        }
        return parsed
    }

    private init(tokens: [PartiQLToken], parameters: [AttributeValue]) {
        self.tokens = tokens
        self.parameters = parameters
    }

    // MARK: Statements

    private mutating func statement() throws -> PartiQLStatement {
        if takeKeyword("SELECT") { return .select(try select()) }
        if takeKeyword("INSERT") { return try insert() }
        if takeKeyword("UPDATE") { return .change(try update()) }
        if takeKeyword("DELETE") { return .change(try delete()) }
        if takeKeyword("EXISTS") {
            try expect("(")
            try expectKeyword("SELECT")
            let select = try select()
            try expect(")")
            return .exists(select)
        }
        throw unexpected()
    }

    private mutating func select() throws -> PartiQLStatement.Select {
        var projection: Projection?
        if !take("*") {
            var paths: [DocumentPath] = []
            repeat { paths.append(try path()) } while take(",")
            projection = Projection(paths)
        }
        try expectKeyword("FROM")
        let table = try name()
        let index = take(".") ? try name() : nil
        var select = PartiQLStatement.Select(projection: projection, table: table, index: index)
        if takeKeyword("WHERE") { select.condition = try anyOf() }
        if takeKeyword("ORDER") {
            try expectKeyword("BY")
            let attribute = Text(try name())
            let isBackward = takeKeyword("DESC")
            if !isBackward { _ = takeKeyword("ASC") }
            select.order = (attribute, !isBackward)
        }
        return select
    }

    private mutating func insert() throws -> PartiQLStatement {
        try expectKeyword("INTO")
        let table = try name()
        try expectKeyword("VALUE")
        guard case .map(let item) = try value() else { throw PartiQLFault.malformed("VALUE must be a tuple") }
        return .insert(table: table, item: item)
    }

    private mutating func update() throws -> PartiQLStatement.Change {
        let table = try name()
        var actions: [Update.Action] = []
        while true {
            if takeKeyword("SET") {
                repeat { actions.append(try assignment()) } while take(",")
            } else if takeKeyword("REMOVE") {
                repeat { actions.append(.remove(try path())) } while take(",")
            } else {
                break
            }
        }
        if let text = PathConflicts.find(actions.map(\.path)) { throw DynamoDBError.validation(text) }
        guard !actions.isEmpty else { throw unexpected() }
        try expectKeyword("WHERE")
        let condition = try anyOf()
        return PartiQLStatement.Change(
            table: table, condition: condition, update: Update(actions: actions), returning: try returning())
    }

    private mutating func delete() throws -> PartiQLStatement.Change {
        try expectKeyword("FROM")
        let table = try name()
        try expectKeyword("WHERE")
        let condition = try anyOf()
        return PartiQLStatement.Change(table: table, condition: condition, update: nil, returning: try returning())
    }

    private mutating func returning() throws -> String? {
        guard takeKeyword("RETURNING") else { return nil }
        let isAll = takeKeyword("ALL")
        if !isAll { try expectKeyword("MODIFIED") }
        let isOld = takeKeyword("OLD")
        if !isOld { try expectKeyword("NEW") }
        try expect("*")
        return (isAll ? "ALL_" : "UPDATED_") + (isOld ? "OLD" : "NEW")
    }

    // MARK: Updates

    private mutating func assignment() throws -> Update.Action {
        let target = try path()
        try expect("=")
        if case .word(let word) = token, next == .symbol("("), ["SET_ADD", "SET_DELETE"].contains(word.uppercased()) {
            position += 2
            _ = try path()
            try expect(",")
            let members = try value()
            try expect(")")
            guard members.type.isSet else { throw PartiQLFault.malformed("\(word) needs a set") }
            return word.uppercased() == "SET_ADD" ? .add(target, members) : .delete(target, members)
        }
        let first = try setOperand()
        if take("+") { return .set(target, .sum(first, try setOperand())) }
        if take("-") { return .set(target, .difference(first, try setOperand())) }
        return .set(target, first)
    }

    private mutating func setOperand() throws -> Update.SetValue {
        try enter()
        defer { depth -= 1 }
        guard case .word(let word) = token, next == .symbol("(") else {
            return startsValue ? .value(try value()) : .path(try path())
        }
        position += 2
        switch word.uppercased() {
        case "LIST_APPEND":
            let first = try setOperand()
            try expect(",")
            let second = try setOperand()
            try expect(")")
            return .listAppend(first, second)
        case "IF_NOT_EXISTS":
            let path = try path()
            try expect(",")
            let value = try setOperand()
            try expect(")")
            return .ifNotExists(path, value)
        default: throw PartiQLFault.malformed("Unknown function \(word)")
        }
    }

    // MARK: Conditions

    private mutating func anyOf() throws -> Condition {
        var conditions = [try allOf()]
        while takeKeyword("OR") { conditions.append(try allOf()) }
        return conditions.count == 1 ? conditions[0] : .any(conditions)
    }

    private mutating func allOf() throws -> Condition {
        var conditions = [try negation()]
        while takeKeyword("AND") { conditions.append(try negation()) }
        return conditions.count == 1 ? conditions[0] : .all(conditions)
    }

    private mutating func negation() throws -> Condition {
        var isNegated = false
        while takeKeyword("NOT") { isNegated.toggle() }
        let condition = try simple()
        return isNegated ? .not(condition) : condition
    }

    private mutating func simple() throws -> Condition {
        try enter()
        defer { depth -= 1 }
        if take("(") {
            let condition = try anyOf()
            try expect(")")
            return condition
        }
        if case .word(let word) = token, next == .symbol("("), word.uppercased() != "SIZE" {
            return try function(word.uppercased())
        }
        let first = try operand()
        if takeKeyword("IS") { return try isCondition(first) }
        if takeKeyword("BETWEEN") {
            let low = try operand()
            try expectKeyword("AND")
            return .between(first, low, try operand())
        }
        if takeKeyword("IN") { return .among(first, try choices()) }
        guard case .symbol(let symbol) = token,
            let comparator = Comparator(rawValue: symbol == "!=" ? "<>" : symbol)
        else { throw unexpected() }
        position += 1
        return .compare(comparator, first, try operand())
    }

    private mutating func isCondition(_ operand: Operand) throws -> Condition {
        let isNegated = takeKeyword("NOT")
        guard case .path(let path) = operand else { throw unexpected() }
        if takeKeyword("MISSING") { return isNegated ? .exists(path) : .notExists(path) }
        try expectKeyword("NULL")
        let isNull = Condition.type(path, .null)
        return isNegated ? .not(isNull) : isNull
    }

    private mutating func choices() throws -> [Operand] {
        let end = take("[") ? "]" : ")"
        if end == ")" { try expect("(") }
        var operands: [Operand] = []
        repeat { operands.append(try operand()) } while take(",")
        try expect(end)
        guard operands.count <= DynamoDBLimits.inOperandsMax else {
            throw DynamoDBError.validation("Too many operands for IN")
        }
        return operands
    }

    private mutating func function(_ name: String) throws -> Condition {
        position += 2
        let first = try operand()
        if name == "MISSING", case .path(let path) = first {
            try expect(")")
            return .notExists(path)
        }
        try expect(",")
        let second = try operand()
        try expect(")")
        switch (name, first, second) {
        case ("BEGINS_WITH", _, _): return .beginsWith(first, second)
        case ("CONTAINS", _, _): return .contains(first, second)
        case ("ATTRIBUTE_TYPE", .path(let path), .value(.string(let type))):
            guard let type = AttributeType(rawValue: type.string) else { throw unexpected() }
            return .type(path, type)
        default: throw PartiQLFault.malformed("Unknown function \(name)")
        }
    }

    private mutating func operand() throws -> Operand {
        try enter()
        defer { depth -= 1 }
        if case .word(let word) = token, word.uppercased() == "SIZE", next == .symbol("(") {
            position += 2
            let operand = try operand()
            try expect(")")
            return .size(operand)
        }
        return startsValue ? .value(try value()) : .path(try path())
    }

    // MARK: Names, paths and values

    private mutating func name() throws -> String {
        switch token {
        case .word(let name), .quoted(let name):
            position += 1
            return name
        default: throw unexpected()
        }
    }

    private mutating func path() throws -> DocumentPath {
        var path = DocumentPath(Text(try name()))
        while true {
            if take(".") {
                path.rest.append(.name(Text(try name())))
            } else if take("[") {
                switch token {
                case .number(let text):
                    guard let index = Int(text), index <= Int(UInt32.max) else { throw unexpected() }
                    path.rest.append(.index(index))
                case .text(let name): path.rest.append(.name(Text(name)))
                default: throw unexpected()
                }
                position += 1
                try expect("]")
            } else {
                break
            }
            guard path.rest.count < DynamoDBLimits.pathElementsMax else {
                throw PartiQLFault.malformed("Path too long")
            }
        }
        return path
    }

    private var startsValue: Bool {
        switch token {
        case .text, .number: true
        case .symbol(let symbol): ["?", "{", "[", "<<", "-", "+"].contains(symbol)
        case .word(let word): ["TRUE", "FALSE", "NULL"].contains(word.uppercased())
        case .quoted, .end: false
        }
    }

    private mutating func value() throws -> AttributeValue {
        try enter()
        defer { depth -= 1 }
        if takeKeyword("TRUE") { return .bool(true) }
        if takeKeyword("FALSE") { return .bool(false) }
        if takeKeyword("NULL") { return .null }
        if take("?") { return try parameter() }
        if take("{") { return .map(try members()) }
        if take("[") { return .list(try elements(until: "]")) }
        if take("<<") { return try set(try elements(until: ">>")) }
        let sign = take("-") ? "-" : ""
        if sign.isEmpty { _ = take("+") }
        switch token {
        case .text(let text) where sign.isEmpty:
            position += 1
            return .string(Text(text))
        case .number(let text):
            position += 1
            return .number(try DynamoNumber(parsing: sign + text))
        default: throw unexpected()
        }
    }

    private mutating func parameter() throws -> AttributeValue {
        guard parametersUsed < parameters.count else {
            throw DynamoDBError.validation("Number of parameters in request and statement don't match.")
        }
        parametersUsed += 1
        return parameters[parametersUsed - 1]
    }

    private mutating func members() throws -> Item {
        var members = Item()
        if take("}") { return members }
        repeat {
            switch token {
            case .text(let name), .quoted(let name):
                position += 1
                try expect(":")
                members[Text(name)] = try value()
            default: throw unexpected()
            }
        } while take(",")
        try expect("}")
        return members
    }

    private mutating func elements(until end: String) throws -> [AttributeValue] {
        var elements: [AttributeValue] = []
        if take(end) { return elements }
        repeat { elements.append(try value()) } while take(",")
        try expect(end)
        return elements
    }

    /// The checks of sets on the wire hold here too.
    private func set(_ elements: [AttributeValue]) throws -> AttributeValue {
        let types = Set(elements.map(\.type))
        let type = types.first ?? .string
        guard types.count <= 1, type.isOrdered else {
            throw PartiQLFault.malformed("A set has members of one type: string, number or binary")
        }
        let members = elements.compactMap { AttributeValueCoding.json($0)[Text(type.rawValue)] }
        return try AttributeValueCoding.value(
            .object([JSON.Member(name: Text(type.rawValue + "S"), value: .array(members))]))
    }

    // MARK: Tokens

    private var token: PartiQLToken { tokens[min(position, tokens.count - 1)] }
    private var next: PartiQLToken { tokens[min(position + 1, tokens.count - 1)] }

    private mutating func take(_ symbol: String) -> Bool {
        guard token == .symbol(symbol) else { return false }
        position += 1
        return true
    }

    private mutating func takeKeyword(_ word: String) -> Bool {
        guard case .word(let text) = token, text.uppercased() == word else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ symbol: String) throws {
        guard take(symbol) else { throw unexpected() }
    }

    private mutating func expectKeyword(_ word: String) throws {
        guard takeKeyword(word) else { throw unexpected() }
    }

    private mutating func enter() throws {
        depth += 1
        guard depth <= DynamoDBLimits.expressionNestingMax else { throw PartiQLFault.malformed("Nested too deep") }
    }

    private func unexpected() -> DynamoDBError {
        let shown =
            switch token {
            case .word(let text), .quoted(let text), .text(let text), .number(let text), .symbol(let text): text
            case .end: "end of statement"
            }
        return PartiQLFault.malformed("Unexpected token: \(shown.prefix(64))")
    }
}
