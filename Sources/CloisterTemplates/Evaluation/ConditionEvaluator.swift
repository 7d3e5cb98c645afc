/// Evaluates the section `Conditions`. Conditions may use one another, but not in a circle.
struct ConditionEvaluator {
    private let definitions: [String: TemplateNode]
    private let values: Evaluator
    private var results: [String: Bool] = [:]
    private var path: [String] = []

    /// Every condition's value, by name.
    static func evaluate(
        _ section: TemplateNode?, context: StackContext, parameters: TemplateParameters, mappings: TemplateNode?
    ) throws -> [String: Bool] {
        guard let section, !section.isNull else { return [:] }
        guard let entries = section.entries else {
            throw TemplateError(.malformed, "`Conditions` must be a map", at: section.position)
        }
        let values = Evaluator(context: context, parameters: parameters, mappings: mappings, conditions: [:]) {
            resource, _, position in
            throw TemplateError(
                .unresolved, "conditions know parameters only, and `\(resource)` is none",
                suggestion: nearest(resource, in: parameters.values.keys), at: position)
        }
        var evaluator = ConditionEvaluator(
            definitions: Dictionary(entries.map { ($0.key, $0.value) }) { first, _ in first }, values: values)
        for entry in entries { _ = try evaluator.value(of: entry.key, at: entry.keyPosition) }
        return evaluator.results
    }

    private init(definitions: [String: TemplateNode], values: Evaluator) {
        self.definitions = definitions
        self.values = values
    }

    private mutating func value(of name: String, at position: SourcePosition) throws -> Bool {
        if let known = results[name] { return known }
        guard let definition = definitions[name] else {
            throw TemplateError(
                .unresolved, "there is no condition `\(name)`", suggestion: nearest(name, in: definitions.keys),
                at: position)
        }
        if path.contains(name) {
            throw TemplateError(
                .circular, "conditions need each other: \((path + [name]).joined(separator: " → "))", at: position)
        }
        path.append(name)
        let result = try isTrue(definition)
        path.removeLast()
        results[name] = result
        return result
    }

    private mutating func isTrue(_ node: TemplateNode) throws -> Bool {
        guard let call = node.intrinsic else {
            throw TemplateError(
                .malformed, "a condition is one of !Equals, !And, !Or, !Not and !Condition", at: node.position)
        }
        switch call.key {
        case "Condition":
            guard let name = call.value.literal else {
                throw TemplateError(.malformed, "`Condition` takes a name", at: call.value.position)
            }
            return try value(of: name, at: call.value.position)
        case "Fn::Equals":
            let items = try arguments(call, 2...2)
            return try values.literalText(items[0], in: call.key) == values.literalText(items[1], in: call.key)
        case "Fn::Not":
            return try !isTrue(try arguments(call, 1...1)[0])
        case "Fn::And":
            return try arguments(call, 2...10).reduce(true) { try isTrue($1) && $0 }
        case "Fn::Or":
            return try arguments(call, 2...10).reduce(false) { try isTrue($1) || $0 }
        default:
            throw TemplateError(.malformed, "`\(call.key)` is no condition", at: node.position)
        }
    }

    private func arguments(_ call: TemplateNode.Entry, _ count: ClosedRange<Int>) throws -> [TemplateNode] {
        guard let items = call.value.items, count.contains(items.count) else {
            let wanted = count.lowerBound == count.upperBound
                ? "\(count.lowerBound)" : "\(count.lowerBound) to \(count.upperBound)"
            throw TemplateError(
                .malformed, "`\(call.key)` takes a list of \(wanted)", at: call.value.position)
        }
        return items
    }
}
