/// The lexical parts of an expression.
enum Token: Hashable, Sendable {
    /// A bare name or a keyword.
    case name(String)
    /// `#name`, with the sign.
    case nameVariable(String)
    /// `:value`, with the sign.
    case valueVariable(String)
    case number(String)
    /// `=`, `<>`, `(`, `,`, `.`, …
    case symbol(String)
    case end

    var text: String {
        switch self {
        case .name(let text), .nameVariable(let text), .valueVariable(let text), .number(let text), .symbol(let text):
            text
        case .end: "<EOF>"
        }
    }

    /// Keywords are case-insensitive.
    func isKeyword(_ word: String) -> Bool {
        guard case .name(let text) = self else { return false }
        return text.utf8.count == word.utf8.count && text.uppercased() == word
    }
}

struct PlacedToken: Sendable {
    var token: Token
    /// Byte offsets in the expression.
    var range: Range<Int>
}

/// A text that is no expression: what DynamoDB says about it.
struct SyntaxFault: Error, Equatable {
    var message: String
}

enum Lexer {
    static func tokens(_ expression: [UInt8]) throws(SyntaxFault) -> [PlacedToken] {
        var tokens: [PlacedToken] = []
        var position = 0
        while position < expression.count {
            if isSpace(expression[position]) {
                position += 1
                continue
            }
            let start = position
            let token = try token(expression, &position, after: tokens)
            tokens.append(PlacedToken(token: token, range: start..<position))
        }
        tokens.append(PlacedToken(token: .end, range: position..<position))
        return tokens
    }

    /// The text of the tokens around the one that is wrong, as DynamoDB shows it.
    static func fault(_ tokens: [PlacedToken], at index: Int, in expression: [UInt8]) -> SyntaxFault {
        let token = tokens[index]
        let first = tokens[max(0, index - 1)].range.lowerBound
        let last = tokens[min(tokens.count - 1, index + 1)].range.upperBound
        let near = String(decoding: expression[first..<last], as: UTF8.self)
        return SyntaxFault(message: "Syntax error; token: \"\(token.token.text)\", near: \"\(near)\"")
    }

    private static func token(
        _ expression: [UInt8], _ position: inout Int, after tokens: [PlacedToken]
    ) throws(SyntaxFault) -> Token {
        let start = position
        let first = expression[position]
        position += 1
        switch first {
        case UInt8(ascii: "#"), UInt8(ascii: ":"):
            skip(expression, &position, isWordByte)
            let text = String(decoding: expression[start..<position], as: UTF8.self)
            guard position > start + 1 else { throw unexpected(expression, start, tokens) }
            return first == UInt8(ascii: "#") ? .nameVariable(text) : .valueVariable(text)
        case _ where isDigit(first):
            skip(expression, &position, isDigit)
            return .number(String(decoding: expression[start..<position], as: UTF8.self))
        case _ where isWordByte(first):
            skip(expression, &position, isWordByte)
            return .name(String(decoding: expression[start..<position], as: UTF8.self))
        default: return try symbol(expression, &position, after: tokens)
        }
    }

    private static func symbol(
        _ expression: [UInt8], _ position: inout Int, after tokens: [PlacedToken]
    ) throws(SyntaxFault) -> Token {
        let start = position - 1
        let two = String(decoding: expression[start..<min(start + 2, expression.count)], as: UTF8.self)
        if ["<>", "<=", ">="].contains(two) {
            position += 1
            return .symbol(two)
        }
        guard "=<>(),.[]+-".utf8.contains(expression[start]) else { throw unexpected(expression, start, tokens) }
        return .symbol(String(decoding: expression[start..<(start + 1)], as: UTF8.self))
    }

    private static func unexpected(_ expression: [UInt8], _ position: Int, _ tokens: [PlacedToken]) -> SyntaxFault {
        let first = tokens.last?.range.lowerBound ?? position
        var last = position + 1
        // Whole characters only.
        while last < expression.count, expression[last] & 0xC0 == 0x80 { last += 1 }
        let wrong = String(decoding: expression[position..<last], as: UTF8.self)
        let near = String(decoding: expression[first..<last], as: UTF8.self)
        return SyntaxFault(message: "Syntax error; token: \"\(wrong)\", near: \"\(near)\"")
    }

    private static func skip(_ expression: [UInt8], _ position: inout Int, _ isPart: (UInt8) -> Bool) {
        while position < expression.count, isPart(expression[position]) { position += 1 }
    }

    private static func isSpace(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0a, 0x0d].contains(byte) }
    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

    static func isWordByte(_ byte: UInt8) -> Bool {
        let lower = byte | 0x20
        return isDigit(byte) || byte == UInt8(ascii: "_") || (lower >= UInt8(ascii: "a") && lower <= UInt8(ascii: "z"))
    }
}
