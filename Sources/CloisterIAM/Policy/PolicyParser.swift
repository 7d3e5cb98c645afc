/// Reads policy documents strictly: an element that isn't known, or a value of a wrong type, is an error and never passed
/// over, because what was meant as a restriction would then not be one.
struct PolicyParser {
    let kind: PolicyDocument.Kind

    func document(_ text: String) throws(PolicyError) -> PolicyDocument {
        guard case .object(let members, _) = try PolicyJSON.parse(text) else { throw PolicyError("Syntax errors in policy.") }
        var statements: [PolicyJSON]?
        var version = "2008-10-17"
        for member in members {
            switch member.name {
            case "Version":
                guard case .string(let given) = member.value, given == "2012-10-17" || given == "2008-10-17" else {
                    throw PolicyError("The policy's Version must be 2012-10-17 or 2008-10-17.")
                }
                version = given
            case "Id":
                guard case .string = member.value else { throw PolicyError("The policy's Id must be a text.") }
            case "Statement":
                if case .array(let items) = member.value { statements = items } else { statements = [member.value] }
            default: throw PolicyError("Syntax errors in policy: unknown element \(member.name.prefix(64)).")
            }
        }
        guard let statements, !statements.isEmpty else { throw PolicyError("The policy must contain a statement.") }
        guard statements.count <= PolicyLimits.statementsMax else { throw PolicyError("The policy has too many statements.") }
        let places = TextPlaces(text)
        var parsed: [PolicyStatement] = []
        for statement in statements {
            parsed.append(try self.statement(statement, hasVariables: version == "2012-10-17", places))
        }
        let sids = parsed.compactMap(\.sid)
        guard Set(sids).count == sids.count || kind == .resource else {
            throw PolicyError("Statement IDs (SID) in a single policy must be unique.")
        }
        return PolicyDocument(statements: parsed)
    }

    private func statement(
        _ json: PolicyJSON, hasVariables: Bool, _ places: TextPlaces
    ) throws(PolicyError) -> PolicyStatement {
        guard case .object(let members, let range) = json else { throw PolicyError("A statement must be an object.") }
        var statement = PolicyStatement(
            sid: nil, effect: .deny, principals: nil, actions: [], isActionInverted: false, resources: [],
            isResourceInverted: false, conditions: [], start: places[range.lowerBound], end: places[range.upperBound])
        var seen: Set<String> = []
        for member in members {
            // An element and its inversion together would have two meanings.
            let element = member.name.hasPrefix("Not") ? String(member.name.dropFirst(3)) : member.name
            guard seen.insert(element).inserted else {
                throw PolicyError("A statement has both \(element) and Not\(element).")
            }
            try read(member, hasVariables: hasVariables, into: &statement)
        }
        guard seen.contains("Effect") else { throw PolicyError("Missing required field Effect") }
        guard seen.contains("Action") else { throw PolicyError("Policy statement must contain actions.") }
        try check(seen)
        return statement
    }

    private func check(_ elements: Set<String>) throws(PolicyError) {
        switch kind {
        case .identity:
            guard !elements.contains("Principal") else { throw PolicyError("Policy document should not specify a principal.") }
            guard elements.contains("Resource") else { throw PolicyError("Policy statement must contain resources.") }
        case .resource:
            guard elements.contains("Principal") else { throw PolicyError("Missing required field Principal") }
        case .trust:
            guard elements.contains("Principal") else { throw PolicyError("Missing required field Principal") }
            guard !elements.contains("Resource") else { throw PolicyError("Has prohibited field Resource") }
        }
    }

    private func read(
        _ member: PolicyJSON.Member, hasVariables: Bool, into statement: inout PolicyStatement
    ) throws(PolicyError) {
        switch member.name {
        case "Sid":
            guard case .string(let sid) = member.value, isSid(sid) else {
                throw PolicyError("Statement IDs (SID) must be alpha-numeric.")
            }
            statement.sid = sid.isEmpty ? nil : sid
        case "Effect":
            switch member.value {
            case .string("Allow"): statement.effect = .allow
            case .string("Deny"): statement.effect = .deny
            default: throw PolicyError("Invalid effect: it must be Allow or Deny.")
            }
        case "Principal", "NotPrincipal":
            statement.principals = try PrincipalElement(member.value, isInverted: member.name == "NotPrincipal")
        case "Action", "NotAction":
            statement.actions = try actions(member.value)
            statement.isActionInverted = member.name == "NotAction"
        case "Resource", "NotResource":
            statement.resources = try resources(member.value, hasVariables: hasVariables)
            statement.isResourceInverted = member.name == "NotResource"
        case "Condition":
            statement.conditions = try PolicyCondition.read(member.value, hasVariables: hasVariables)
        default:
            throw PolicyError("Syntax errors in policy: unknown element \(member.name.prefix(64)).")
        }
    }

    private func actions(_ json: PolicyJSON) throws(PolicyError) -> [PolicyPattern] {
        var patterns: [PolicyPattern] = []
        for text in try PolicyParser.texts(json, "Action") {
            guard text == "*" || isAction(text) else {
                throw PolicyError("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
            }
            patterns.append(try PolicyPattern(text, hasVariables: false))
        }
        guard !patterns.isEmpty else { throw PolicyError("Policy statement must contain actions.") }
        return patterns
    }

    private func resources(_ json: PolicyJSON, hasVariables: Bool) throws(PolicyError) -> [PolicyPattern] {
        var patterns: [PolicyPattern] = []
        for text in try PolicyParser.texts(json, "Resource") {
            guard text == "*" || isResource(text) else {
                throw PolicyError("Resource \(text.prefix(128)) must be in ARN format or \"*\".")
            }
            patterns.append(try PolicyPattern(text, hasVariables: hasVariables))
        }
        guard !patterns.isEmpty else { throw PolicyError("Policy statement must contain resources.") }
        return patterns
    }

    private func isSid(_ text: String) -> Bool {
        guard kind != .resource else { return text.utf8.count <= 256 }
        return text.utf8.count <= 128 && text.utf8.allSatisfy {
            $0 >= UInt8(ascii: "a") && $0 <= UInt8(ascii: "z") || $0 >= UInt8(ascii: "A") && $0 <= UInt8(ascii: "Z")
                || $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9")
        }
    }

    /// `service:Name`, both with wildcards.
    private func isAction(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        return parts.count == 2 && parts.allSatisfy { part in
            !part.isEmpty && part.allSatisfy { byte in
                byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z") || byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z")
                    || byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") || "-_*?".utf8.contains(byte)
            }
        }
    }

    /// Six parts, the first of them `arn`; wildcards may stand for several parts.
    private func isResource(_ text: String) -> Bool {
        let parts = text.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false)
        guard let first = parts.first else { return false }
        if first == "arn" { return parts.count == 6 || text.hasSuffix("*") }
        return kind == .resource && text.hasPrefix("*")
    }

    /// One text or a list of them.
    static func texts(_ json: PolicyJSON, _ element: String) throws(PolicyError) -> [String] {
        switch json {
        case .string(let text): return [text]
        case .array(let items):
            guard items.count <= PolicyLimits.listMax else { throw PolicyError("The element \(element) has too many values.") }
            var texts: [String] = []
            for item in items {
                guard case .string(let text) = item else { throw PolicyError("The element \(element) must hold texts.") }
                texts.append(text)
            }
            return texts
        default: throw PolicyError("The element \(element) must be a text or a list of texts.")
        }
    }
}

/// Lines and columns of a text's bytes.
private struct TextPlaces {
    private let lineStarts: [Int]

    init(_ text: String) {
        lineStarts = [0] + text.utf8.enumerated().lazy.filter { $0.element == 0x0a }.map { $0.offset + 1 }
    }

    subscript(offset: Int) -> TextPlace {
        let line = lineStarts.lastIndex { $0 <= offset } ?? 0
        return TextPlace(line: line + 1, column: offset - lineStarts[line] + 1)
    }
}
