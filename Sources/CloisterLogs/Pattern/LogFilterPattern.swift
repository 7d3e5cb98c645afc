/// CloudWatch Logs' filter pattern language, as far as Cloister has it: terms and JSON patterns.
///
/// - Terms: every plain or quoted term must be in the message, no `-term` may be, and of `?term`s one must be
///   (they count only when there are no others, as on AWS). Case matters.
/// - JSON: `{ $.level = "ERROR" && $.tenantId = "x" }`; see `JSONPattern`.
/// - Space-delimited patterns (`[ip, user, …]`) and regular expressions (`%…%`) are refused.
public struct LogFilterPattern: Sendable, Equatable {
    /// Why a pattern was refused; for the caller.
    public struct Malformed: Error, Equatable, Sendable {
        public let message: String
    }

    private enum Kind: Equatable, Sendable {
        case everything
        case terms(TermPattern)
        case json(JSONPattern)
    }

    private let kind: Kind

    /// At most 1,024 characters.
    public init(_ text: String) throws(Malformed) {
        let bytes = Array(text.utf8)
        guard text.unicodeScalars.count <= LogsLimits.filterPatternLengthMax else {
            throw Malformed(message: "Filter pattern is longer than \(LogsLimits.filterPatternLengthMax) characters")
        }
        let start = bytes.firstIndex { !isPatternSpace($0) }
        switch start.map({ bytes[$0] }) {
        case nil: kind = .everything
        case UInt8(ascii: "{"): kind = .json(try JSONPattern(bytes))
        case UInt8(ascii: "["):
            throw Malformed(message: "Space-delimited filter patterns ([...]) are not supported by Cloister")
        default: kind = .terms(try TermPattern(bytes))
        }
    }

    /// Whether a message (UTF-8) matches. Time is linear in its length for terms; a message that is no JSON object
    /// matches no JSON pattern.
    public func matches(_ message: ArraySlice<UInt8>) -> Bool {
        switch kind {
        case .everything: true
        case .terms(let terms): terms.matches(message)
        case .json(let pattern): pattern.matches(message)
        }
    }

    public func matches(_ message: String) -> Bool { matches(Array(message.utf8)[...]) }
}

func isPatternSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (byte >= 0x09 && byte <= 0x0d) }

/// Letters, digits, `_`, and every byte of a non-ASCII character.
func isPatternWord(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...:
        true
    default: false
    }
}
