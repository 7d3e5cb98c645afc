/// Items as bytes for the store: a type byte, lengths as variable-length integers, names and values.
enum ItemCodec {
    static func encode(_ item: Item) -> [UInt8] {
        var bytes: [UInt8] = []
        append(item, to: &bytes)
        return bytes
    }

    /// Nil for bytes that `encode` didn't make.
    static func decode(_ bytes: [UInt8]) -> Item? {
        var reader = ItemReader(bytes: bytes)
        guard let item = reader.map(depth: 0), reader.isAtEnd else { return nil }
        return item
    }

    // The numbers are in the files of users: never changed, only added to.
    fileprivate enum Tag {
        static let string: UInt8 = 1
        static let number: UInt8 = 2
        static let binary: UInt8 = 3
        static let yes: UInt8 = 4
        static let no: UInt8 = 5
        static let null: UInt8 = 6
        static let list: UInt8 = 7
        static let map: UInt8 = 8
        static let stringSet: UInt8 = 9
        static let numberSet: UInt8 = 10
        static let binarySet: UInt8 = 11
    }

    private static func append(_ map: Item, to bytes: inout [UInt8]) {
        append(map.count, to: &bytes)
        for (name, value) in map {
            append(name, to: &bytes)
            append(value, to: &bytes)
        }
    }

    private static func append(_ value: AttributeValue, to bytes: inout [UInt8]) {
        switch value {
        case .string(let text):
            bytes.append(Tag.string)
            append(text, to: &bytes)
        case .number(let number):
            bytes.append(Tag.number)
            append(number, to: &bytes)
        case .binary(let data):
            bytes.append(Tag.binary)
            append(data, to: &bytes)
        case .bool(let flag): bytes.append(flag ? Tag.yes : Tag.no)
        case .null: bytes.append(Tag.null)
        case .list(let values): append(Tag.list, values, to: &bytes) { append($0, to: &$1) }
        case .map(let values):
            bytes.append(Tag.map)
            append(values, to: &bytes)
        case .stringSet(let members): append(Tag.stringSet, members, to: &bytes) { append($0, to: &$1) }
        case .numberSet(let members): append(Tag.numberSet, members, to: &bytes) { append($0, to: &$1) }
        case .binarySet(let members): append(Tag.binarySet, members, to: &bytes) { append($0, to: &$1) }
        }
    }

    private static func append<Element>(
        _ tag: UInt8, _ elements: [Element], to bytes: inout [UInt8], _ one: (Element, inout [UInt8]) -> Void
    ) {
        bytes.append(tag)
        append(elements.count, to: &bytes)
        for element in elements { one(element, &bytes) }
    }

    private static func append(_ text: Text, to bytes: inout [UInt8]) {
        append(text.byteCount, to: &bytes)
        bytes.append(contentsOf: text.utf8)
    }

    private static func append(_ data: [UInt8], to bytes: inout [UInt8]) {
        append(data.count, to: &bytes)
        bytes.append(contentsOf: data)
    }

    private static func append(_ number: DynamoNumber, to bytes: inout [UInt8]) {
        bytes.append(number.isNegative ? 1 : 0)
        bytes.append(UInt8(clamping: number.exponent + 129))
        append(number.digits, to: &bytes)
    }

    private static func append(_ count: Int, to bytes: inout [UInt8]) {
        var rest = count
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}

private struct ItemReader {
    let bytes: [UInt8]
    var position = 0

    var isAtEnd: Bool { position == bytes.count }

    mutating func map(depth: Int) -> Item? {
        guard let count = count() else { return nil }
        var map = Item(minimumCapacity: count)
        for _ in 0..<count {
            guard let name = text(), let value = value(depth: depth) else { return nil }
            map[name] = value
        }
        return map
    }

    private mutating func value(depth: Int) -> AttributeValue? {
        guard depth <= DynamoDBLimits.nestingMax, let tag = byte() else { return nil }
        switch tag {
        case ItemCodec.Tag.string: return text().map(AttributeValue.string)
        case ItemCodec.Tag.number: return number().map(AttributeValue.number)
        case ItemCodec.Tag.binary: return data().map { .binary(Array($0)) }
        case ItemCodec.Tag.yes: return .bool(true)
        case ItemCodec.Tag.no: return .bool(false)
        case ItemCodec.Tag.null: return .null
        case ItemCodec.Tag.list: return elements { $0.value(depth: depth + 1) }.map(AttributeValue.list)
        case ItemCodec.Tag.map: return map(depth: depth + 1).map(AttributeValue.map)
        case ItemCodec.Tag.stringSet: return elements { $0.text() }.map(AttributeValue.stringSet)
        case ItemCodec.Tag.numberSet: return elements { $0.number() }.map(AttributeValue.numberSet)
        case ItemCodec.Tag.binarySet: return elements { $0.data().map(Array.init) }.map(AttributeValue.binarySet)
        default: return nil
        }
    }

    private mutating func elements<Element>(_ one: (inout ItemReader) -> Element?) -> [Element]? {
        guard let count = count() else { return nil }
        var elements: [Element] = []
        elements.reserveCapacity(count)
        for _ in 0..<count {
            guard let element = one(&self) else { return nil }
            elements.append(element)
        }
        return elements
    }

    private mutating func number() -> DynamoNumber? {
        guard let sign = byte(), let exponent = byte(), let digits = data() else { return nil }
        return try? DynamoNumber(isNegative: sign == 1, digits: Array(digits), pointAt: Int(exponent) - 129)
    }

    private mutating func text() -> Text? { data().map { Text(String(decoding: $0, as: UTF8.self)) } }

    private mutating func data() -> ArraySlice<UInt8>? {
        guard let count = count() else { return nil }
        defer { position += count }
        return bytes[position..<(position + count)]
    }

    private mutating func byte() -> UInt8? {
        guard position < bytes.count else { return nil }
        defer { position += 1 }
        return bytes[position]
    }

    /// At most the bytes that are left: whatever is counted takes at least one each.
    private mutating func count() -> Int? {
        var value = 0
        for shift in stride(from: 0, through: 28, by: 7) {
            guard let byte = byte() else { return nil }
            value |= Int(byte & 0x7F) << shift
            if byte < 0x80 { return value <= bytes.count - position ? value : nil }
        }
        return nil
    }
}
