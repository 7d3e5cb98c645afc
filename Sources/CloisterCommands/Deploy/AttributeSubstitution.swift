import CloisterTemplates

/// Puts the attributes of deployed resources into texts that still say `${Resource.Attribute}`.
struct AttributeSubstitution {
    private let values: [String: String]

    init(_ record: StackRecord) {
        var values: [String: String] = [:]
        for resource in record.resources {
            for (name, value) in resource.attributes { values["${\(resource.logicalID).\(name)}"] = value }
        }
        self.values = values
    }

    func resolve(_ properties: [String: JSONValue]) -> [String: JSONValue] { properties.mapValues(resolve) }

    private func resolve(_ value: JSONValue) -> JSONValue {
        switch value {
        case .string(let text) where text.contains("${"): .string(resolve(text))
        case .array(let items): .array(items.map(resolve))
        case .object(let members): .object(members.mapValues(resolve))
        case .string, .null, .bool, .integer, .number: value
        }
    }

    private func resolve(_ text: String) -> String {
        values.reduce(text) { $0.replacing($1.key, with: $1.value) }
    }
}
