/// The lexical parts of a PartiQL statement.
enum PartiQLToken: Hashable, Sendable {
    /// A bare word: a keyword, a function or a name.
    case word(String)
    /// `"name"`.
    case quoted(String)
    /// `'text'`.
    case text(String)
    case number(String)
    case symbol(String)
    case end
}

enum PartiQLLexer {
    static func tokens(_ statement: String) throws -> [PartiQLToken] {
        let bytes = Array(statement.utf8)
        var tokens: [PartiQLToken] = []
        var position = 0
        while position < bytes.count {
            let byte = bytes[position]
            switch byte {
            case 0x20, 0x09, 0x0a, 0x0d: position += 1
            case UInt8(ascii: "'"): tokens.append(.text(try quotedText(bytes, &position)))
            case UInt8(ascii: "\""): tokens.append(.quoted(try quotedText(bytes, &position)))
            case UInt8(ascii: "0")...UInt8(ascii: "9"): tokens.append(.number(number(bytes, &position)))
            case _ where Lexer.isWordByte(byte): tokens.append(.word(word(bytes, &position)))
            default: tokens.append(.symbol(try symbol(bytes, &position)))
            }
        }
        return tokens + [.end]
    }

    /// Two quotation marks stand for one.
    private static func quotedText(_ bytes: [UInt8], _ position: inout Int) throws -> String {
        let mark = bytes[position]
        var content: [UInt8] = []
        position += 1
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            guard byte == mark else {
                content.append(byte)
                continue
            }
            guard position < bytes.count, bytes[position] == mark else {
                return String(decoding: content, as: UTF8.self)
            }
            content.append(mark)
            position += 1
        }
        throw PartiQLFault.malformed("Unterminated quotation")
    }

    private static func number(_ bytes: [UInt8], _ position: inout Int) -> String {
        let start = position
        var last: UInt8 = 0
        while position < bytes.count {
            let byte = bytes[position]
            let isSign = byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-")
            let isPart = Lexer.isWordByte(byte) || byte == UInt8(ascii: ".")
            guard isSign ? last | 0x20 == UInt8(ascii: "e") : isPart else { break }
            last = byte
            position += 1
        }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private static func word(_ bytes: [UInt8], _ position: inout Int) -> String {
        let start = position
        while position < bytes.count, Lexer.isWordByte(bytes[position]) { position += 1 }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private static func symbol(_ bytes: [UInt8], _ position: inout Int) throws -> String {
        let two = String(decoding: bytes[position..<min(position + 2, bytes.count)], as: UTF8.self)
        if ["<<", ">>", "<>", "!=", "<=", ">="].contains(two) {
            position += 2
            return two
        }
        guard "=<>(),.[]{}:+-*?;".utf8.contains(bytes[position]) else {
            throw PartiQLFault.malformed("Unexpected character at \(position)")
        }
        position += 1
        return String(decoding: bytes[(position - 1)..<position], as: UTF8.self)
    }
}

enum PartiQLFault {
    static func malformed(_ detail: String) -> DynamoDBError {
        .validation("Statement wasn't well formed, can't be processed: \(detail)")
    }
}
