/// A text of a policy with wildcards (`*`, `?`) and policy variables (`${aws:username}`).
///
/// A variable's value is always taken literally: a tag that holds `*` matches a star, not everything.
struct PolicyPattern: Sendable, Equatable {
    enum Part: Sendable, Equatable {
        case literal([UInt8])
        /// `?`: one character.
        case one
        /// `*`: any number of them.
        case any
        /// The condition key, in lower case, and what stands in for it when it has no value.
        case variable(key: String, ifMissing: [UInt8]?)
    }

    let text: String
    let parts: [Part]
    /// Set when no variable has to be looked up.
    private let fixed: [Wildcard.Element]?

    /// - Parameters:
    ///   - hasWildcards: false takes `*` and `?` literally, as `StringEquals` does.
    ///   - hasVariables: false takes `${…}` literally, as documents of version 2008-10-17 do.
    init(_ text: String, hasWildcards: Bool = true, hasVariables: Bool) throws(PolicyError) {
        guard text.utf8.count <= PolicyLimits.patternBytesMax else { throw PolicyError("A text in the policy is too long.") }
        self.text = text
        parts = try PolicyPatternReader(hasWildcards: hasWildcards, hasVariables: hasVariables).parts(Array(text.utf8))
        fixed = PolicyPattern.elements(parts) { _ in nil }
    }

    var hasVariables: Bool {
        parts.contains { if case .variable = $0 { true } else { false } }
    }

    /// Whether the whole of `subject` matches. A variable without a value matches nothing.
    func matches(_ subject: some Collection<UInt8>, ignoringCase: Bool = false, _ value: (String) -> String?) -> Bool {
        guard let elements = fixed ?? PolicyPattern.elements(parts, value) else { return false }
        return Wildcard.matches(elements, subject, ignoringCase: ignoringCase)
    }

    /// The pattern with its variables put in; nil when one has no value.
    func elements(_ value: (String) -> String?) -> [Wildcard.Element]? { fixed ?? PolicyPattern.elements(parts, value) }

    private static func elements(_ parts: [Part], _ value: (String) -> String?) -> [Wildcard.Element]? {
        var elements: [Wildcard.Element] = []
        for part in parts {
            switch part {
            case .literal(let bytes): elements.append(contentsOf: bytes.lazy.map(Wildcard.literal))
            case .one: elements.append(Wildcard.one)
            case .any: if elements.last != Wildcard.any { elements.append(Wildcard.any) }
            case .variable(let key, let ifMissing):
                guard let bytes = value(key).map({ Array($0.utf8) }) ?? ifMissing else { return nil }
                elements.append(contentsOf: bytes.lazy.map(Wildcard.literal))
            }
        }
        return elements
    }
}

/// Matches bytes against wildcards: no recursion; at most the product of both lengths, and one pass where the pattern's
/// stars are few.
enum Wildcard {
    /// A byte, or one of the two wildcards.
    typealias Element = UInt16

    static let one: Element = 256
    static let any: Element = 257

    static func literal(_ byte: UInt8) -> Element { Element(byte) }

    static func matches(_ pattern: [Element], _ subject: some Collection<UInt8>, ignoringCase: Bool = false) -> Bool {
        let matched = subject.withContiguousStorageIfAvailable { scan(pattern, $0, ignoringCase: ignoringCase) }
        return matched ?? Array(subject).withUnsafeBufferPointer { scan(pattern, $0, ignoringCase: ignoringCase) }
    }

    /// Only the last star is ever gone back to: what an earlier one took can't help any more.
    private static func scan(_ pattern: [Element], _ subject: UnsafeBufferPointer<UInt8>, ignoringCase: Bool) -> Bool {
        var at = 0
        var index = 0
        var star: (at: Int, index: Int)?
        while index < subject.count {
            if at < pattern.count, pattern[at] == any {
                star = (at, index)
                at += 1
            } else if at < pattern.count, isMatch(pattern[at], subject, index, ignoringCase) {
                index += pattern[at] == one ? width(subject, index) : 1
                at += 1
            } else if let last = star {
                star = (last.at, last.index + 1)
                at = last.at + 1
                index = last.index + 1
            } else {
                return false
            }
        }
        while at < pattern.count, pattern[at] == any { at += 1 }
        return at == pattern.count
    }

    private static func isMatch(
        _ element: Element, _ subject: UnsafeBufferPointer<UInt8>, _ index: Int, _ ignoringCase: Bool
    ) -> Bool {
        if element == one { return subject[index] & 0xc0 != 0x80 }
        guard element < 256 else { return false }
        let byte = UInt8(truncatingIfNeeded: element)
        return byte == subject[index] || ignoringCase && lowercased(byte) == lowercased(subject[index])
    }

    /// The bytes of the character at `index`, in UTF-8.
    private static func width(_ subject: UnsafeBufferPointer<UInt8>, _ index: Int) -> Int {
        var end = index + 1
        while end < subject.count, subject[end] & 0xc0 == 0x80 { end += 1 }
        return end - index
    }

    static func lowercased(_ byte: UInt8) -> UInt8 {
        byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
    }
}

private struct PolicyPatternReader {
    let hasWildcards: Bool
    let hasVariables: Bool

    func parts(_ bytes: [UInt8]) throws(PolicyError) -> [PolicyPattern.Part] {
        var parts: [PolicyPattern.Part] = []
        var literal: [UInt8] = []
        func flush() {
            if !literal.isEmpty { parts.append(.literal(literal)) }
            literal = []
        }
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            if hasVariables, byte == UInt8(ascii: "$"), index + 1 < bytes.count, bytes[index + 1] == UInt8(ascii: "{") {
                guard let end = bytes[index...].firstIndex(of: UInt8(ascii: "}")) else {
                    throw PolicyError("A policy variable is not closed.")
                }
                let name = bytes[(index + 2)..<end]
                if name.count == 1, let only = name.first, "*?$".utf8.contains(only) {
                    literal.append(only)
                } else {
                    flush()
                    parts.append(try variable(name))
                }
                index = end + 1
                continue
            }
            if hasWildcards, byte == UInt8(ascii: "*") || byte == UInt8(ascii: "?") {
                flush()
                parts.append(byte == UInt8(ascii: "*") ? .any : .one)
            } else {
                literal.append(byte)
            }
            index += 1
        }
        flush()
        return parts
    }

    /// `KEY` or `KEY, 'DEFAULT'`.
    private func variable(_ bytes: ArraySlice<UInt8>) throws(PolicyError) -> PolicyPattern.Part {
        guard !bytes.isEmpty, bytes.count <= PolicyLimits.variableNameBytesMax else {
            throw PolicyError("A policy variable has no name.")
        }
        let pieces = bytes.split(separator: UInt8(ascii: ","), maxSplits: 1, omittingEmptySubsequences: false)
        let key = String(decoding: pieces[0], as: UTF8.self)
        guard !key.isEmpty, key.utf8.allSatisfy({ $0 > 0x20 && $0 != UInt8(ascii: "$") && $0 != UInt8(ascii: "{") }) else {
            throw PolicyError("The policy variable '\(key.prefix(64))' is malformed.")
        }
        guard pieces.count == 2 else { return .variable(key: key.lowercased(), ifMissing: nil) }
        let given = pieces[1].drop { $0 == UInt8(ascii: " ") }
        guard given.count >= 2, given.first == UInt8(ascii: "'"), given.last == UInt8(ascii: "'") else {
            throw PolicyError("The default of a policy variable must be in single quotes.")
        }
        return .variable(key: key.lowercased(), ifMissing: Array(given.dropFirst().dropLast()))
    }
}
