/// Looks into JSON text without making values of it, so that what isn't changed is passed on byte for byte.
public enum JSONMembers {
    public struct Member: Equatable, Sendable {
        public let name: String
        /// Where the value stands.
        public let value: Range<Int>
    }

    /// The members of the object that `bytes[range]` is, in order, doubles included; nil if it is no object.
    /// `bytes` as a whole must be valid JSON (`JSONValidator`).
    public static func of(_ bytes: [UInt8], in range: Range<Int>) -> [Member]? {
        var position = skipBlanks(bytes, range.lowerBound, range.upperBound)
        guard position < range.upperBound, bytes[position] == UInt8(ascii: "{") else { return nil }
        position += 1
        var members: [Member] = []
        while true {
            position = skipBlanks(bytes, position, range.upperBound)
            guard position < range.upperBound, bytes[position] == UInt8(ascii: "\"") else { return members }
            let nameEnd = endOfString(bytes, position, range.upperBound)
            guard let name = text(bytes, in: position..<nameEnd) else { return nil }
            position = skipBlanks(bytes, nameEnd, range.upperBound) + 1
            let start = skipBlanks(bytes, position, range.upperBound)
            let end = endOfValue(bytes, start, range.upperBound)
            members.append(Member(name: name, value: start..<end))
            position = skipBlanks(bytes, end, range.upperBound) + 1
        }
    }

    /// The string that `bytes[range]` is, unescaped; nil if it is none or holds half a surrogate pair.
    public static func text(_ bytes: [UInt8], in range: Range<Int>) -> String? {
        guard range.count >= 2, bytes[range.lowerBound] == UInt8(ascii: "\""),
            bytes[range.upperBound - 1] == UInt8(ascii: "\"")
        else { return nil }
        var units: [UInt16] = []
        var plain: [UInt8] = []
        var position = range.lowerBound + 1
        func flush(_ plain: inout [UInt8], _ units: inout [UInt16]) -> Bool {
            guard let text = String(validating: plain, as: UTF8.self) else { return false }
            units.append(contentsOf: text.utf16)
            plain.removeAll(keepingCapacity: true)
            return true
        }
        while position < range.upperBound - 1 {
            guard bytes[position] == UInt8(ascii: "\\") else {
                plain.append(bytes[position])
                position += 1
                continue
            }
            guard flush(&plain, &units), position + 1 < range.upperBound - 1 else { return nil }
            switch bytes[position + 1] {
            case UInt8(ascii: "u"):
                guard position + 6 <= range.upperBound - 1,
                    let unit = UInt16(String(decoding: bytes[(position + 2)..<(position + 6)], as: UTF8.self), radix: 16)
                else { return nil }
                units.append(unit)
                position += 6
                continue
            case UInt8(ascii: "b"): units.append(8)
            case UInt8(ascii: "f"): units.append(12)
            case UInt8(ascii: "n"): units.append(10)
            case UInt8(ascii: "r"): units.append(13)
            case UInt8(ascii: "t"): units.append(9)
            case let other: units.append(UInt16(other))
            }
            position += 2
        }
        guard flush(&plain, &units) else { return nil }
        return String(validating: units, as: UTF16.self)
    }

    /// `text` as a JSON string, quotes included, in ASCII.
    public static func quoted(_ text: String) -> String {
        let isPlain = text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7f && $0 != 0x22 && $0 != 0x5c }
        if isPlain { return "\"\(text)\"" }
        var output = "\""
        for unit in text.utf16 {
            switch unit {
            case 0x22: output += "\\\""
            case 0x5c: output += "\\\\"
            case 0x0a: output += "\\n"
            case 0x0d: output += "\\r"
            case 0x09: output += "\\t"
            case 0x20...0x7e: output.unicodeScalars.append(Unicode.Scalar(UInt8(unit)))
            default: output += escaped(unit)
            }
        }
        return output + "\""
    }

    /// Valid JSON on one line and in ASCII, fit for a header field. Controls can only stand between tokens there, and
    /// what isn't ASCII only inside strings, so the meaning stays the same. Nil if `bytes` aren't UTF-8.
    public static func oneLineASCII(_ bytes: [UInt8]) -> String? {
        guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
        guard bytes.contains(where: { $0 < 0x20 || $0 >= 0x7f }) else { return text }
        var output = ""
        for unit in text.utf16 {
            switch unit {
            case ..<0x20: output += " "
            case 0x20...0x7e: output.unicodeScalars.append(Unicode.Scalar(UInt8(unit)))
            default: output += escaped(unit)
            }
        }
        return output
    }

    private static func escaped(_ unit: UInt16) -> String {
        let digits = String(unit, radix: 16)
        return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    }

    private static func skipBlanks(_ bytes: [UInt8], _ start: Int, _ end: Int) -> Int {
        var position = start
        while position < end, bytes[position] <= 0x20 { position += 1 }
        return position
    }

    private static func endOfString(_ bytes: [UInt8], _ start: Int, _ end: Int) -> Int {
        var position = start + 1
        while position < end {
            if bytes[position] == UInt8(ascii: "\\") {
                position += 2
            } else if bytes[position] == UInt8(ascii: "\"") {
                return position + 1
            } else {
                position += 1
            }
        }
        return end
    }

    private static func endOfValue(_ bytes: [UInt8], _ start: Int, _ end: Int) -> Int {
        var position = start
        var depth = 0
        while position < end {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                position = endOfString(bytes, position, end)
                if depth == 0 { return position }
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 0 { return trimmed(bytes, start, position) }
                depth -= 1
                if depth == 0 { return position + 1 }
            case UInt8(ascii: ","):
                if depth == 0 { return trimmed(bytes, start, position) }
            default: break
            }
            position += 1
        }
        return end
    }

    private static func trimmed(_ bytes: [UInt8], _ start: Int, _ end: Int) -> Int {
        var last = end
        while last > start, bytes[last - 1] <= 0x20 { last -= 1 }
        return last
    }
}
