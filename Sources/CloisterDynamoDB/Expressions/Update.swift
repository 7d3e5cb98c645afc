/// The parsed form of an update expression, or of the legacy AttributeUpdates.
struct Update: Sendable, Equatable {
    enum Action: Sendable, Equatable {
        case set(DocumentPath, SetValue)
        case remove(DocumentPath)
        case add(DocumentPath, AttributeValue)
        case delete(DocumentPath, AttributeValue)

        var path: DocumentPath {
            switch self {
            case .set(let path, _), .remove(let path), .add(let path, _), .delete(let path, _): path
            }
        }
    }

    indirect enum SetValue: Sendable, Equatable {
        case value(AttributeValue)
        case path(DocumentPath)
        case ifNotExists(DocumentPath, SetValue)
        case listAppend(SetValue, SetValue)
        case sum(SetValue, SetValue)
        case difference(SetValue, SetValue)
    }

    var actions: [Action]
    /// AttributeUpdates can delete an attribute that isn't there, and add to a list.
    var isLegacy = false

    var paths: [DocumentPath] { actions.map(\.path) }

    /// The item after the update. All values are taken from the item before it.
    func apply(to item: Item) throws -> Item {
        var result = item
        var removals: [DocumentPath] = []
        for action in actions {
            switch action {
            case .set(let path, let value): try DocumentEditor.set(path, try value.evaluate(in: item), in: &result)
            case .add(let path, let value):
                let sum = try Update.added(value, to: path.value(in: item), isLegacy: isLegacy)
                try DocumentEditor.set(path, sum, in: &result)
            case .delete(let path, let value):
                guard let current = path.value(in: item) else { continue }
                if let rest = try Update.removed(value, from: current) {
                    try DocumentEditor.set(path, rest, in: &result)
                } else {
                    removals.append(path)
                }
            case .remove(let path): removals.append(path)
            }
        }
        try DocumentEditor.remove(removals, from: &result, before: item)
        return result
    }

    private static func added(
        _ value: AttributeValue, to current: AttributeValue?, isLegacy: Bool
    ) throws -> AttributeValue {
        guard let current else { return value }
        switch (current, value) {
        case (.number(let a), .number(let b)): return .number(try DynamoNumber.sum(a, b))
        case (.stringSet(let a), .stringSet(let b)): return .stringSet(union(a, b))
        case (.numberSet(let a), .numberSet(let b)): return .numberSet(union(a, b))
        case (.binarySet(let a), .binarySet(let b)): return .binarySet(union(a, b))
        case (.list(let a), .list(let b)) where isLegacy: return .list(a + b)
        default: throw UpdateFault.operandType(isLegacy: isLegacy, current: current, value: value)
        }
    }

    /// Nil when nothing is left.
    private static func removed(_ value: AttributeValue, from current: AttributeValue) throws -> AttributeValue? {
        switch (current, value) {
        case (.stringSet(let a), .stringSet(let b)): return difference(a, b).map(AttributeValue.stringSet)
        case (.numberSet(let a), .numberSet(let b)): return difference(a, b).map(AttributeValue.numberSet)
        case (.binarySet(let a), .binarySet(let b)): return difference(a, b).map(AttributeValue.binarySet)
        default: throw UpdateFault.operandType(isLegacy: false, current: current, value: value)
        }
    }

    private static func union<Element: Hashable>(_ first: [Element], _ second: [Element]) -> [Element] {
        let known = Set(first)
        return first + second.filter { !known.contains($0) }
    }

    private static func difference<Element: Hashable>(_ first: [Element], _ second: [Element]) -> [Element]? {
        let gone = Set(second)
        let rest = first.filter { !gone.contains($0) }
        return rest.isEmpty ? nil : rest
    }
}

extension Update.SetValue {
    func evaluate(in item: Item) throws -> AttributeValue {
        switch self {
        case .value(let value): return value
        case .path(let path):
            guard let value = path.value(in: item) else { throw UpdateFault.missingAttribute }
            return value
        case .ifNotExists(let path, let value): return try path.value(in: item) ?? value.evaluate(in: item)
        case .listAppend(let first, let second):
            guard case .list(let first) = try first.evaluate(in: item),
                case .list(let second) = try second.evaluate(in: item)
            else { throw UpdateFault.wrongType }
            return .list(first + second)
        case .sum(let first, let second):
            let (first, second) = try Update.SetValue.numbers(first, second, in: item)
            return .number(try DynamoNumber.sum(first, second))
        case .difference(let first, let second):
            let (first, second) = try Update.SetValue.numbers(first, second, in: item)
            return .number(try DynamoNumber.difference(first, second))
        }
    }

    private static func numbers(
        _ first: Self, _ second: Self, in item: Item
    ) throws -> (DynamoNumber, DynamoNumber) {
        guard case .number(let first) = try first.evaluate(in: item),
            case .number(let second) = try second.evaluate(in: item)
        else { throw UpdateFault.wrongType }
        return (first, second)
    }
}

/// What an update finds wrong with the item.
enum UpdateFault {
    static let invalidPath = DynamoDBError.validation(
        "The document path provided in the update expression is invalid for update")
    static let missingAttribute = DynamoDBError.validation(
        "The provided expression refers to an attribute that does not exist in the item")
    static let wrongType = DynamoDBError.validation(
        "An operand in the update expression has an incorrect data type")

    static func operandType(isLegacy: Bool, current: AttributeValue, value: AttributeValue) -> DynamoDBError {
        isLegacy
            ? .validation("Type mismatch for attribute to update") : wrongType
    }
}
