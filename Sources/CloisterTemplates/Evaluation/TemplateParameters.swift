/// Checks a template's `Parameters` against the values that were given and fills in the defaults.
struct TemplateParameters {
    /// A list type's value is split at commas.
    enum Value: Sendable {
        case text(String)
        case list([String])
    }

    private(set) var values: [String: Value] = [:]
    /// Parameters with `NoEcho`; their values must not be printed.
    private(set) var secret: Set<String> = []

    init(section: TemplateNode?, overrides: [String: String], file: String) throws {
        let entries = try section.map { try TemplateParameters.entries(of: $0) } ?? []
        for entry in entries { try add(entry, override: overrides[entry.key]) }
        let known = Set(entries.map(\.key))
        if let unknown = overrides.keys.sorted().first(where: { !known.contains($0) }) {
            throw TemplateError(
                .unresolved, "the template has no parameter `\(unknown)`", suggestion: nearest(unknown, in: known),
                at: SourcePosition(file: file, line: 1, column: 1))
        }
    }

    private static func entries(of section: TemplateNode) throws -> [TemplateNode.Entry] {
        guard let entries = section.entries else {
            if section.isNull { return [] }
            throw TemplateError(.malformed, "`Parameters` must be a map", at: section.position)
        }
        guard entries.count <= TemplateLimits.parametersMax else {
            throw TemplateError(
                .tooLarge, "more than \(TemplateLimits.parametersMax) parameters", at: section.position)
        }
        return entries
    }

    private mutating func add(_ entry: TemplateNode.Entry, override: String?) throws {
        let name = entry.key
        let type = entry.value["Type"]?.literal ?? "String"
        guard let text = override ?? entry.value["Default"]?.literal else {
            throw TemplateError(
                .unresolved, "parameter `\(name)` has no default and no value was given",
                suggestion: "add --parameter-overrides \(name)=…", at: entry.keyPosition)
        }
        if entry.value["NoEcho"]?.literal?.lowercased() == "true" { secret.insert(name) }
        let isList = type == "CommaDelimitedList" || type.hasPrefix("List<")
        let parts = isList ? splitList(text) : [text]
        for part in parts { try check(part, type: type, of: entry) }
        values[name] = isList ? .list(parts) : .text(text)
    }

    private func check(_ text: String, type: String, of entry: TemplateNode.Entry) throws {
        let rule = entry.value
        func refuse(_ problem: String) -> TemplateError {
            let detail = rule["ConstraintDescription"]?.literal
            let shown = secret.contains(entry.key) ? "the value" : "`\(text)`"
            return TemplateError(
                .invalidValue, "parameter `\(entry.key)`: \(shown) \(problem)", suggestion: detail,
                at: entry.keyPosition)
        }
        if type == "Number" || type == "List<Number>" {
            guard let number = Double(text), number.isFinite else { throw refuse("is no number") }
            if let least = bound("MinValue", rule), number < least { throw refuse("is below MinValue") }
            if let most = bound("MaxValue", rule), number > most { throw refuse("is above MaxValue") }
        }
        if let least = bound("MinLength", rule), Double(text.count) < least { throw refuse("is too short") }
        if let most = bound("MaxLength", rule), Double(text.count) > most { throw refuse("is too long") }
        if let allowed = rule["AllowedValues"]?.items?.compactMap(\.literal), !allowed.contains(text) {
            throw refuse("must be one of \(allowed.joined(separator: ", "))")
        }
        if let pattern = rule["AllowedPattern"]?.literal, let matches = wholeMatch(text, pattern), !matches {
            throw refuse("doesn't match \(pattern)")
        }
        if type.hasPrefix("AWS::SSM::") {
            throw TemplateError(
                .unsupported, "parameter type `\(type)` isn't supported", suggestion: "use String",
                at: entry.keyPosition)
        }
    }

    private func bound(_ key: String, _ rule: TemplateNode) -> Double? { rule[key]?.literal.flatMap { Double($0) } }

    private func splitList(_ text: String) -> [String] {
        text.isEmpty ? [] : text.split(separator: ",", omittingEmptySubsequences: false).map { trimmed(String($0)) }
    }

    /// Nil when the pattern isn't one that can be checked here.
    private func wholeMatch(_ text: String, _ pattern: String) -> Bool? {
        guard pattern.utf8.count <= 1_000, text.utf8.count <= 4_096 else { return nil }
        // No reason to stop on a pattern that another dialect understands: the server checks values again.
        guard let regex = try? Regex(pattern) else { return nil }
        return text.wholeMatch(of: regex) != nil
    }
}

/// `text` without blanks at its ends.
func trimmed(_ text: String) -> String {
    var part = Substring(text)
    while part.first?.isWhitespace == true { part.removeFirst() }
    while part.last?.isWhitespace == true { part.removeLast() }
    return String(part)
}
