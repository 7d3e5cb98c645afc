import CloisterCore
import CloisterServiceKit

/// Collects what breaks the service model's constraints, and words it as AWS does.
struct Constraints {
    /// Longer values are cut in the message.
    private static let shownBytesMax = 256

    private var problems: [String] = []

    mutating func require(_ isPresent: Bool, _ member: String) {
        guard !isPresent else { return }
        problems.append("Value null at '\(member)' failed to satisfy constraint: Member must not be null")
    }

    mutating func length(_ value: String?, _ member: String, min: Int = 0, max: Int) {
        guard let value else { return }
        if value.utf8.count > max { add(value, member, "Member must have length less than or equal to \(max)") }
        if value.utf8.count < min { add(value, member, "Member must have length greater than or equal to \(min)") }
    }

    mutating func pattern(_ value: String?, _ member: String, _ pattern: Pattern) {
        guard let value, !pattern.matches(value) else { return }
        add(value, member, "Member must satisfy regular expression pattern: \(pattern.text)")
    }

    mutating func range(_ value: Int?, _ member: String, _ range: ClosedRange<Int>) {
        guard let value else { return }
        if value > range.upperBound {
            add(String(value), member, "Member must have value less than or equal to \(range.upperBound)")
        }
        if value < range.lowerBound {
            add(String(value), member, "Member must have value greater than or equal to \(range.lowerBound)")
        }
    }

    mutating func oneOf(_ value: String?, _ member: String, _ allowed: [String]) {
        guard let value, !allowed.contains(value) else { return }
        add(value, member, "Member must satisfy enum value set: [\(allowed.joined(separator: ", "))]")
    }

    mutating func count(_ values: [String]?, _ member: String, _ range: ClosedRange<Int>) {
        guard let values, !range.contains(values.count) else { return }
        let bound =
            values.count > range.upperBound
            ? "less than or equal to \(range.upperBound)" : "greater than or equal to \(range.lowerBound)"
        add("[\(values.joined(separator: ", "))]", member, "Member must have length \(bound)")
    }

    /// Throws one error that names every problem.
    func check() throws(ServiceError) {
        guard !problems.isEmpty else { return }
        let noun = problems.count == 1 ? "error" : "errors"
        throw .validation("\(problems.count) validation \(noun) detected: \(problems.joined(separator: "; "))")
    }

    private mutating func add(_ value: String, _ member: String, _ constraint: String) {
        let isShort = value.utf8.count <= Constraints.shownBytesMax
        let shown = isShort ? value : String(value.prefix(Constraints.shownBytesMax)) + "…"
        problems.append("Value '\(shown)' at '\(member)' failed to satisfy constraint: \(constraint)")
    }
}

/// A pattern of AWS's service model: its text, for messages, and the same rule as code.
struct Pattern {
    let text: String
    let matches: (String) -> Bool

    static var functionName: Pattern {
        Pattern(
            text: "(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:)?(\\d{12}:)?"
                + "(function:)?([a-zA-Z0-9-_]+)(:(\\$LATEST|[a-zA-Z0-9-_]+))?"
        ) { FunctionReference($0) != nil }
    }
    static var role: Pattern {
        Pattern(text: "arn:(aws[a-zA-Z-]*)?:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+") {
            $0.utf8.count <= 2_048
                && $0.wholeMatch(of: #/arn:(aws[a-zA-Z\-]*)?:iam::[0-9]{12}:role\/?[a-zA-Z_0-9+=,.@\-\/]+/#) != nil
        }
    }
    static var handler: Pattern {
        Pattern(text: "[^\\s]+") { !$0.isEmpty && !$0.contains(where: \.isWhitespace) && !$0.utf8.contains(0) }
    }
    static var alias: Pattern {
        Pattern(text: "(?!^[0-9]+$)([a-zA-Z0-9-_]+)") { isName($0) && !isDigits($0) }
    }
    static var version: Pattern {
        Pattern(text: "(\\$LATEST|[0-9]+)") { $0 == "$LATEST" || isDigits($0) }
    }
    static var name: Pattern { Pattern(text: "([a-zA-Z0-9-_]+)", matches: isName) }
    static var layerName: Pattern {
        Pattern(text: "(arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\\d{12}:layer:[a-zA-Z0-9-_]+)|[a-zA-Z0-9-_]+") {
            LayerReference(name: $0) != nil
        }
    }
    static var layerVersionARN: Pattern {
        Pattern(text: "arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+") {
            LayerReference(versionARN: $0) != nil
        }
    }
    static var environmentName: Pattern {
        Pattern(text: "[a-zA-Z]([a-zA-Z0-9_])+") { name in
            name.utf8.count >= 2 && name.utf8.allSatisfy { isLetter($0) || isDigit($0) || $0 == UInt8(ascii: "_") }
                && name.utf8.first.map(isLetter) == true
        }
    }
    static var logGroup: Pattern {
        Pattern(text: "[\\.\\-_/#A-Za-z0-9]+") {
            !$0.isEmpty && $0.utf8.allSatisfy { isLetter($0) || isDigit($0) || "._-/#".utf8.contains($0) }
        }
    }
    static var action: Pattern {
        Pattern(text: "(lambda:[*]|lambda:[a-zA-Z]+|[*])") { action in
            guard action != "*" else { return true }
            guard action.hasPrefix("lambda:") else { return false }
            let verb = action.utf8.dropFirst(7)
            return verb.elementsEqual("*".utf8) || (!verb.isEmpty && verb.allSatisfy(isLetter))
        }
    }
    static var principal: Pattern { Pattern(text: "[^\\s]+", matches: handler.matches) }
    static var account: Pattern { Pattern(text: "\\d{12}") { $0.utf8.count == 12 && isDigits($0) } }
    static var arn: Pattern {
        Pattern(text: "arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\\-])+:([a-z]{2}(-gov)?-[a-z]+-\\d{1})?:(\\d{12})?:(.*)") {
            $0.utf8.count <= 2_048 && $0.hasPrefix("arn:aws") && $0.utf8.count { $0 == UInt8(ascii: ":") } >= 5
                && !$0.contains(where: \.isNewline)
        }
    }

    static func isDigits(_ text: String) -> Bool { !text.isEmpty && text.utf8.allSatisfy(isDigit) }

    private static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { isLetter($0) || isDigit($0) || $0 == 0x2d || $0 == 0x5f }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
    private static func isLetter(_ byte: UInt8) -> Bool { (0x41...0x5a).contains(byte & 0xdf) }
}
