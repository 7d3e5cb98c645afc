/// A string that is equal to another only when its UTF-8 bytes are, and sorts by them, as DynamoDB's names and values
/// do. (Swift's `String` takes canonically equivalent strings for the same: `K` and the Kelvin sign, for one.)
struct Text: Sendable {
    let string: String

    init(_ string: String) { self.string = string }

    var utf8: String.UTF8View { string.utf8 }
    var byteCount: Int { string.utf8.count }
    var isEmpty: Bool { string.isEmpty }
}

extension Text: Hashable {
    static func == (first: Text, second: Text) -> Bool {
        first.byteCount == second.byteCount && first.utf8.elementsEqual(second.utf8)
    }

    func hash(into hasher: inout Hasher) {
        var string = string
        string.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        hasher.combine(UInt8(0xFF))
    }
}

extension Text: Comparable {
    static func < (first: Text, second: Text) -> Bool { first.utf8.lexicographicallyPrecedes(second.utf8) }
}

extension Text: ExpressibleByStringLiteral, CustomStringConvertible {
    init(stringLiteral value: String) { self.init(value) }

    var description: String { string }
}

extension Text: Codable {
    init(from decoder: any Decoder) throws { self.init(try decoder.singleValueContainer().decode(String.self)) }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(string)
    }
}
