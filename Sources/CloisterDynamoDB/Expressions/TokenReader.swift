/// Walks over an expression's tokens, resolves its variables, and keeps the first fault of meaning until the syntax is
/// known to be right: DynamoDB reports errors of syntax first.
struct TokenReader {
    /// `ConditionExpression`, `FilterExpression`, …; begins every message.
    let parameter: String
    let expression: [UInt8]
    let tokens: [PlacedToken]
    var position = 0
    var variables: ExpressionVariables
    var depth = 0
    private(set) var operators = 0
    private var fault: String?

    init(_ expression: String, parameter: String, variables: ExpressionVariables) throws {
        self.parameter = parameter
        self.expression = Array(expression.utf8)
        self.variables = variables
        guard !self.expression.allSatisfy({ $0 <= 0x20 }) else {
            throw DynamoDBError.validation("Invalid \(parameter): The expression can not be empty;")
        }
        guard self.expression.count <= DynamoDBLimits.expressionBytesMax else {
            throw DynamoDBError.validation(
                "Invalid \(parameter): Expression size has exceeded the maximum allowed size; "
                    + "expression size: \(self.expression.count)")
        }
        do throws(SyntaxFault) {
            tokens = try Lexer.tokens(self.expression)
        } catch {
            throw DynamoDBError.validation("Invalid \(parameter): \(error.message)")
        }
    }

    var token: Token { tokens[min(position, tokens.count - 1)].token }
    var next: Token { tokens[min(position + 1, tokens.count - 1)].token }
    var isAtEnd: Bool { token == .end }

    func isSymbol(_ text: String) -> Bool { token == .symbol(text) }

    mutating func advance() { position += 1 }

    mutating func take(_ symbol: String) -> Bool {
        guard isSymbol(symbol) else { return false }
        position += 1
        return true
    }

    mutating func takeKeyword(_ word: String) -> Bool {
        guard token.isKeyword(word) else { return false }
        position += 1
        return true
    }

    mutating func expect(_ symbol: String) throws {
        guard take(symbol) else { throw syntaxError() }
    }

    func syntaxError() -> DynamoDBError {
        let fault = Lexer.fault(tokens, at: min(position, tokens.count - 1), in: expression)
        return DynamoDBError.validation("Invalid \(parameter): \(fault.message)")
    }

    /// Remembers what is wrong with a meaning; only the first counts.
    mutating func note(_ message: String) {
        if fault == nil { fault = message }
    }

    /// Throws unless everything was read and nothing is wrong.
    func finish() throws {
        guard isAtEnd else { throw syntaxError() }
        if let fault { throw DynamoDBError.validation("Invalid \(parameter): \(fault)") }
    }

    mutating func countOperator() {
        operators += 1
        if operators == DynamoDBLimits.expressionOperatorsMax + 1 {
            note("The expression contains more than \(DynamoDBLimits.expressionOperatorsMax) operators")
        }
    }

    mutating func enter() throws {
        depth += 1
        guard depth <= DynamoDBLimits.expressionNestingMax else {
            throw DynamoDBError.validation("Invalid \(parameter): The expression is nested too deep")
        }
    }

    mutating func leave() { depth -= 1 }

    // MARK: Paths and values

    mutating func path() throws -> DocumentPath {
        var path = DocumentPath(try pathName())
        while true {
            if take(".") {
                path.rest.append(.name(try pathName()))
            } else if take("[") {
                guard case .number(let text) = token, let index = Int(text), index <= Int(UInt32.max) else {
                    throw syntaxError()
                }
                advance()
                try expect("]")
                path.rest.append(.index(index))
            } else {
                break
            }
        }
        if path.elements.count > DynamoDBLimits.pathElementsMax {
            note("The document path has too many nesting elements; nesting levels: \(path.elements.count)")
        }
        return path
    }

    /// Notes an undefined variable and goes on with a value that stands for it.
    mutating func value(_ variable: String) -> AttributeValue {
        if let value = variables.value(variable) { return value }
        note("An expression attribute value used in expression is not defined; attribute value: \(variable)")
        return .null
    }

    private mutating func pathName() throws -> Text {
        switch token {
        case .name(let name):
            guard let first = name.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else {
                throw syntaxError()
            }
            advance()
            if ReservedWords.contains(name) {
                note("Attribute name is a reserved keyword; reserved keyword: \(name)")
            }
            return Text(name)
        case .nameVariable(let variable):
            advance()
            if let name = variables.name(variable) { return name }
            note(
                "An expression attribute name used in the document path is not defined; attribute name: \(variable)")
            return Text(variable)
        default: throw syntaxError()
        }
    }
}
