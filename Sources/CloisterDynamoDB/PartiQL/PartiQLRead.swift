import Crypto

/// A SELECT against its table: which items to read, and how to go on after a page.
struct PartiQLRead: Sendable {
    let select: PartiQLStatement.Select
    let source: ReadSource
    /// The partitions that the condition fixes, in the order it names them; nil for all.
    let partitions: [AttributeValue]?

    init(_ select: PartiQLStatement.Select, _ definition: TableDefinition) throws {
        self.select = select
        source = try ReadSource(definition, indexName: select.index)
        let name = source.schema.partition
        let fixed = select.condition?.conjuncts.lazy.compactMap { $0.equalities(to: name) }.first
        partitions = fixed?.filter { $0.type == definition.type(of: name) }
        if let order = select.order {
            guard partitions != nil else {
                throw DynamoDBError.validation(
                    "Must have WHERE clause in the statement when using ORDER BY clause.")
            }
            guard source.schema.names.contains(order.attribute) else {
                throw DynamoDBError.validation(
                    "Variable reference \(order.attribute) in ORDER BY clause must be part of the primary key")
            }
        }
        let missing = PartiQLRead.missing(select, source)
        if !missing.isEmpty {
            throw DynamoDBError.invalidParameter(
                "Global secondary index \(select.index ?? "") does not project [\(missing.joined(separator: ", "))]")
        }
    }

    private static func missing(_ select: PartiQLStatement.Select, _ source: ReadSource) -> [String] {
        guard let index = source.index, index.kind == .global, index.projection != .all else { return [] }
        let held = Set(source.keyNames + index.nonKeyAttributes)
        return (select.projection?.paths ?? []).map(\.attribute).filter { !held.contains($0) }.map(\.string)
    }

    var access: AccessConditions {
        var conditions = AccessConditions()
        conditions.leadingKeys = partitions
        conditions.isFullTableScan = partitions == nil
        conditions.attributes = (select.condition?.attributes ?? [])
            .union(select.projection?.paths.map(\.attribute) ?? [])
        conditions.select = select.projection == nil
            ? (select.index == nil ? "ALL_ATTRIBUTES" : "ALL_PROJECTED_ATTRIBUTES") : "SPECIFIC_ATTRIBUTES"
        return conditions
    }

    /// The part of the items that is read from `token` on; parts are the partitions.
    func range(part: Int, startKey: Item?) throws -> ItemRange {
        var range: ItemRange
        if let partitions {
            guard part < partitions.count, let place = ItemKey.partition(partitions[part]) else {
                throw PartiQLToken.invalidNextToken
            }
            range = ItemRange(
                extent: .partition(place, lower: sortBounds.0, upper: sortBounds.1),
                isForward: select.order?.isForward ?? true)
        } else {
            range = ItemRange(extent: ItemRange.segment(0, of: 1))
        }
        guard let startKey else { return range }
        let position = try source.position(startKey)
        if case .partition(let place, _, _) = range.extent, position.key.partition != place {
            throw PartiQLToken.invalidNextToken
        }
        range.after = position
        return range
    }

    /// The condition's own bounds on the sort key, so that a part of a partition isn't read in vain.
    private var sortBounds: (ItemRange.Bound?, ItemRange.Bound?) {
        guard let name = source.schema.sort, let type = source.table.type(of: name) else { return (nil, nil) }
        let path = Operand.path(DocumentPath(name))
        for condition in select.condition?.conjuncts ?? [] {
            guard case .compare(let comparator, path, .value(let value)) = condition, value.type == type,
                let bytes = KeyEncoding.bytes(value)
            else { continue }
            let bound = ItemRange.Bound(sort: bytes, isInclusive: true)
            switch comparator {
            case .equal: return (bound, bound)
            case .less, .lessOrEqual: return (nil, bound)
            case .greater, .greaterOrEqual: return (bound, nil)
            case .notEqual: continue
            }
        }
        return (nil, nil)
    }
}

/// Where a SELECT goes on: bound to the statement, and checked against it like an ExclusiveStartKey.
struct PartiQLPosition: Sendable {
    var part = 0
    var startKey: Item?

    init(part: Int = 0, startKey: Item? = nil) {
        self.part = part
        self.startKey = startKey
    }

    /// Throws for a token of another statement, and for what is no token.
    init(token: String, statement: String) throws {
        guard let bytes = Base64.decode(token), let json = JSONReader.read(bytes),
            case .string(let digest) = json["statement"], digest == PartiQLPosition.digest(statement),
            case .number(let number) = json["part"], let part = Int(number), part >= 0
        else { throw PartiQLToken.invalidNextToken }
        self.part = part
        startKey = try json["key"].map { try AttributeValueCoding.item($0) }
    }

    func token(statement: String) -> String {
        let json = JSON.members([
            "statement": .string(PartiQLPosition.digest(statement)), "part": .integer(part),
            "key": startKey.map { AttributeValueCoding.json($0) },
        ])
        return Base64.encode(json.bytes)
    }

    private static func digest(_ statement: String) -> Text {
        Text(Base64.encode(Array(SHA256.hash(data: Array(statement.utf8)))))
    }
}

extension PartiQLToken {
    static let invalidNextToken = DynamoDBError.validation("NextToken does not match request")
}
