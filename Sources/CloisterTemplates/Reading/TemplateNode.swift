/// A value in a template, before or after its intrinsic functions are evaluated, with its place in the file.
public struct TemplateNode: Sendable {
    public struct Entry: Sendable {
        public var key: String
        public var keyPosition: SourcePosition
        public var value: TemplateNode

        public init(key: String, keyPosition: SourcePosition, value: TemplateNode) {
            self.key = key
            self.keyPosition = keyPosition
            self.value = value
        }
    }

    public enum Kind: Sendable {
        /// `isPlain`: written without quotes, so that `true`, `30` and `null` have their types.
        case scalar(TemplateText, isPlain: Bool)
        case list([TemplateNode])
        /// In the order of the file; keys are unique.
        case map([Entry])
    }

    public var kind: Kind
    public var position: SourcePosition

    public init(_ kind: Kind, at position: SourcePosition) {
        self.kind = kind
        self.position = position
    }

    /// A text at `position`.
    public init(text: String, at position: SourcePosition) {
        self.init(.scalar(TemplateText(text), isPlain: false), at: position)
    }

    public var entries: [Entry]? {
        if case .map(let entries) = kind { entries } else { nil }
    }

    public var items: [TemplateNode]? {
        if case .list(let items) = kind { items } else { nil }
    }

    public var text: TemplateText? {
        if case .scalar(let text, _) = kind { text } else { nil }
    }

    /// The text when no part of it depends on a resource.
    public var literal: String? { text?.literal }

    /// An empty value or `null`.
    public var isNull: Bool {
        guard case .scalar(let text, true) = kind, let literal = text.literal else { return false }
        return literal.isEmpty || literal == "~" || literal == "null" || literal == "Null" || literal == "NULL"
    }

    /// The value of `key` in a map; nil when this is no map or has no such key.
    public subscript(key: String) -> TemplateNode? { entries?.first { $0.key == key }?.value }

    /// For messages: what the value is.
    public var kindName: String {
        switch kind {
        case .scalar: isNull ? "nothing" : "a single value"
        case .list: "a list"
        case .map: "a map"
        }
    }

    /// The intrinsic function and its argument, when this is a map with just that key.
    var intrinsic: Entry? {
        guard let entries, entries.count == 1, let entry = entries.first else { return nil }
        let isFunction = entry.key.hasPrefix("Fn::") || entry.key == "Ref" || entry.key == "Condition"
        return isFunction ? entry : nil
    }
}
