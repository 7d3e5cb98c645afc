/// A JSON value of a policy document: numbers as they are written, objects in order, with the place of each.
indirect enum PolicyJSON: Equatable {
    case null
    case bool(Bool)
    case number(String)
    case string(String)
    case array([PolicyJSON])
    case object([Member], at: Range<Int>)

    struct Member: Equatable {
        var name: String
        var value: PolicyJSON
    }

    /// The value in `text`. Throws on anything that isn't strict JSON, on a name that an object has twice (its readers
    /// might take different ones), and beyond `PolicyLimits`.
    static func parse(_ text: String) throws(PolicyError) -> PolicyJSON {
        guard text.utf8.count <= PolicyLimits.documentBytesMax else { throw PolicyError("The policy document is too large.") }
        var reader = PolicyJSONReader(bytes: Array(text.utf8))
        return try reader.document()
    }
}

private struct PolicyJSONReader {
    let bytes: [UInt8]
    var position = 0
    var depth = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func document() throws(PolicyError) -> PolicyJSON {
        let value = try value()
        skipBlanks()
        guard position == bytes.count else { throw failure() }
        return value
    }

    private mutating func value() throws(PolicyError) -> PolicyJSON {
        skipBlanks()
        guard position < bytes.count else { throw failure() }
        switch bytes[position] {
        case UInt8(ascii: "{"): return try nested { (reader) throws(PolicyError) in try reader.object() }
        case UInt8(ascii: "["): return try nested { (reader) throws(PolicyError) in try reader.array() }
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return .number(try number())
        }
    }

    private mutating func nested(
        _ read: (inout PolicyJSONReader) throws(PolicyError) -> PolicyJSON
    ) throws(PolicyError) -> PolicyJSON {
        guard depth < PolicyLimits.depthMax else { throw PolicyError("The policy document is nested too deeply.") }
        depth += 1
        let value = try read(&self)
        depth -= 1
        return value
    }

    private mutating func object() throws(PolicyError) -> PolicyJSON {
        let start = position
        position += 1
        var members: [PolicyJSON.Member] = []
        var names: Set<String> = []
        if try ends(with: UInt8(ascii: "}")) { return .object([], at: start..<position) }
        while true {
            skipBlanks()
            guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else { throw failure() }
            let name = try string()
            guard names.insert(name).inserted else { throw PolicyError("Syntax errors in policy: duplicate key '\(name.prefix(64))'.") }
            skipBlanks()
            try expect(UInt8(ascii: ":"))
            members.append(PolicyJSON.Member(name: name, value: try value()))
            if try ends(with: UInt8(ascii: "}")) { return .object(members, at: start..<position) }
            try expect(UInt8(ascii: ","))
        }
    }

    private mutating func array() throws(PolicyError) -> PolicyJSON {
        position += 1
        var items: [PolicyJSON] = []
        if try ends(with: UInt8(ascii: "]")) { return .array([]) }
        while true {
            items.append(try value())
            if try ends(with: UInt8(ascii: "]")) { return .array(items) }
            try expect(UInt8(ascii: ","))
        }
    }

    private mutating func ends(with byte: UInt8) throws(PolicyError) -> Bool {
        skipBlanks()
        guard position < bytes.count else { throw failure() }
        guard bytes[position] == byte else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ byte: UInt8) throws(PolicyError) {
        guard position < bytes.count, bytes[position] == byte else { throw failure() }
        position += 1
    }

    private mutating func word(_ word: String, _ value: PolicyJSON) throws(PolicyError) -> PolicyJSON {
        guard bytes[position...].starts(with: word.utf8) else { throw failure() }
        position += word.utf8.count
        return value
    }

    private mutating func number() throws(PolicyError) -> String {
        let start = position
        if peek == UInt8(ascii: "-") { position += 1 }
        let integer = digits()
        guard !integer.isEmpty, integer.count == 1 || bytes[integer.lowerBound] != UInt8(ascii: "0") else { throw failure() }
        if peek == UInt8(ascii: ".") {
            position += 1
            guard !digits().isEmpty else { throw failure() }
        }
        if peek == UInt8(ascii: "e") || peek == UInt8(ascii: "E") {
            position += 1
            if peek == UInt8(ascii: "+") || peek == UInt8(ascii: "-") { position += 1 }
            guard !digits().isEmpty else { throw failure() }
        }
        guard position - start <= 64 else { throw failure() }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private mutating func digits() -> Range<Int> {
        let start = position
        while let byte = peek, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { position += 1 }
        return start..<position
    }

    private mutating func string() throws(PolicyError) -> String {
        position += 1
        var text: [UInt8] = []
        while let byte = peek {
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"): try escape(into: &text)
            case 0..<0x20: throw failure()
            default: text.append(byte)
            }
        }
        throw failure()
    }

    private mutating func escape(into text: inout [UInt8]) throws(PolicyError) {
        guard let byte = peek else { throw failure() }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0c)
        case UInt8(ascii: "n"): text.append(0x0a)
        case UInt8(ascii: "r"): text.append(0x0d)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"): text.append(contentsOf: String(Character(try escapedScalar())).utf8)
        default: throw failure()
        }
    }

    private mutating func escapedScalar() throws(PolicyError) -> Unicode.Scalar {
        let first = try unit()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard (0xd800..<0xdc00).contains(first), peek == UInt8(ascii: "\\") else { throw failure() }
        position += 1
        try expect(UInt8(ascii: "u"))
        let second = try unit()
        guard (0xdc00..<0xe000).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (UInt32(first) - 0xd800) << 10 + (UInt32(second) - 0xdc00))
        else { throw failure() }
        return scalar
    }

    private mutating func unit() throws(PolicyError) -> UInt16 {
        guard position + 4 <= bytes.count else { throw failure() }
        let digits = bytes[position..<position + 4]
        guard digits.allSatisfy({ isHexadecimal($0) }), let unit = UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
        else { throw failure() }
        position += 4
        return unit
    }

    private func isHexadecimal(_ byte: UInt8) -> Bool {
        byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") || byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "f")
            || byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "F")
    }

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipBlanks() {
        while let byte = peek, byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d { position += 1 }
    }

    private func failure() -> PolicyError {
        let read = bytes.prefix(position)
        let line = read.count { $0 == 0x0a } + 1
        let column = position - (read.lastIndex(of: 0x0a) ?? -1)
        return PolicyError("Syntax error at position (\(line),\(column))")
    }
}
