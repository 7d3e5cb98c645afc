/// `{ $.level = "ERROR" && ($.code >= 500 || $.user NOT EXISTS) }`.
///
/// Operators: `=` and `!=` against text (with `*`) or numbers; `<`, `<=`, `>`, `>=` against numbers; `IS NULL`,
/// `IS TRUE`, `IS FALSE`, `EXISTS`, `NOT EXISTS`. Selectors: `$.a.b`, `$.a[0]`, `$['odd name']`, and `[*]` or `.*` for
/// any element or member. A comparison with a property that isn't there is false, `!=` too.
struct JSONPattern: Equatable, Sendable {
    let condition: JSONCondition

    init(_ text: [UInt8]) throws(LogFilterPattern.Malformed) {
        var parser = JSONPatternParser(text: text)
        condition = try parser.pattern()
    }

    func matches(_ message: ArraySlice<UInt8>) -> Bool {
        guard message.first(where: { !isPatternSpace($0) }) == UInt8(ascii: "{"), let value = JSONValue(message) else {
            return false
        }
        return condition.holds(for: value)
    }
}

indirect enum JSONCondition: Equatable, Sendable {
    case all([JSONCondition])
    case any([JSONCondition])
    case test(JSONSelector, JSONTest)

    func holds(for root: JSONValue) -> Bool {
        switch self {
        case .all(let conditions): conditions.allSatisfy { $0.holds(for: root) }
        case .any(let conditions): conditions.contains { $0.holds(for: root) }
        case .test(let selector, .absent): selector.values(in: root).isEmpty
        case .test(let selector, let test): selector.values(in: root).contains(where: test.holds)
        }
    }
}

enum JSONTest: Equatable, Sendable {
    enum Order: Equatable, Sendable { case less, lessOrEqual, greater, greaterOrEqual }

    case text(WildcardText, isEqual: Bool)
    case number(Double, isEqual: Bool)
    case order(Order, Double)
    case null
    case bool(Bool)
    case present
    case absent

    func holds(for value: JSONValue) -> Bool {
        switch self {
        case .text(let text, let isEqual): textMatch(text, value).map { $0 == isEqual } ?? false
        case .number(let number, let isEqual): numberMatch(number, value).map { $0 == isEqual } ?? false
        case .order(let order, let number): orderMatch(order, number, value)
        case .null: value == .null
        case .bool(let bool): value == .bool(bool)
        case .present: true
        case .absent: false
        }
    }

    /// Nil where the two can't be compared.
    private func textMatch(_ text: WildcardText, _ value: JSONValue) -> Bool? {
        switch value {
        case .string(let string): text.matches(string)
        case .number(_, let digits): text.matches(digits)
        case .bool(let bool): text.matches(bool ? "true" : "false")
        case .null, .array, .object: nil
        }
    }

    private func numberMatch(_ number: Double, _ value: JSONValue) -> Bool? {
        switch value {
        case .number(let other, _): other == number
        case .string: false
        case .null, .bool, .array, .object: nil
        }
    }

    private func orderMatch(_ order: Order, _ number: Double, _ value: JSONValue) -> Bool {
        guard case .number(let other, _) = value else { return false }
        return switch order {
        case .less: other < number
        case .lessOrEqual: other <= number
        case .greater: other > number
        case .greaterOrEqual: other >= number
        }
    }
}

/// The way to values inside a JSON message.
struct JSONSelector: Equatable, Sendable {
    enum Step: Equatable, Sendable {
        case member(String)
        case element(Int)
        case anything
    }

    let steps: [Step]

    func values(in root: JSONValue) -> [JSONValue] {
        var values = [root]
        for step in steps { values = values.flatMap { JSONSelector.follow(step, from: $0) } }
        return values
    }

    private static func follow(_ step: Step, from value: JSONValue) -> [JSONValue] {
        switch (step, value) {
        case (.member(let name), .object(let members)): members[name].map { [$0] } ?? []
        case (.element(let index), .array(let elements)): elements.indices.contains(index) ? [elements[index]] : []
        case (.anything, .array(let elements)): elements
        case (.anything, .object(let members)): Array(members.values)
        default: []
        }
    }
}
