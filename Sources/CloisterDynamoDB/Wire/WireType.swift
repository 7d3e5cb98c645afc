/// The types of the service model, and AWS's texts for a value of another one.
enum WireType {
    case string, boolean, integer, list(String), map, structure(String)

    func mismatch(_ json: JSON) -> DynamoDBError {
        switch (self, json) {
        case (.string, .array): .serialization("Unrecognized collection type class java.lang.String")
        case (.string, .object), (.boolean, .object), (.integer, .object), (.list, .object):
            .serialization("Start of structure or map found where not expected")
        case (.string, _): .serialization("\(name(json)) can not be converted to a String")
        case (.boolean, .array): .serialization("Unrecognized collection type class java.lang.Boolean")
        case (.boolean, .string): .serialization("Unexpected token received from parser")
        case (.boolean, _): .serialization("\(name(json)) can not be converted to a Boolean")
        case (.integer, .array): .serialization("Unrecognized collection type class java.lang.Integer")
        case (.integer, _): .serialization("\(name(json)) can not be converted to an Integer")
        case (.structure(let shape), .array):
            .serialization("Unrecognized collection type class com.amazonaws.dynamodb.v20120810.\(shape)")
        case (.map, .array):
            .serialization("Unrecognized collection type java.util.Map<java.lang.String, AttributeValue>")
        default: .serialization("Unexpected field type")
        }
    }

    static func text(_ json: JSON) throws -> Text {
        guard case .string(let text) = json else { throw WireType.string.mismatch(json) }
        return text
    }

    static func flag(_ json: JSON) throws -> Bool {
        switch json {
        case .bool(let flag): flag
        // AWS's front reads these texts too.
        case .string("true"): true
        case .string("false"): false
        default: throw WireType.boolean.mismatch(json)
        }
    }

    /// A fraction is cut off, and what doesn't fit becomes the nearest that does, as AWS's front has it.
    static func number(_ json: JSON) throws -> Int {
        guard case .number(let text) = json else { throw WireType.integer.mismatch(json) }
        if let value = Int(text) { return value }
        guard let value = Double(text) else { throw WireType.integer.mismatch(json) }
        return Int(max(-9e18, min(9e18, value)))
    }

    static func elements(_ json: JSON) throws -> [JSON] {
        guard case .array(let elements) = json else { throw WireType.list("").mismatch(json) }
        return elements
    }

    static func members(_ json: JSON) throws -> [JSON.Member] {
        guard case .object(let members) = json else { throw WireType.map.mismatch(json) }
        return members.filter { $0.value != .null }
    }

    private func name(_ json: JSON) -> String {
        switch json {
        case .bool(true): "TRUE_VALUE"
        case .bool(false): "FALSE_VALUE"
        case .number(let text): text.contains { ".eE".contains($0) } ? "DECIMAL_VALUE" : "NUMBER_VALUE"
        case .string: "STRING_VALUE"
        default: "NULL_VALUE"
        }
    }
}
