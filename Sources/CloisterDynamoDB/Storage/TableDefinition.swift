/// The names of a table's or an index's key attributes.
struct KeySchema: Codable, Sendable, Hashable {
    var partition: Text
    var sort: Text?

    var names: [Text] { [partition] + (sort.map { [$0] } ?? []) }
}

struct AttributeDefinition: Codable, Sendable, Hashable {
    var name: Text
    var type: AttributeType
}

struct Throughput: Codable, Sendable, Hashable {
    var readUnits: Int
    var writeUnits: Int
}

struct IndexDefinition: Codable, Sendable, Hashable {
    enum Kind: String, Codable { case global, local }
    enum Status: String, Codable { case creating, active }
    enum Projection: String, Codable {
        case all = "ALL"
        case keysOnly = "KEYS_ONLY"
        case include = "INCLUDE"
    }

    /// Never used twice within a store.
    var id: Int64
    var name: String
    var kind: Kind
    var status: Status
    var schema: KeySchema
    var projection: Projection
    var nonKeyAttributes: [Text] = []
    var throughput: Throughput?
    /// MaxReadRequestUnits and MaxWriteRequestUnits; -1 for none.
    var onDemand: Throughput?
}

/// Everything that is configured of a table.
struct TableDefinition: Codable, Sendable, Hashable {
    struct Encryption: Codable, Sendable, Hashable {
        /// As the caller named it; nil for the account's own key of the service.
        var key: String?
        var keyARN: String
        /// Whether the caller asked for KMS; otherwise descriptions don't show the key.
        var isRequested: Bool
        /// The table's data key, encrypted by KMS.
        var wrappedKey: [UInt8]
    }

    struct Tag: Codable, Sendable, Hashable {
        var key: String
        var value: String
    }

    var name: String
    /// A UUID.
    var identifier: String
    /// Milliseconds since 1970.
    var createdAt: Int64
    var attributes: [AttributeDefinition]
    var schema: KeySchema
    var isOnDemand: Bool
    var onDemandSince: Int64?
    var throughput: Throughput
    var decreasesToday = 0
    var increasedAt: Int64?
    var decreasedAt: Int64?
    var onDemand: Throughput?
    var indexes: [IndexDefinition]
    var encryption: Encryption
    var timeToLiveAttribute: Text?
    /// An index or the expiry times are still being derived from the items.
    var isRebuilding = false
    var tags: [Tag]
    var tableClass: String?
    var isDeletionProtected: Bool

    func type(of name: Text) -> AttributeType? { attributes.first { $0.name == name }?.type }
    var types: [Text: AttributeType] { Dictionary(attributes.map { ($0.name, $0.type) }) { first, _ in first } }
    /// The partition keys of indexes that aren't the table's.
    var indexPartitionNames: [Text] {
        var names: [Text] = []
        for index in globalIndexes where index.schema.partition != schema.partition {
            if !names.contains(index.schema.partition) { names.append(index.schema.partition) }
        }
        return names
    }

    func index(named name: String) -> IndexDefinition? { indexes.first { Text($0.name) == Text(name) } }
    var localIndexes: [IndexDefinition] { indexes.filter { $0.kind == .local } }
    var globalIndexes: [IndexDefinition] { indexes.filter { $0.kind == .global } }
}

/// Whose tables: names are unique within one account and region.
struct TableScope: Hashable, Sendable {
    var account: String
    var region: String
}

/// A table as the store keeps it.
struct StoredTable: Sendable {
    /// Never used twice within a store.
    var id: Int64
    /// One more with every change of the definition.
    var revision: Int64
    var scope: TableScope
    var definition: TableDefinition

    var arn: String { "arn:aws:dynamodb:\(scope.region):\(scope.account):table/\(definition.name)" }
}
