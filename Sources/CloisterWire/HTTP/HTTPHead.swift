/// The head of one HTTP/1.1 request: its bytes once, and where things are in them.
public struct HTTPHead: Sendable {
    struct Field: Sendable {
        let name: Range<Int>
        let value: Range<Int>
    }

    /// How the end of the body is known.
    public enum Framing: Equatable, Sendable {
        case length(Int)
        case chunked
    }

    let bytes: [UInt8]
    let methodRange: Range<Int>
    let targetRange: Range<Int>
    /// Of the target, up to a `?`.
    let pathRange: Range<Int>
    let fields: [Field]
    public internal(set) var framing: Framing
    public internal(set) var isKeepAlive: Bool
    public internal(set) var expectsContinue: Bool

    public var method: String { text(methodRange) }
    /// Path and query as received.
    public var target: String { text(targetRange) }
    /// As received, percent-encoded.
    public var path: String { text(pathRange) }
    /// As received, without the `?`; empty if there is none.
    public var query: String { text(queryRange) }

    public func isMethod(_ method: StaticString) -> Bool { equals(methodRange, method, ignoringCase: false) }

    /// The first value of the field `name` (lower case), without blanks at its ends. Bytes that aren't UTF-8 are
    /// replaced, so the text of a hostile value never equals that of a valid one.
    public func first(_ name: StaticString) -> String? {
        firstRange(name).map(text)
    }

    /// All values of the field `name` (lower case), in the order received.
    public func all(_ name: StaticString) -> [String] {
        fields.filter { equals($0.name, name, ignoringCase: true) }.map { text($0.value) }
    }

    /// Whether there is exactly one field `name`.
    func isOnly(_ name: StaticString) -> Bool {
        fields.count { equals($0.name, name, ignoringCase: true) } == 1
    }

    public func has(_ name: StaticString) -> Bool { firstRange(name) != nil }

    /// Names in lower case with their values, in the order received.
    public var allFields: [(name: String, value: String)] {
        fields.map { (text($0.name).lowercased(), text($0.value)) }
    }

    var queryRange: Range<Int> {
        pathRange.upperBound == targetRange.upperBound
            ? targetRange.upperBound..<targetRange.upperBound : (pathRange.upperBound + 1)..<targetRange.upperBound
    }

    func firstRange(_ name: StaticString) -> Range<Int>? {
        for field in fields where equals(field.name, name, ignoringCase: true) { return field.value }
        return nil
    }

    func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

    private func equals(_ range: Range<Int>, _ expected: StaticString, ignoringCase: Bool) -> Bool {
        guard range.count == expected.utf8CodeUnitCount else { return false }
        return expected.withUTF8Buffer { expected in
            for (offset, byte) in expected.enumerated() {
                let actual = bytes[range.lowerBound + offset]
                if actual != byte, !(ignoringCase && lowercased(actual) == byte) { return false }
            }
            return true
        }
    }
}

@inline(__always)
func lowercased(_ byte: UInt8) -> UInt8 {
    byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
}

/// A request that isn't valid HTTP, with the status that says so. The connection can't go on after it.
public struct HTTPError: Error, Equatable, Sendable {
    public let status: Int
    public let message: String

    static func bad(_ message: String) -> HTTPError { HTTPError(status: 400, message: message) }
}
