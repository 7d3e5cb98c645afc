import Yams

/// Reads YAML or JSON text into nodes. Short-form tags (`!Ref x`) become the long form (`Ref: x`).
public struct TemplateReader {
    private let file: String
    private var nodesLeft = TemplateLimits.nodesMax

    private init(file: String) { self.file = file }

    /// The root value of `text`; `file` is for messages. Bounds: `TemplateLimits`. Throws `TemplateError`.
    public static func read(_ text: String, file: String) throws -> TemplateNode {
        let start = SourcePosition(file: file, line: 1, column: 1)
        guard text.utf8.count <= TemplateLimits.bytesMax else {
            throw TemplateError(
                .tooLarge, "the template has more than \(TemplateLimits.bytesMax) bytes",
                suggestion: "keep code in its own files", at: start)
        }
        try checkAliases(text, at: start)
        var reader = TemplateReader(file: file)
        guard let root = try parse(text, file: file) else {
            throw TemplateError(.malformed, "the template is empty", at: start)
        }
        return try reader.convert(root, depth: 0)
    }

    private static func parse(_ text: String, file: String) throws -> Node? {
        do {
            return try Parser(yaml: text).singleRoot()
        } catch let error as YamlError {
            throw templateError(error, file: file)
        }
    }

    /// Aliases are copied where they are used, and keys are hashed while parsing, so a "billion laughs" text has to
    /// be refused before: `a` anchors and `n` aliases can make at most `(n / a)^a` copies.
    private static func checkAliases(_ text: String, at start: SourcePosition) throws {
        var anchors = 0
        var aliases = 0
        var previous = UInt8(ascii: "\n")
        for byte in text.utf8 {
            if isBeforeValue(previous) {
                if byte == UInt8(ascii: "&") { anchors += 1 }
                if byte == UInt8(ascii: "*") { aliases += 1 }
            }
            previous = byte
        }
        guard anchors > 0, aliases > 0 else { return }
        var copies = 1.0
        for used in 1...min(anchors, 64) {
            var product = 1.0
            for _ in 0..<used { product *= max(1, Double(aliases) / Double(used)) }
            copies = max(copies, product)
        }
        if copies > TemplateLimits.aliasExpansionMax {
            throw TemplateError(
                .tooLarge, "the template uses too many YAML anchors and aliases (\(anchors) and \(aliases))",
                suggestion: "use parameters or Globals instead", at: start)
        }
    }

    private static func isBeforeValue(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\t"), UInt8(ascii: "\r"), UInt8(ascii: "["),
            UInt8(ascii: "{"), UInt8(ascii: ","), UInt8(ascii: ":"), UInt8(ascii: "-"), UInt8(ascii: "?"):
            true
        default:
            false
        }
    }

    private mutating func convert(_ node: Node, depth: Int) throws -> TemplateNode {
        let position = SourcePosition(file: file, line: node.mark?.line ?? 1, column: node.mark?.column ?? 1)
        nodesLeft -= 1
        guard nodesLeft >= 0 else {
            throw TemplateError(
                .tooLarge, "the template has more than \(TemplateLimits.nodesMax) values", at: position)
        }
        guard depth <= TemplateLimits.depthMax else {
            throw TemplateError(
                .tooLarge, "values are nested more than \(TemplateLimits.depthMax) deep", at: position)
        }
        let plain = TemplateNode(try convertUntagged(node, depth: depth, at: position), at: position)
        return try applyTag(rawTag(of: node), to: plain)
    }

    private mutating func convertUntagged(
        _ node: Node, depth: Int, at position: SourcePosition
    ) throws -> TemplateNode.Kind {
        switch node {
        case .scalar(let scalar):
            return .scalar(TemplateText(scalar.string), isPlain: scalar.style == .plain)
        case .sequence(let sequence):
            return .list(try sequence.map { try convert($0, depth: depth + 1) })
        case .mapping(let mapping):
            return .map(try mapping.map { try convertEntry($0.key, $0.value, depth: depth + 1, at: position) })
        case .alias:
            throw TemplateError(.malformed, "an alias names nothing", at: position)
        }
    }

    private mutating func convertEntry(
        _ key: Node, _ value: Node, depth: Int, at position: SourcePosition
    ) throws -> TemplateNode.Entry {
        guard case .scalar(let scalar) = key else {
            throw TemplateError(.malformed, "a key must be a single value", at: position)
        }
        let keyPosition = SourcePosition(
            file: file, line: scalar.mark?.line ?? position.line, column: scalar.mark?.column ?? position.column)
        if scalar.string == "<<" {
            throw TemplateError(
                .unsupported, "YAML merge keys (`<<`) aren't part of CloudFormation's YAML",
                suggestion: "write the entries out, or use Globals", at: keyPosition)
        }
        return .init(key: scalar.string, keyPosition: keyPosition, value: try convert(value, depth: depth))
    }

    /// The tag as written; `Node.tag` would replace an implicit one by the type that YAML sees in the value.
    private func rawTag(of node: Node) -> String {
        switch node {
        case .scalar(let scalar): scalar.tag.description
        case .sequence(let sequence): sequence.tag.description
        case .mapping(let mapping): mapping.tag.description
        case .alias: ""
        }
    }

    private func applyTag(_ tag: String, to node: TemplateNode) throws -> TemplateNode {
        guard tag.hasPrefix("!"), tag.count > 1 else { return node }
        let name = String(tag.dropFirst())
        let key: String
        switch name {
        case "Ref", "Condition":
            key = name
        case "GetAtt", "Sub", "Join", "If", "Equals", "Not", "And", "Or", "Select", "Split", "FindInMap", "Base64",
            "ImportValue", "Transform", "Cidr", "GetAZs", "Length", "ToJsonString", "ForEach":
            key = "Fn::" + name
        default:
            throw TemplateError(
                .malformed, "unknown tag `!\(name)`",
                suggestion: "CloudFormation's functions are !Ref, !Sub, !GetAtt, !Join, !If and their kin",
                at: node.position)
        }
        return TemplateNode(.map([.init(key: key, keyPosition: node.position, value: node)]), at: node.position)
    }

    private static func templateError(_ error: YamlError, file: String) -> TemplateError {
        func at(_ mark: Mark?) -> SourcePosition {
            SourcePosition(file: file, line: max(1, mark?.line ?? 1), column: max(1, mark?.column ?? 1))
        }
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let about = context.map { $0.text + ": " } ?? ""
            let isTab = problem.contains("cannot start any token")
            return TemplateError(
                .malformed, about + problem,
                suggestion: isTab ? "YAML is indented with blanks, never tabs" : nil, at: at(mark))
        case .duplicatedKeysInMapping(let keys, let context):
            return TemplateError(
                .malformed, "the key `\(keys.joined(separator: "`, `"))` is there twice", at: at(context.mark))
        case .reader(let problem, _, _, _):
            return TemplateError(.malformed, "the template isn't text: \(problem)", at: at(nil))
        case .no, .memory, .writer, .emitter, .representer, .dataCouldNotBeDecoded:
            return TemplateError(.malformed, "the template can't be read", at: at(nil))
        }
    }
}
