/// Plain, quoted, `-excluded` and `?optional` terms.
struct TermPattern: Equatable, Sendable {
    private var required: [SearchTerm] = []
    private var excluded: [SearchTerm] = []
    private var optional: [SearchTerm] = []

    init(_ text: [UInt8]) throws(LogFilterPattern.Malformed) {
        var position = 0
        while position < text.count {
            guard !isPatternSpace(text[position]) else {
                position += 1
                continue
            }
            let sign = text[position]
            if sign == UInt8(ascii: "-") || sign == UInt8(ascii: "?") { position += 1 }
            let term = SearchTerm(try TermPattern.term(text, &position))
            switch sign {
            case UInt8(ascii: "-"): excluded.append(term)
            case UInt8(ascii: "?"): optional.append(term)
            default: required.append(term)
            }
        }
    }

    func matches(_ message: ArraySlice<UInt8>) -> Bool {
        if excluded.contains(where: { $0.isContained(in: message) }) { return false }
        guard required.isEmpty, excluded.isEmpty else {
            return required.allSatisfy { $0.isContained(in: message) }
        }
        return optional.contains { $0.isContained(in: message) }
    }

    private static func term(_ text: [UInt8], _ position: inout Int) throws(LogFilterPattern.Malformed) -> [UInt8] {
        guard position < text.count, !isPatternSpace(text[position]) else {
            throw LogFilterPattern.Malformed(message: "A sign in the filter pattern has no term")
        }
        if text[position] == UInt8(ascii: "\"") { return try quotedText(text, &position) }
        let end = text[position...].firstIndex(where: isPatternSpace) ?? text.count
        let term = Array(text[position..<end])
        guard term.allSatisfy(isPatternWord) else {
            throw LogFilterPattern.Malformed(
                message: "Invalid character(s) in term '\(String(decoding: term, as: UTF8.self))'")
        }
        position = end
        return term
    }
}

/// A text in double quotes from `position` (at the opening one); `\"` and `\\` stand for the second character.
func quotedText(_ text: [UInt8], _ position: inout Int) throws(LogFilterPattern.Malformed) -> [UInt8] {
    var content: [UInt8] = []
    position += 1
    while position < text.count {
        let byte = text[position]
        position += 1
        if byte == UInt8(ascii: "\"") { return content }
        let isEscape = byte == UInt8(ascii: "\\") && position < text.count
            && (text[position] == UInt8(ascii: "\"") || text[position] == UInt8(ascii: "\\"))
        if isEscape {
            content.append(text[position])
            position += 1
        } else {
            content.append(byte)
        }
    }
    throw LogFilterPattern.Malformed(message: "A quotation mark in the filter pattern is not closed")
}
