/// One key of one operator in a `Condition` block.
struct PolicyCondition: Sendable, Equatable {
    /// A value of the policy, ready to be compared.
    enum Value: Sendable, Equatable {
        case pattern(PolicyPattern)
        case number(Double)
        case bool(Bool)
        case text(String)
        case addresses(AddressRange)
        /// The six parts of an ARN.
        case arn([PolicyPattern])
    }

    let `operator`: ConditionOperator
    /// In lower case.
    let key: String
    let keyAsWritten: String
    let values: [Value]

    var patterns: [PolicyPattern] {
        values.flatMap { value -> [PolicyPattern] in
            switch value {
            case .pattern(let pattern): [pattern]
            case .arn(let parts): parts
            case .number, .bool, .text, .addresses: []
            }
        }
    }

    // MARK: Deciding

    /// Whether the request meets the condition. Without a set operator every value of a key must match, and a negated
    /// comparison holds as soon as one doesn't.
    func isMet(in context: PolicyContext) -> Bool {
        let given = context[key]
        if `operator`.comparison == .null { return values.contains(.bool(given == nil)) }
        guard let given, !given.isEmpty else {
            if `operator`.isIfExists { return true }
            switch `operator`.quantifier {
            case .none: return `operator`.isNegated
            case .forAll: return true
            case .forAny: return false
            }
        }
        let isNegated = `operator`.isNegated
        switch `operator`.quantifier {
        case .none: return given.allSatisfy { isNamed($0, context) } != isNegated
        case .forAll: return given.allSatisfy { isNamed($0, context) != isNegated }
        case .forAny: return given.contains { isNamed($0, context) != isNegated }
        }
    }

    private func isNamed(_ given: String, _ context: PolicyContext) -> Bool {
        switch `operator`.comparison {
        case .string(let ignoringCase): anyPattern { $0.matches(given.utf8, ignoringCase: ignoringCase) { context.variable($0) } }
        case .stringLike: anyPattern { $0.matches(given.utf8) { context.variable($0) } }
        case .numeric(let ordering): compare(Double(given), ordering)
        case .date(let ordering): compare(PolicyDate.seconds(given), ordering)
        case .bool: values.contains(.bool(given.lowercased() == "true")) && ["true", "false"].contains(given.lowercased())
        case .binary: values.contains(.text(given))
        case .address: isInRange(given)
        case .arn: isARN(given, context)
        case .null: false
        }
    }

    private func anyPattern(_ isMatch: (PolicyPattern) -> Bool) -> Bool {
        values.contains { if case .pattern(let pattern) = $0 { isMatch(pattern) } else { false } }
    }

    private func compare(_ given: Double?, _ ordering: ConditionOperator.Ordering) -> Bool {
        guard let given else { return false }
        return values.contains { if case .number(let number) = $0 { ordering.holds(given, number) } else { false } }
    }

    private func isInRange(_ given: String) -> Bool {
        guard let address = AddressRange(given) else { return false }
        return values.contains { if case .addresses(let range) = $0 { range.contains(address) } else { false } }
    }

    private func isARN(_ given: String, _ context: PolicyContext) -> Bool {
        let parts = given.utf8.split(separator: UInt8(ascii: ":"), maxSplits: 5, omittingEmptySubsequences: false)
        return values.contains { value in
            guard case .arn(let patterns) = value, patterns.count == parts.count else { return false }
            return zip(patterns, parts).allSatisfy { pattern, part in pattern.matches(part) { context.variable($0) } }
        }
    }

    // MARK: Reading

    static func read(_ json: PolicyJSON, hasVariables: Bool) throws(PolicyError) -> [PolicyCondition] {
        guard case .object(let operators, _) = json else { throw PolicyError("The element Condition must be an object.") }
        var conditions: [PolicyCondition] = []
        for member in operators {
            let `operator` = try ConditionOperator(member.name)
            guard case .object(let keys, _) = member.value else {
                throw PolicyError("The condition \(member.name.prefix(64)) must be an object.")
            }
            for key in keys {
                guard (1...256).contains(key.name.utf8.count) else { throw PolicyError("A condition key is empty or too long.") }
                conditions.append(
                    PolicyCondition(
                        operator: `operator`, key: key.name.lowercased(), keyAsWritten: key.name,
                        values: try values(key.value, `operator`, hasVariables: hasVariables)))
            }
        }
        return conditions
    }

    private static func values(
        _ json: PolicyJSON, _ operator: ConditionOperator, hasVariables: Bool
    ) throws(PolicyError) -> [Value] {
        let items: [PolicyJSON] = if case .array(let items) = json { items } else { [json] }
        guard items.count <= PolicyLimits.listMax else { throw PolicyError("A condition has too many values.") }
        var values: [Value] = []
        for item in items { values.append(try value(text(item), `operator`.comparison, hasVariables: hasVariables)) }
        return values
    }

    /// Numbers and booleans may be written without quotes.
    private static func text(_ json: PolicyJSON) throws(PolicyError) -> String {
        switch json {
        case .string(let text), .number(let text): return text
        case .bool(let value): return value ? "true" : "false"
        case .null, .array, .object: throw PolicyError("A condition's value must be a text, a number or a boolean.")
        }
    }

    private static func value(
        _ text: String, _ comparison: ConditionOperator.Comparison, hasVariables: Bool
    ) throws(PolicyError) -> Value {
        switch comparison {
        case .string: return .pattern(try PolicyPattern(text, hasWildcards: false, hasVariables: hasVariables))
        case .stringLike: return .pattern(try PolicyPattern(text, hasVariables: hasVariables))
        case .numeric:
            guard let number = Double(text), number.isFinite else { throw invalid("number", text) }
            return .number(number)
        case .date:
            guard let seconds = PolicyDate.seconds(text) else { throw invalid("date", text) }
            return .number(seconds)
        case .bool, .null:
            switch text.lowercased() {
            case "true": return .bool(true)
            case "false": return .bool(false)
            default: throw invalid("boolean", text)
            }
        case .binary: return .text(text)
        case .address:
            guard let range = AddressRange(text) else { throw invalid("address", text) }
            return .addresses(range)
        case .arn: return .arn(try arnParts(text, hasVariables: hasVariables))
        }
    }

    /// Parts that are missing after a star are anything.
    private static func arnParts(_ text: String, hasVariables: Bool) throws(PolicyError) -> [PolicyPattern] {
        var parts = split(text)
        if parts.count < 6, parts.last?.hasSuffix("*") == true { parts += Array(repeating: "*", count: 6 - parts.count) }
        guard parts.count == 6 else { throw invalid("ARN", text) }
        var patterns: [PolicyPattern] = []
        for part in parts { patterns.append(try PolicyPattern(part, hasVariables: hasVariables)) }
        return patterns
    }

    /// At the first five colons that aren't inside a variable.
    private static func split(_ text: String) -> [String] {
        var parts: [[UInt8]] = [[]]
        var isInVariable = false
        for byte in text.utf8 {
            if byte == UInt8(ascii: "{"), parts[parts.count - 1].last == UInt8(ascii: "$") { isInVariable = true }
            if byte == UInt8(ascii: "}") { isInVariable = false }
            if byte == UInt8(ascii: ":"), !isInVariable, parts.count < 6 {
                parts.append([])
            } else {
                parts[parts.count - 1].append(byte)
            }
        }
        return parts.map { String(decoding: $0, as: UTF8.self) }
    }

    private static func invalid(_ what: String, _ text: String) -> PolicyError {
        PolicyError("The condition value '\(text.prefix(64))' is no \(what).")
    }
}
