import Crypto

/// Where an item is: its partition and its place within it, as bytes that sort in DynamoDB's order.
struct ItemKey: Hashable, Sendable {
    /// A hash of the partition key, so that partitions scatter, then the partition key itself.
    var partition: [UInt8]
    /// Empty without a sort key.
    var sort: [UInt8]

    static let hashBytes = 4

    init(partition: [UInt8], sort: [UInt8]) {
        self.partition = partition
        self.sort = sort
    }

    /// Nil when a key attribute is missing or is no key.
    init?(of item: Item, schema: KeySchema) {
        guard let partition = item[schema.partition].flatMap(ItemKey.partition) else { return nil }
        var sort: [UInt8] = []
        if let name = schema.sort {
            guard let value = item[name].flatMap(KeyEncoding.bytes) else { return nil }
            sort = value
        }
        self.init(partition: partition, sort: sort)
    }

    static func partition(_ value: AttributeValue) -> [UInt8]? {
        guard let key = KeyEncoding.bytes(value) else { return nil }
        return Array(SHA256.hash(data: key).prefix(hashBytes)) + key
    }
}

/// An entry of a secondary index: where the index has it, and how many bytes the index's view of the item is.
struct IndexEntry: Hashable, Sendable {
    var index: Int64
    var key: ItemKey
    var bytes: Int
}

/// An item's encrypted form.
struct StoredItem: Sendable, Equatable {
    var key: ItemKey
    var body: [UInt8]
    /// DynamoDB's size of the item.
    var bytes: Int
}

/// Which items to read, in which order.
struct ItemRange: Sendable {
    struct Bound: Sendable, Equatable {
        var sort: [UInt8]
        var isInclusive: Bool
    }

    enum Extent: Sendable {
        /// One partition, between two places.
        case partition([UInt8], lower: Bound?, upper: Bound?)
        /// The partitions whose bytes are from the one up to, not with, the other.
        case partitions(from: [UInt8], upTo: [UInt8]?)
    }

    struct Position: Sendable, Equatable {
        var key: ItemKey
        /// In an index, which has many items at one place.
        var item: ItemKey?
    }

    var extent: Extent
    /// Only what comes after.
    var after: Position?
    var isForward = true

    /// A part of all partitions: number `segment` of `total`.
    static func segment(_ segment: Int, of total: Int) -> Extent {
        .partitions(from: start(segment, of: total), upTo: segment + 1 < total ? start(segment + 1, of: total) : nil)
    }

    static func segment(of partition: [UInt8], total: Int) -> Int {
        let hash = partition.prefix(ItemKey.hashBytes).reduce(0) { $0 << 8 | Int($1) }
        return (hash * total) >> 32
    }

    private static func start(_ segment: Int, of total: Int) -> [UInt8] {
        // Rounded up: the first hash of which `segment(of:total:)` gives this segment.
        let number = ((segment << 32) + total - 1) / total
        return [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) }
    }
}
