/// The capacity units that calls used on one table and its indexes.
struct ConsumedCapacity: Sendable {
    enum Kind: Sendable { case read, write }

    var tableName: String
    var kind: Kind
    var table = 0.0
    var indexes: [String: Double] = [:]
    private var globalNames: Set<String> = []
    /// Transactions count double and say which kind of units they used.
    private var isTransaction = false

    init(_ definition: TableDefinition, _ kind: Kind, isTransaction: Bool = false) {
        tableName = definition.name
        self.kind = kind
        self.isTransaction = isTransaction
        globalNames = Set(definition.globalIndexes.map(\.name))
    }

    private var factor: Double { isTransaction ? 2 : 1 }

    mutating func addRead(bytes: Int, isConsistent: Bool, index: String? = nil) {
        let blocks = max(1, (bytes + DynamoDBLimits.readUnitBytes - 1) / DynamoDBLimits.readUnitBytes)
        let units = isTransaction ? Double(blocks) * 2 : Double(blocks) * (isConsistent ? 1 : 0.5)
        if let index { indexes[index, default: 0] += units } else { table += units }
    }

    mutating func addWrite(_ outcome: ItemWrite.Outcome, _ open: OpenTable) {
        table += factor * ConsumedCapacity.writeUnits(max(outcome.old?.byteCount ?? 0, outcome.new?.byteCount ?? 0))
        guard outcome.isChange else { return }
        for index in open.definition.indexes {
            let old = outcome.old.flatMap { ConsumedCapacity.view($0, index, open) }
            let new = outcome.new.flatMap { ConsumedCapacity.view($0, index, open) }
            let units = ConsumedCapacity.indexUnits(old: old, new: new)
            if units > 0 { indexes[index.name, default: 0] += factor * units }
        }
    }

    private static func view(_ item: Item, _ index: IndexDefinition, _ open: OpenTable) -> (ItemKey, Item)? {
        ItemKey(of: item, schema: index.schema).map { ($0, open.view(of: item, in: index)) }
    }

    private static func indexUnits(old: (key: ItemKey, view: Item)?, new: (key: ItemKey, view: Item)?) -> Double {
        switch (old, new) {
        case (nil, nil): 0
        case (let one?, nil), (nil, let one?): writeUnits(one.view.byteCount)
        case (let old?, let new?) where old.key == new.key:
            old.view == new.view ? 0 : writeUnits(max(old.view.byteCount, new.view.byteCount))
        case (let old?, let new?): writeUnits(old.view.byteCount) + writeUnits(new.view.byteCount)
        }
    }

    private static func writeUnits(_ bytes: Int) -> Double {
        Double(max(1, (bytes + DynamoDBLimits.writeUnitBytes - 1) / DynamoDBLimits.writeUnitBytes))
    }

    /// As `ReturnConsumedCapacity` asks; nil for `NONE`.
    func json(_ mode: String?) -> JSON? {
        guard mode == "TOTAL" || mode == "INDEXES" else { return nil }
        let total = table + indexes.values.reduce(0, +)
        let isDetailed = mode == "INDEXES"
        let local = indexes.filter { !globalNames.contains($0.key) }
        let global = indexes.filter { globalNames.contains($0.key) }
        return JSON.members([
            "TableName": .text(tableName),
            "CapacityUnits": .number("\(total)"),
            "ReadCapacityUnits": isTransaction && kind == .read ? .number("\(total)") : nil,
            "WriteCapacityUnits": isTransaction && kind == .write ? .number("\(total)") : nil,
            "Table": isDetailed ? capacity(table) : nil,
            "LocalSecondaryIndexes": isDetailed && !local.isEmpty ? capacities(local) : nil,
            "GlobalSecondaryIndexes": isDetailed && !global.isEmpty ? capacities(global) : nil,
        ])
    }

    private func capacity(_ units: Double) -> JSON {
        JSON.members([
            "CapacityUnits": .number("\(units)"),
            "ReadCapacityUnits": isTransaction && kind == .read ? .number("\(units)") : nil,
            "WriteCapacityUnits": isTransaction && kind == .write ? .number("\(units)") : nil,
        ])
    }

    private func capacities(_ units: [String: Double]) -> JSON {
        .object(units.sorted { $0.key < $1.key }.map { JSON.Member(name: Text($0.key), value: capacity($0.value)) })
    }
}
