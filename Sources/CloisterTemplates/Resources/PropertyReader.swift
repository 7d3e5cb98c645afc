/// Collects warnings while a template is read.
final class WarningList {
    private(set) var warnings: [TemplateWarning] = []

    func add(_ message: String, at position: SourcePosition?) {
        let warning = TemplateWarning(message, at: position)
        if !warnings.contains(warning) { warnings.append(warning) }
    }
}

/// Reads one map of evaluated properties, checks types and bounds, and warns about what nobody asked for.
struct PropertyReader {
    let node: TemplateNode
    /// For messages: `Orders.Environment`.
    let path: String
    let warnings: WarningList
    private var known: Set<String> = []

    /// `node` nil or empty stands for a map without entries. Throws when it is something else.
    init(_ node: TemplateNode?, path: String, warnings: WarningList, at position: SourcePosition) throws {
        let node = node.flatMap { $0.isNull ? nil : $0 } ?? TemplateNode(.map([]), at: position)
        guard node.entries != nil else {
            throw TemplateError(.invalidValue, "\(path) must be a map, not \(node.kindName)", at: node.position)
        }
        self.node = node
        self.path = path
        self.warnings = warnings
    }

    mutating func value(_ key: String) -> TemplateNode? {
        known.insert(key)
        return node[key].flatMap { $0.isNull ? nil : $0 }
    }

    mutating func text(_ key: String) throws -> TemplateText? {
        guard let value = value(key) else { return nil }
        guard let text = value.text else { throw wrongType(key, "a text", value) }
        return text
    }

    /// A text that depends on no resource.
    mutating func literal(_ key: String) throws -> String? {
        guard let text = try text(key) else { return nil }
        guard let literal = text.literal else {
            throw TemplateError(
                .unsupported, "\(path).\(key) may not depend on another resource here", suggestion: "write the value",
                at: node[key]?.position)
        }
        return literal
    }

    mutating func required(_ key: String) throws -> TemplateText {
        guard let text = try text(key) else {
            throw TemplateError(.invalidValue, "\(path).\(key) is missing", at: node.position)
        }
        return text
    }

    mutating func integer(_ key: String, in bounds: ClosedRange<Int>) throws -> Int? {
        guard let value = value(key) else { return nil }
        guard let literal = value.literal, let number = Int(literal) else { throw wrongType(key, "a number", value) }
        guard bounds.contains(number) else {
            throw TemplateError(
                .invalidValue, "\(path).\(key) is \(number)",
                suggestion: "\(bounds.lowerBound) to \(bounds.upperBound) is allowed", at: value.position)
        }
        return number
    }

    mutating func flag(_ key: String) throws -> Bool? {
        guard let value = value(key) else { return nil }
        switch value.literal?.lowercased() {
        case "true", "yes", "on": return true
        case "false", "no", "off": return false
        default: throw wrongType(key, "true or false", value)
        }
    }

    mutating func choice(_ key: String, _ allowed: [String]) throws -> String? {
        guard let literal = try literal(key) else { return nil }
        guard allowed.contains(literal) else {
            throw TemplateError(
                .invalidValue, "\(path).\(key) is `\(literal)`",
                suggestion: "allowed: \(allowed.joined(separator: ", "))", at: node[key]?.position)
        }
        return literal
    }

    /// A list of texts; a single text counts as a list of one when `acceptsOne`.
    mutating func texts(_ key: String, acceptsOne: Bool = false) throws -> [TemplateText]? {
        guard let value = value(key) else { return nil }
        if acceptsOne, let text = value.text { return [text] }
        guard let items = value.items else { throw wrongType(key, "a list", value) }
        return try items.map { item in
            guard let text = item.text else { throw wrongType(key, "a list of texts", item) }
            return text
        }
    }

    mutating func textMap(_ key: String) throws -> [String: TemplateText]? {
        guard let value = value(key) else { return nil }
        guard let entries = value.entries else { throw wrongType(key, "a map", value) }
        var result: [String: TemplateText] = [:]
        for entry in entries {
            guard let text = entry.value.text else { throw wrongType("\(key).\(entry.key)", "a text", entry.value) }
            result[entry.key] = entry.value.isNull ? TemplateText("") : text
        }
        return result
    }

    /// A map inside this one; nil when it isn't there.
    mutating func section(_ key: String) throws -> PropertyReader? {
        guard let value = value(key) else { return nil }
        return try PropertyReader(value, path: "\(path).\(key)", warnings: warnings, at: value.position)
    }

    /// Marks a property that is understood but has no effect, and says so when it is there.
    mutating func ignore(_ key: String, because reason: String) {
        known.insert(key)
        guard let entry = node.entries?.first(where: { $0.key == key }) else { return }
        warnings.add("\(path).\(key) \(reason)", at: entry.keyPosition)
    }

    /// Marks a property that has neither effect nor meaning here.
    mutating func skip(_ keys: String...) { known.formUnion(keys) }

    /// Warns about every property that wasn't asked for. One that looks like a wish for tenant isolation is an error:
    /// passing over it would run tenants together.
    func warnAboutUnknown() throws {
        for entry in node.entries ?? [] where !known.contains(entry.key) {
            if entry.key.lowercased().contains("tenan") {
                throw TemplateError(
                    .invalidValue, "\(path).\(entry.key) isn't a property",
                    suggestion: "tenant isolation is `TenancyConfig: {TenantIsolationMode: PER_TENANT}`",
                    at: entry.keyPosition)
            }
            let hint = nearest(entry.key, in: known).flatMap { $0.hasPrefix("did") ? " (\($0))" : nil } ?? ""
            warnings.add("\(path).\(entry.key) isn't known and has no effect\(hint)", at: entry.keyPosition)
        }
    }

    func wrongType(_ key: String, _ wanted: String, _ value: TemplateNode) -> TemplateError {
        TemplateError(
            .invalidValue, "\(path).\(key) must be \(wanted), not \(value.literal.map { "`\($0)`" } ?? value.kindName)",
            at: value.position)
    }
}
