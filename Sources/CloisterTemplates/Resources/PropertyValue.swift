/// A property as the Lambda API takes it, whose texts may still hold attributes of other resources.
public indirect enum PropertyValue: Hashable, Sendable {
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case text(TemplateText)
    case list([PropertyValue])
    case map([String: PropertyValue])

    static func string(_ text: String) -> PropertyValue { .text(TemplateText(text)) }

    /// The value as JSON, with `${Resource.Attribute}` where an attribute isn't known.
    public var json: JSONValue {
        switch self {
        case .bool(let value): .bool(value)
        case .integer(let value): .integer(value)
        case .number(let value): .number(value)
        case .text(let text): .string(text.description)
        case .list(let items): .array(items.map(\.json))
        case .map(let entries): .object(entries.mapValues(\.json))
        }
    }

    func mapTexts(_ change: (TemplateText) -> TemplateText) -> PropertyValue {
        switch self {
        case .bool, .integer, .number: self
        case .text(let text): .text(change(text))
        case .list(let items): .list(items.map { $0.mapTexts(change) })
        case .map(let entries): .map(entries.mapValues { $0.mapTexts(change) })
        }
    }

    /// Puts attributes in that `value` knows.
    public func resolved(_ value: (_ resource: String, _ attribute: String) -> String?) -> PropertyValue {
        mapTexts { $0.resolved(value) }
    }

    /// The names of the resources that the value depends on.
    public var resources: Set<String> {
        switch self {
        case .bool, .integer, .number: []
        case .text(let text): text.resources
        case .list(let items): items.reduce(into: []) { $0.formUnion($1.resources) }
        case .map(let entries): entries.values.reduce(into: []) { $0.formUnion($1.resources) }
        }
    }
}
