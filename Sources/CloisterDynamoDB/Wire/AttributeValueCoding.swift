/// Attribute values on the wire: `{"S": "…"}`.
enum AttributeValueCoding {
    static func json(_ value: AttributeValue) -> JSON {
        let content: JSON =
            switch value {
            case .string(let text): .string(text)
            case .number(let number): .text(number.description)
            case .binary(let bytes): .text(Base64.encode(bytes))
            case .bool(let flag): .bool(flag)
            case .null: .bool(true)
            case .list(let values): .array(values.map(json))
            case .map(let item): json(item)
            case .stringSet(let members): .array(members.map(JSON.string))
            case .numberSet(let members): .array(members.map { .text($0.description) })
            case .binarySet(let members): .array(members.map { .text(Base64.encode($0)) })
            }
        return .object([JSON.Member(name: Text(value.type.rawValue), value: content)])
    }

    static func json(_ item: Item) -> JSON {
        .object(item.map { JSON.Member(name: $0.key, value: json($0.value)) })
    }

    /// Throws SerializationException for a wrong shape, ValidationException for a value that DynamoDB doesn't keep.
    static func value(_ json: JSON, depth: Int = 0) throws -> AttributeValue {
        guard case .object(let members) = json else { throw WireType.structure("AttributeValue").mismatch(json) }
        let present = members.filter { $0.value != .null }
        let known = present.compactMap { member in
            AttributeType(rawValue: member.name.string).map { (type: $0, value: member.value) }
        }
        guard let only = known.first else {
            throw DynamoDBError.validation(
                "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
        }
        guard known.count == 1 else {
            throw DynamoDBError.validation(
                "Supplied AttributeValue has more than one datatypes set, "
                    + "must contain exactly one of the supported datatypes")
        }
        let holdsOthers = only.type == .list || only.type == .map
        guard depth < DynamoDBLimits.nestingMax || !holdsOthers else { throw nestingTooDeep }
        return try value(only.type, only.value, depth: depth)
    }

    static let nestingTooDeep = DynamoDBError.validation(
        "Nesting Levels have exceeded supported limits: "
            + "Attributes in the item have nested levels beyond supported limit")

    /// Members whose value is null count as absent.
    static func item(_ json: JSON, depth: Int = 0) throws -> Item {
        guard case .object(let members) = json else { throw WireType.map.mismatch(json) }
        var item = Item(minimumCapacity: members.count)
        for member in members where member.value != .null { item[member.name] = try value(member.value, depth: depth) }
        return item
    }

    private static func value(_ type: AttributeType, _ json: JSON, depth: Int) throws -> AttributeValue {
        switch type {
        case .string: return .string(try WireType.text(json))
        case .number: return .number(try number(json))
        case .binary: return .binary(try binary(json))
        case .bool: return .bool(try WireType.flag(json))
        case .null:
            guard try WireType.flag(json) else {
                throw DynamoDBError.invalidParameter("Null attribute value types must have the value of true")
            }
            return .null
        case .list: return .list(try WireType.elements(json).map { try value($0, depth: depth + 1) })
        case .map: return .map(try item(json, depth: depth + 1))
        case .stringSet:
            let members = try set(json, empty: "An string set  may not be empty", WireType.text)
            try refuseDuplicates(members) { "[\($0.map(\.string).joined(separator: ", "))] contains duplicates." }
            return .stringSet(members)
        case .numberSet:
            let members = try set(json, empty: "An number set  may not be empty", number)
            guard Set(members).count == members.count else {
                throw DynamoDBError.validation("Input collection contains duplicates")
            }
            return .numberSet(members)
        case .binarySet:
            let members = try set(json, empty: "Binary sets should not be empty", binary)
            try refuseDuplicates(members) {
                "[\($0.map(Base64.encode).joined(separator: ", "))]of type BS contains duplicates."
            }
            return .binarySet(members)
        }
    }

    private static func set<Element>(
        _ json: JSON, empty: String, _ one: (JSON) throws -> Element
    ) throws -> [Element] {
        let members = try WireType.elements(json).map(one)
        guard !members.isEmpty else { throw DynamoDBError.invalidParameter(empty) }
        return members
    }

    private static func refuseDuplicates<Element: Hashable>(
        _ members: [Element], _ text: ([Element]) -> String
    ) throws {
        guard Set(members).count < members.count else { return }
        throw DynamoDBError.invalidParameter("Input collection \(text(members))")
    }

    private static func number(_ json: JSON) throws -> DynamoNumber {
        try DynamoNumber(parsing: try WireType.text(json).string)
    }

    private static func binary(_ json: JSON) throws -> [UInt8] {
        guard let bytes = Base64.decode(try WireType.text(json).string) else {
            throw DynamoDBError.serialization("Invalid Base64 string: the value of a binary attribute is not Base64")
        }
        return bytes
    }
}
