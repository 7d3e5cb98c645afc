// DynamoDB's own rules for the size of items: developer guide, "item sizes and formats".

extension AttributeValue {
    /// Bytes that the value counts towards an item's size.
    var byteCount: Int {
        switch self {
        case .string(let text): text.byteCount
        case .number(let number): number.byteCount
        case .binary(let bytes): bytes.count
        case .bool, .null: 1
        case .list(let values): 3 + values.reduce(0) { $0 + $1.byteCount + 1 }
        case .map(let values): 3 + values.reduce(0) { $0 + $1.key.byteCount + $1.value.byteCount + 1 }
        case .stringSet(let members): members.reduce(0) { $0 + $1.byteCount }
        case .numberSet(let members): members.reduce(0) { $0 + $1.byteCount }
        case .binarySet(let members): members.reduce(0) { $0 + $1.count }
        }
    }

    /// How many lists and maps are within each other; 0 for a scalar.
    var nestingDepth: Int {
        switch self {
        case .list(let values): 1 + (values.map(\.nestingDepth).max() ?? 0)
        case .map(let values): 1 + (values.values.map(\.nestingDepth).max() ?? 0)
        default: 0
        }
    }
}

extension DynamoNumber {
    /// One byte for two digits, one more, and one for a sign.
    var byteCount: Int { isZero ? 1 : 1 + (digits.count + 1) / 2 + (isNegative ? 1 : 0) }
}

extension Item {
    var byteCount: Int { reduce(0) { $0 + $1.key.byteCount + $1.value.byteCount } }
}
