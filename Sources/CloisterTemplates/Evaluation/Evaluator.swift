/// Evaluates intrinsic functions. Pure: the same template, parameters and context give the same values.
struct Evaluator {
    let context: StackContext
    let parameters: TemplateParameters
    let mappings: TemplateNode?
    let conditions: [String: Bool]
    /// Checks that a resource has an attribute; throws `TemplateError` otherwise.
    let checkAttribute: (_ resource: String, _ attribute: String, _ position: SourcePosition) throws -> Void

    /// The value of `node`; nil for `AWS::NoValue`, which takes its key or item out of what it stands in.
    func evaluate(_ node: TemplateNode) throws -> TemplateNode? {
        if let call = node.intrinsic, call.key != "Condition" {
            return try apply(call.key, call.value, at: node.position)
        }
        switch node.kind {
        case .scalar:
            return node
        case .list(let items):
            return TemplateNode(.list(try items.compactMap { try evaluate($0) }), at: node.position)
        case .map(let entries):
            let evaluated = try entries.compactMap { entry in
                try evaluate(entry.value).map {
                    TemplateNode.Entry(key: entry.key, keyPosition: entry.keyPosition, value: $0)
                }
            }
            return TemplateNode(.map(evaluated), at: node.position)
        }
    }

    private func apply(_ name: String, _ argument: TemplateNode, at position: SourcePosition) throws -> TemplateNode? {
        switch name {
        case "Ref": return try reference(argument)
        case "Fn::GetAtt": return try attribute(argument)
        case "Fn::Sub": return TemplateNode(.scalar(try substitute(argument), isPlain: false), at: position)
        case "Fn::Join": return try join(argument)
        case "Fn::If": return try choose(argument)
        case "Fn::Select": return try select(argument)
        case "Fn::Split": return try split(argument)
        case "Fn::FindInMap": return try findInMap(argument)
        case "Fn::Base64": return try base64(argument)
        case "Fn::Equals", "Fn::Not", "Fn::And", "Fn::Or":
            throw TemplateError(
                .malformed, "`\(name)` may only stand in `Conditions`", suggestion: "use !If with a named condition",
                at: position)
        case "Fn::ImportValue":
            throw TemplateError(
                .unsupported, "`Fn::ImportValue` isn't supported: stacks don't export values to one another yet",
                suggestion: "pass the value as a parameter", at: position)
        case "Fn::Transform":
            throw TemplateError(
                .unsupported, "`Fn::Transform` and macros aren't supported",
                suggestion: "deploy the template that the macro makes", at: position)
        default:
            throw TemplateError(.unsupported, "the function `\(name)` isn't supported", at: position)
        }
    }

    // MARK: - References

    private func reference(_ argument: TemplateNode) throws -> TemplateNode? {
        guard let name = argument.literal else {
            throw TemplateError(.malformed, "`Ref` takes a name, not \(argument.kindName)", at: argument.position)
        }
        return try reference(to: name, at: argument.position)
    }

    private func reference(to name: String, at position: SourcePosition) throws -> TemplateNode? {
        if name == "AWS::NoValue" { return nil }
        if name == "AWS::NotificationARNs" { return TemplateNode(.list([]), at: position) }
        if let value = context.pseudoParameter(name) { return TemplateNode(text: value, at: position) }
        switch parameters.values[name] {
        case .text(let text):
            return TemplateNode(.scalar(TemplateText(text), isPlain: true), at: position)
        case .list(let parts):
            return TemplateNode(.list(parts.map { TemplateNode(text: $0, at: position) }), at: position)
        case nil:
            let dot = name.split(separator: ".", maxSplits: 1).map(String.init)
            let resource = dot.first ?? name
            let attribute = dot.count == 2 ? dot[1] : "Ref"
            try checkAttribute(resource, attribute, position)
            let text = TemplateText(resource: resource, attribute: attribute)
            return TemplateNode(.scalar(text, isPlain: false), at: position)
        }
    }

    private func attribute(_ argument: TemplateNode) throws -> TemplateNode {
        var parts: [String] = []
        if let text = argument.literal {
            parts = text.split(separator: ".", maxSplits: 1).map(String.init)
        } else if let items = argument.items {
            parts = try items.map { item in
                guard let text = try evaluate(item)?.literal else {
                    throw TemplateError(.malformed, "`Fn::GetAtt` takes two names", at: item.position)
                }
                return text
            }
        }
        guard parts.count == 2 else {
            throw TemplateError(
                .malformed, "`Fn::GetAtt` takes a resource and an attribute", suggestion: "write Resource.Attribute",
                at: argument.position)
        }
        try checkAttribute(parts[0], parts[1], argument.position)
        let text = TemplateText(resource: parts[0], attribute: parts[1])
        return TemplateNode(.scalar(text, isPlain: false), at: argument.position)
    }

    // MARK: - Texts

    private func substitute(_ argument: TemplateNode) throws -> TemplateText {
        var own: [String: TemplateText] = [:]
        var pattern = argument
        if let items = argument.items {
            guard items.count == 2, let entries = items[1].entries else {
                throw TemplateError(.malformed, "`Fn::Sub` takes a text, or a text and a map", at: argument.position)
            }
            pattern = items[0]
            for entry in entries { own[entry.key] = try text(entry.value, in: "Fn::Sub") }
        }
        guard let format = pattern.literal else {
            throw TemplateError(.malformed, "`Fn::Sub` takes a text, not \(pattern.kindName)", at: pattern.position)
        }
        var result = TemplateText("")
        for part in try SubstitutionPattern.parts(of: format, at: pattern.position) {
            switch part {
            case .literal(let literal): result.append(TemplateText(literal))
            case .variable(let name):
                if let value = own[name] {
                    result.append(value)
                } else {
                    result.append(try substituted(name, at: pattern.position))
                }
            }
            try checkLength(result, at: argument.position)
        }
        return result
    }

    private func substituted(_ name: String, at position: SourcePosition) throws -> TemplateText {
        guard let text = try reference(to: name, at: position)?.text else {
            throw TemplateError(.invalidValue, "`${\(name)}` in `Fn::Sub` isn't a text", at: position)
        }
        return text
    }

    private func join(_ argument: TemplateNode) throws -> TemplateNode {
        guard let items = argument.items, items.count == 2, let delimiter = items[0].literal else {
            throw TemplateError(
                .malformed, "`Fn::Join` takes a delimiter and a list", suggestion: "!Join [\",\", [a, b]]",
                at: argument.position)
        }
        guard let values = try evaluate(items[1])?.items else {
            throw TemplateError(.malformed, "the second argument of `Fn::Join` is no list", at: items[1].position)
        }
        var result = TemplateText("")
        for (index, value) in values.enumerated() {
            guard let text = value.text else {
                throw TemplateError(.malformed, "`Fn::Join` joins texts, not \(value.kindName)", at: value.position)
            }
            if index > 0 { result.append(TemplateText(delimiter)) }
            result.append(text)
            try checkLength(result, at: argument.position)
        }
        return TemplateNode(.scalar(result, isPlain: false), at: argument.position)
    }

    private func base64(_ argument: TemplateNode) throws -> TemplateNode {
        let literal = try literalText(argument, in: "Fn::Base64")
        return TemplateNode(text: Base64.encode(Array(literal.utf8)), at: argument.position)
    }

    private func split(_ argument: TemplateNode) throws -> TemplateNode {
        guard let items = argument.items, items.count == 2, let delimiter = items[0].literal, !delimiter.isEmpty else {
            throw TemplateError(
                .malformed, "`Fn::Split` takes a delimiter and a text", suggestion: "!Split [\",\", \"a,b\"]",
                at: argument.position)
        }
        let source = try literalText(items[1], in: "Fn::Split")
        let parts = source.split(separator: delimiter, omittingEmptySubsequences: false)
        return TemplateNode(
            .list(parts.map { TemplateNode(text: String($0), at: argument.position) }), at: argument.position)
    }

    // MARK: - Choices

    private func choose(_ argument: TemplateNode) throws -> TemplateNode? {
        guard let items = argument.items, items.count == 3, let name = items[0].literal else {
            throw TemplateError(
                .malformed, "`Fn::If` takes a condition and two values", suggestion: "!If [IsProduction, a, b]",
                at: argument.position)
        }
        guard let isTrue = conditions[name] else {
            throw TemplateError(
                .unresolved, "there is no condition `\(name)`", suggestion: nearest(name, in: conditions.keys),
                at: items[0].position)
        }
        return try evaluate(isTrue ? items[1] : items[2])
    }

    private func select(_ argument: TemplateNode) throws -> TemplateNode? {
        guard let items = argument.items, items.count == 2,
            let index = (try evaluate(items[0]))?.literal.flatMap({ Int($0) })
        else {
            throw TemplateError(
                .malformed, "`Fn::Select` takes an index and a list", suggestion: "!Select [0, [a, b]]",
                at: argument.position)
        }
        guard let values = try evaluate(items[1])?.items else {
            throw TemplateError(.malformed, "the second argument of `Fn::Select` is no list", at: items[1].position)
        }
        guard values.indices.contains(index) else {
            throw TemplateError(
                .invalidValue, "`Fn::Select` takes item \(index) of a list of \(values.count)",
                suggestion: "the first item is 0", at: argument.position)
        }
        return values[index]
    }

    private func findInMap(_ argument: TemplateNode) throws -> TemplateNode? {
        guard let items = argument.items, items.count == 3 else {
            throw TemplateError(.malformed, "`Fn::FindInMap` takes a map and two keys", at: argument.position)
        }
        var found = mappings
        for item in items {
            let key = try literalText(item, in: "Fn::FindInMap")
            guard let next = found?[key] else {
                let known = found?.entries?.map(\.key) ?? []
                throw TemplateError(
                    .unresolved, "`Fn::FindInMap` finds no `\(key)`", suggestion: nearest(key, in: known),
                    at: item.position)
            }
            found = next
        }
        return found
    }

    // MARK: - Arguments

    func text(_ node: TemplateNode, in function: String) throws -> TemplateText {
        guard let text = try evaluate(node)?.text else {
            throw TemplateError(.malformed, "`\(function)` takes a text here", at: node.position)
        }
        return text
    }

    /// A text that depends on no resource.
    func literalText(_ node: TemplateNode, in function: String) throws -> String {
        guard let literal = try text(node, in: function).literal else {
            throw TemplateError(
                .unsupported, "`\(function)` of a value that is known only after deployment isn't supported",
                suggestion: "write the value with Fn::Sub", at: node.position)
        }
        return literal
    }

    private func checkLength(_ text: TemplateText, at position: SourcePosition) throws {
        if text.literalBytes > TemplateLimits.textBytesMax || text.segments.count > 10_000 {
            throw TemplateError(
                .tooLarge, "a text of more than \(TemplateLimits.textBytesMax) bytes", at: position)
        }
    }
}
