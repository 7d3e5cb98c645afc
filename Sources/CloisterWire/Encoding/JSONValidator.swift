/// Whether bytes are one JSON text (RFC 8259) in UTF-8. Reads each byte once, recursion-free, with a bound on the depth; makes
/// no values, so that a 6 MB payload costs neither memory nor trust.
public enum JSONValidator {
    public static let depthMax = 1_000

    public static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var reader = Reader(bytes: bytes)
        return reader.readText()
    }

    public static func isValid(_ bytes: [UInt8]) -> Bool { bytes.withUnsafeBytes { isValid($0) } }

    private struct Reader {
        let bytes: UnsafeRawBufferPointer
        var position = 0
        /// True for an object, false for an array; the innermost last.
        var open: [Bool] = []

        var current: UInt8? { position < bytes.count ? bytes[position] : nil }

        mutating func readText() -> Bool {
            guard readValue() else { return false }
            while !open.isEmpty {
                guard readAfterValue() else { return false }
            }
            skipBlanks()
            return position == bytes.count
        }

        /// After a value inside an object or array: the next value, or the end.
        private mutating func readAfterValue() -> Bool {
            skipBlanks()
            guard let byte = current, let isObject = open.last else { return false }
            position += 1
            switch byte {
            case UInt8(ascii: ","):
                skipBlanks()
                return (!isObject || readName()) && readValue()
            case UInt8(ascii: "}"):
                open.removeLast()
                return isObject
            case UInt8(ascii: "]"):
                open.removeLast()
                return !isObject
            default:
                return false
            }
        }

        /// A value, or the opening of an object or array up to its first value.
        private mutating func readValue() -> Bool {
            while true {
                skipBlanks()
                guard let byte = current else { return false }
                switch byte {
                case UInt8(ascii: "\""): return readString()
                case UInt8(ascii: "{"), UInt8(ascii: "["):
                    position += 1
                    guard open.count < JSONValidator.depthMax else { return false }
                    let isObject = byte == UInt8(ascii: "{")
                    skipBlanks()
                    if current == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
                        position += 1
                        return true
                    }
                    open.append(isObject)
                    if isObject, !readName() { return false }
                case UInt8(ascii: "t"): return readWord("true")
                case UInt8(ascii: "f"): return readWord("false")
                case UInt8(ascii: "n"): return readWord("null")
                default: return readNumber()
                }
            }
        }

        private mutating func readName() -> Bool {
            guard current == UInt8(ascii: "\""), readString() else { return false }
            skipBlanks()
            guard current == UInt8(ascii: ":") else { return false }
            position += 1
            return true
        }

        private mutating func readString() -> Bool {
            position += 1
            while position < bytes.count {
                let byte = bytes[position]
                position += 1
                if byte == UInt8(ascii: "\"") { return true }
                if byte < 0x20 { return false }
                if byte == UInt8(ascii: "\\"), !readEscape() { return false }
                if byte >= 0x80, !readUTF8(after: byte) { return false }
            }
            return false
        }

        /// The rest of a character of two to four bytes (Unicode 15, table 3-7).
        private mutating func readUTF8(after lead: UInt8) -> Bool {
            let count: Int
            var second: ClosedRange<UInt8> = 0x80...0xbf
            switch lead {
            case 0xc2...0xdf: count = 1
            case 0xe0...0xef:
                count = 2
                if lead == 0xe0 { second = 0xa0...0xbf }
                if lead == 0xed { second = 0x80...0x9f }
            case 0xf0...0xf4:
                count = 3
                if lead == 0xf0 { second = 0x90...0xbf }
                if lead == 0xf4 { second = 0x80...0x8f }
            default: return false
            }
            guard position + count <= bytes.count, second.contains(bytes[position]) else { return false }
            for offset in 1..<count where bytes[position + offset] & 0xc0 != 0x80 { return false }
            position += count
            return true
        }

        private mutating func readEscape() -> Bool {
            guard let byte = current else { return false }
            position += 1
            switch byte {
            case UInt8(ascii: "u"):
                guard position + 4 <= bytes.count else { return false }
                for offset in 0..<4 where hexValue(bytes[position + offset]) == nil { return false }
                position += 4
                return true
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
                UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
                return true
            default: return false
            }
        }

        private mutating func readNumber() -> Bool {
            if current == UInt8(ascii: "-") { position += 1 }
            if current == UInt8(ascii: "0") {
                position += 1
            } else if !readDigits() {
                return false
            }
            if current == UInt8(ascii: ".") {
                position += 1
                guard readDigits() else { return false }
            }
            if current == UInt8(ascii: "e") || current == UInt8(ascii: "E") {
                position += 1
                if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { position += 1 }
                return readDigits()
            }
            return true
        }

        private mutating func readDigits() -> Bool {
            let start = position
            while let byte = current, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { position += 1 }
            return position > start
        }

        private mutating func readWord(_ word: StaticString) -> Bool {
            let count = word.utf8CodeUnitCount
            guard position + count <= bytes.count else { return false }
            let matches = word.withUTF8Buffer { word in
                word.indices.allSatisfy { word[$0] == bytes[position + $0] }
            }
            position += count
            return matches
        }

        private mutating func skipBlanks() {
            while let byte = current, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { position += 1 }
        }
    }
}
