/// Collects what in a request breaks the service model's constraints, and says it in AWS's words, all at once.
struct Constraints {
    private var violations: [String] = []

    mutating func add(_ value: String?, at member: String, _ rule: String) {
        let shown = value.map { "'\($0.prefix(1_024))'" } ?? "null"
        violations.append("Value \(shown) at '\(member)' failed to satisfy constraint: \(rule)")
    }

    mutating func require(_ isPresent: Bool, _ member: String) {
        if !isPresent { add(nil, at: member, "Member must not be null") }
    }

    mutating func length(_ value: String?, _ member: String, _ range: ClosedRange<Int>) {
        guard let value else { return }
        let count = value.utf16.count
        if count < range.lowerBound {
            add(value, at: member, "Member must have length greater than or equal to \(range.lowerBound)")
        } else if count > range.upperBound {
            add(value, at: member, "Member must have length less than or equal to \(range.upperBound)")
        }
    }

    mutating func count(_ count: Int?, _ shown: String, _ member: String, _ range: ClosedRange<Int>) {
        guard let count else { return }
        if count < range.lowerBound {
            add(shown, at: member, "Member must have length greater than or equal to \(range.lowerBound)")
        } else if count > range.upperBound {
            add(shown, at: member, "Member must have length less than or equal to \(range.upperBound)")
        }
    }

    mutating func value(_ value: Int?, _ member: String, _ range: ClosedRange<Int>) {
        guard let value else { return }
        if value < range.lowerBound {
            add(String(value), at: member, "Member must have value greater than or equal to \(range.lowerBound)")
        } else if value > range.upperBound {
            add(String(value), at: member, "Member must have value less than or equal to \(range.upperBound)")
        }
    }

    mutating func choice(_ value: String?, _ member: String, _ allowed: [String]) {
        guard let value, !allowed.contains(where: { Text($0) == Text(value) }) else { return }
        add(value, at: member, "Member must satisfy enum value set: [\(allowed.joined(separator: ", "))]")
    }

    mutating func name(_ value: String?, _ member: String) {
        guard let value else { return }
        if !value.utf8.allSatisfy(Constraints.isNameByte) {
            add(value, at: member, "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+")
        }
        length(value, member, 3...255)
    }

    func check() throws {
        guard !violations.isEmpty else { return }
        let shown = violations.prefix(10)
        let noun = shown.count == 1 ? "error" : "errors"
        throw DynamoDBError.validation(
            "\(shown.count) validation \(noun) detected: \(shown.joined(separator: "; "))")
    }

    static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
