/// A DynamoDB attribute's value.
indirect enum AttributeValue: Hashable, Sendable {
    case string(Text)
    case number(DynamoNumber)
    case binary([UInt8])
    case bool(Bool)
    case null
    case list([AttributeValue])
    case map([Text: AttributeValue])
    // Sets keep the order in which they were written; two are equal whatever their order.
    case stringSet([Text])
    case numberSet([DynamoNumber])
    case binarySet([[UInt8]])

    var type: AttributeType {
        switch self {
        case .string: .string
        case .number: .number
        case .binary: .binary
        case .bool: .bool
        case .null: .null
        case .list: .list
        case .map: .map
        case .stringSet: .stringSet
        case .numberSet: .numberSet
        case .binarySet: .binarySet
        }
    }

    static func == (first: AttributeValue, second: AttributeValue) -> Bool {
        switch (first, second) {
        case (.string(let a), .string(let b)): a == b
        case (.number(let a), .number(let b)): a == b
        case (.binary(let a), .binary(let b)): a == b
        case (.bool(let a), .bool(let b)): a == b
        case (.null, .null): true
        case (.list(let a), .list(let b)): a == b
        case (.map(let a), .map(let b)): a == b
        case (.stringSet(let a), .stringSet(let b)): a.count == b.count && Set(a) == Set(b)
        case (.numberSet(let a), .numberSet(let b)): a.count == b.count && Set(a) == Set(b)
        case (.binarySet(let a), .binarySet(let b)): a.count == b.count && Set(a) == Set(b)
        default: false
        }
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(type)
        switch self {
        case .string(let value): hasher.combine(value)
        case .number(let value): hasher.combine(value)
        case .binary(let value): hasher.combine(value)
        case .bool(let value): hasher.combine(value)
        case .null: break
        case .list(let values): hasher.combine(values)
        case .map(let values): hasher.combine(values)
        case .stringSet(let values): hasher.combine(Set(values))
        case .numberSet(let values): hasher.combine(Set(values))
        case .binarySet(let values): hasher.combine(Set(values))
        }
    }
}

typealias Item = [Text: AttributeValue]

/// The types, as the wire spells them.
enum AttributeType: String, Sendable, Hashable, CaseIterable, Codable {
    case string = "S"
    case number = "N"
    case binary = "B"
    case bool = "BOOL"
    case null = "NULL"
    case list = "L"
    case map = "M"
    case stringSet = "SS"
    case numberSet = "NS"
    case binarySet = "BS"

    /// As the messages about ADD and DELETE spell it.
    var longName: String {
        switch self {
        case .string: "STRING"
        case .number: "NUMBER"
        case .binary: "BINARY"
        case .bool: "BOOLEAN"
        case .null: "NULL"
        case .list: "LIST"
        case .map: "MAP"
        case .stringSet: "STRING_SET"
        case .numberSet: "NUMBER_SET"
        case .binarySet: "BINARY_SET"
        }
    }

    /// Strings, numbers and binaries have an order, and only they can be keys.
    var isOrdered: Bool { self == .string || self == .number || self == .binary }
    var isSet: Bool { self == .stringSet || self == .numberSet || self == .binarySet }
}

extension AttributeValue {
    /// Nil for values of different types, or of a type without an order.
    func isLess(than other: AttributeValue) -> Bool? {
        switch (self, other) {
        case (.string(let a), .string(let b)): a < b
        case (.number(let a), .number(let b)): a < b
        case (.binary(let a), .binary(let b)): a.lexicographicallyPrecedes(b)
        default: nil
        }
    }

    /// The members of a set, as values.
    var setMembers: [AttributeValue]? {
        switch self {
        case .stringSet(let members): members.map(AttributeValue.string)
        case .numberSet(let members): members.map(AttributeValue.number)
        case .binarySet(let members): members.map(AttributeValue.binary)
        default: nil
        }
    }

    /// As the messages about operands spell it: `{S:abc}`.
    var messageText: String {
        switch self {
        case .string(let text): "{S:\(text)}"
        case .number(let number): "{N:\(number)}"
        case .binary(let bytes): "{B:\(Base64.encode(bytes))}"
        default: "{\(type.rawValue)}"
        }
    }
}
