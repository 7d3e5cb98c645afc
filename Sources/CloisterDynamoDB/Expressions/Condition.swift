/// What must be true of an item: the parsed form of condition and filter expressions and of their legacy parameters.
indirect enum Condition: Hashable, Sendable {
    case compare(Comparator, Operand, Operand)
    case between(Operand, Operand, Operand)
    case among(Operand, [Operand])
    case exists(DocumentPath)
    case notExists(DocumentPath)
    case type(DocumentPath, AttributeType)
    case beginsWith(Operand, Operand)
    case contains(Operand, Operand)
    case all([Condition])
    case any([Condition])
    case not(Condition)
}

enum Comparator: String, Sendable, Hashable {
    case equal = "="
    case notEqual = "<>"
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
}

indirect enum Operand: Hashable, Sendable {
    case path(DocumentPath)
    case value(AttributeValue)
    case size(Operand)
}

extension Condition {
    func isMet(by item: Item) -> Bool {
        switch self {
        case .compare(let comparator, let first, let second):
            Condition.compare(comparator, first.value(in: item), second.value(in: item))
        case .between(let operand, let low, let high):
            Condition.compare(.greaterOrEqual, operand.value(in: item), low.value(in: item))
                && Condition.compare(.lessOrEqual, operand.value(in: item), high.value(in: item))
        case .among(let operand, let values):
            operand.value(in: item).map { value in values.contains { $0.value(in: item) == value } } ?? false
        case .exists(let path): path.value(in: item) != nil
        case .notExists(let path): path.value(in: item) == nil
        case .type(let path, let type): path.value(in: item)?.type == type
        case .beginsWith(let operand, let prefix):
            Condition.begins(operand.value(in: item), with: prefix.value(in: item))
        case .contains(let operand, let part): Condition.contains(operand.value(in: item), part.value(in: item))
        case .all(let conditions): conditions.allSatisfy { $0.isMet(by: item) }
        case .any(let conditions): conditions.contains { $0.isMet(by: item) }
        case .not(let condition): !condition.isMet(by: item)
        }
    }

    static func compare(_ comparator: Comparator, _ first: AttributeValue?, _ second: AttributeValue?) -> Bool {
        // What isn't there differs from everything.
        guard let first, let second else { return comparator == .notEqual }
        switch comparator {
        case .equal: return first == second
        case .notEqual: return first != second
        case .less: return first.isLess(than: second) ?? false
        case .greater: return second.isLess(than: first) ?? false
        case .lessOrEqual: return second.isLess(than: first).map { !$0 } ?? false
        case .greaterOrEqual: return first.isLess(than: second).map { !$0 } ?? false
        }
    }

    private static func begins(_ value: AttributeValue?, with prefix: AttributeValue?) -> Bool {
        switch (value, prefix) {
        case (.string(let text), .string(let prefix)): text.utf8.starts(with: prefix.utf8)
        case (.binary(let bytes), .binary(let prefix)): bytes.starts(with: prefix)
        default: false
        }
    }

    private static func contains(_ value: AttributeValue?, _ part: AttributeValue?) -> Bool {
        guard let value, let part else { return false }
        switch (value, part) {
        case (.string(let text), .string(let part)): return ByteSearch.contains(Array(text.utf8), Array(part.utf8))
        case (.binary(let bytes), .binary(let part)): return ByteSearch.contains(bytes, part)
        case (.list(let elements), _): return elements.contains(part)
        default: return value.setMembers?.contains(part) ?? false
        }
    }
}

extension Operand {
    func value(in item: Item) -> AttributeValue? {
        switch self {
        case .path(let path): path.value(in: item)
        case .value(let value): value
        case .size(let operand): operand.value(in: item)?.size.map { .number(DynamoNumber($0)) }
        }
    }
}

extension AttributeValue {
    /// What `size` gives: characters (UTF-16 units), bytes, or members; nil for numbers, booleans and null.
    var size: Int? {
        switch self {
        case .string(let text): text.string.utf16.count
        case .binary(let bytes): bytes.count
        case .list(let values): values.count
        case .map(let members): members.count
        case .stringSet(let members): members.count
        case .numberSet(let members): members.count
        case .binarySet(let members): members.count
        case .number, .bool, .null: nil
        }
    }
}

enum ByteSearch {
    /// Linear in the text for all but contrived patterns, at most the product of both, within an item's 400 KB.
    static func contains(_ text: [UInt8], _ part: [UInt8]) -> Bool {
        guard let first = part.first else { return true }
        guard text.count >= part.count else { return false }
        var start = 0
        let last = text.count - part.count
        while start <= last, let found = text[start...last].firstIndex(of: first) {
            if text[found...].starts(with: part) { return true }
            start = found + 1
        }
        return false
    }
}
