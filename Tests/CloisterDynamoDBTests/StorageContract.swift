import Testing

@testable import CloisterDynamoDB

/// What every driver of `Storage` must do; run by a suite for each driver, on an empty store.
enum StorageContract {
    static let all: [(name: String, run: @Sendable (any Storage) async throws -> Void)] = [
        ("tables are apart by account and region", tablesAreApart),
        ("a definition has revisions", definitionsHaveRevisions),
        ("items come in the order of their keys", itemsAreOrdered),
        ("a walk goes on after a position", walksGoOn),
        ("segments cover everything once", segmentsCover),
        ("indexes follow their items", indexesFollow),
        ("a write that throws changes nothing", failedWritesChangeNothing),
        ("a dropped table's items are removed in steps", droppedItemsAreRemoved),
        ("expired items are found", expiredItemsAreFound),
        ("tokens are remembered for a time", tokensAreRemembered),
    ]

    static func definition(_ name: String) -> TableDefinition {
        TableDefinition(
            name: name, identifier: "id-" + name, createdAt: 0, attributes: [], schema: KeySchema(partition: "pk"),
            isOnDemand: true, throughput: Throughput(readUnits: 0, writeUnits: 0), indexes: [],
            encryption: .init(keyARN: "", isRequested: false, wrappedKey: []), tags: [], isDeletionProtected: false)
    }

    static func addTable(
        _ storage: any Storage, _ name: String = "t", account: String = "1", region: String = "r"
    ) async throws -> StoredTable {
        try await storage.write { writer in
            let table = StoredTable(
                id: try writer.newIdentifier(), revision: 1, scope: TableScope(account: account, region: region),
                definition: definition(name))
            try writer.insert(table)
            return table
        }
    }

    static func put(
        _ storage: any Storage, _ table: Int64, _ key: ItemKey, entries: [IndexEntry] = [], indexes: [Int64] = [],
        expiresAt: Int64? = nil
    ) async throws {
        let item = StoredItem(key: key, body: key.sort + [1], bytes: 10)
        try await storage.write {
            try $0.put(item, inTable: table, indexes: indexes, entries: entries, expiresAt: expiresAt)
        }
    }

    static func keys(
        _ storage: any Storage, _ table: Int64, _ range: ItemRange, limit: Int = .max
    ) async throws -> [ItemKey] {
        try await storage.read { reader in
            var keys: [ItemKey] = []
            try reader.visitItems(ofTable: table, in: range) { item in
                keys.append(item.key)
                return keys.count < limit
            }
            return keys
        }
    }

    static let everything = ItemRange(extent: .partitions(from: [], upTo: nil))

    static func tablesAreApart(_ storage: any Storage) async throws {
        let first = try await addTable(storage, "a", account: "1")
        let second = try await addTable(storage, "a", account: "2")
        _ = try await addTable(storage, "b", account: "1", region: "other")
        #expect(first.id != second.id)
        let names = try await storage.read { try $0.tableNames(in: first.scope, after: nil, limit: 10) }
        #expect(names == ["a"])
        let found = try await storage.read { try $0.table("a", in: second.scope) }
        #expect(found?.id == second.id)
        try await put(storage, first.id, ItemKey(partition: [1], sort: []))
        #expect(try await keys(storage, second.id, everything).isEmpty)
    }

    static func definitionsHaveRevisions(_ storage: any Storage) async throws {
        var table = try await addTable(storage)
        table.definition.tableClass = "STANDARD"
        let changed = table
        try await storage.write { try $0.update(changed) }
        let found = try await storage.read { try $0.table("t", in: changed.scope) }
        #expect(found?.revision == 2)
        #expect(found?.definition.tableClass == "STANDARD")
        try await storage.write { try $0.delete(changed) }
        let gone = try await storage.read { try $0.revision(ofTable: changed.id) }
        #expect(gone == nil)
        let next = try await addTable(storage)
        #expect(next.id > changed.id)
    }

    static func itemsAreOrdered(_ storage: any Storage) async throws {
        let table = try await addTable(storage)
        for sort: [UInt8] in [[2], [1], [1, 0], [0xFF], [], [0]] {
            try await put(storage, table.id, ItemKey(partition: [7], sort: sort))
        }
        try await put(storage, table.id, ItemKey(partition: [8], sort: [1]))
        let partition = ItemRange(extent: .partition([7], lower: nil, upper: nil))
        #expect(try await keys(storage, table.id, partition).map(\.sort) == [[], [0], [1], [1, 0], [2], [0xFF]])
        var bounded = ItemRange(
            extent: .partition(
                [7], lower: .init(sort: [0], isInclusive: false), upper: .init(sort: [2], isInclusive: true)))
        #expect(try await keys(storage, table.id, bounded).map(\.sort) == [[1], [1, 0], [2]])
        bounded.isForward = false
        #expect(try await keys(storage, table.id, bounded).map(\.sort) == [[2], [1, 0], [1]])
        let counts = try await storage.read { try $0.counts(ofTable: table.id) }
        #expect(counts[0] == StorageCounts(items: 7, bytes: 70))
    }

    static func walksGoOn(_ storage: any Storage) async throws {
        let table = try await addTable(storage)
        for number in 0..<20 {
            try await put(storage, table.id, ItemKey(partition: [UInt8(number % 3)], sort: [UInt8(number)]))
        }
        for isForward in [true, false] {
            var range = everything
            range.isForward = isForward
            let all = try await keys(storage, table.id, range)
            var walked: [ItemKey] = []
            while true {
                range.after = walked.last.map { ItemRange.Position(key: $0) }
                let page = try await keys(storage, table.id, range, limit: 3)
                if page.isEmpty { break }
                walked += page
            }
            #expect(walked == all)
            #expect(walked.count == 20)
        }
    }

    static func segmentsCover(_ storage: any Storage) async throws {
        let table = try await addTable(storage)
        for number in 0..<100 {
            let partition = try #require(ItemKey.partition(.string(Text("key \(number)"))))
            try await put(storage, table.id, ItemKey(partition: partition, sort: []))
        }
        for total in [1, 3, 7, 1_000] {
            var found: [ItemKey] = []
            for segment in 0..<total {
                let keys = try await keys(storage, table.id, ItemRange(extent: ItemRange.segment(segment, of: total)))
                #expect(keys.allSatisfy { ItemRange.segment(of: $0.partition, total: total) == segment })
                found += keys
            }
            #expect(found.count == 100 && Set(found).count == 100)
        }
    }

    static func indexesFollow(_ storage: any Storage) async throws {
        let table = try await addTable(storage)
        let index = try await storage.write { try $0.newIdentifier() }
        let place = ItemKey(partition: [9], sort: [5])
        for number: UInt8 in 0..<4 {
            try await put(
                storage, table.id, ItemKey(partition: [number], sort: []),
                entries: [IndexEntry(index: index, key: place, bytes: 3)], indexes: [index])
        }
        #expect(try await indexed(storage, table.id, index, nil) == [[0], [1], [2], [3]])
        let after = ItemRange.Position(key: place, item: ItemKey(partition: [1], sort: []))
        #expect(try await indexed(storage, table.id, index, after) == [[2], [3]])
        // Moved in the index, taken out of it, deleted.
        try await put(
            storage, table.id, ItemKey(partition: [0], sort: []),
            entries: [IndexEntry(index: index, key: ItemKey(partition: [8], sort: []), bytes: 3)], indexes: [index])
        try await put(storage, table.id, ItemKey(partition: [1], sort: []), indexes: [index])
        try await storage.write {
            try $0.deleteItem(ItemKey(partition: [2], sort: []), inTable: table.id, indexes: [index])
        }
        #expect(try await indexed(storage, table.id, index, nil) == [[3]])
        let counts = try await storage.read { try $0.counts(ofTable: table.id) }
        #expect(counts[index] == StorageCounts(items: 2, bytes: 6))
        #expect(counts[0] == StorageCounts(items: 3, bytes: 30))
    }

    private static func indexed(
        _ storage: any Storage, _ table: Int64, _ index: Int64, _ after: ItemRange.Position?
    ) async throws -> [[UInt8]] {
        try await storage.read { reader in
            var partitions: [[UInt8]] = []
            let range = ItemRange(extent: .partition([9], lower: nil, upper: nil), after: after)
            try reader.visitIndex(index, ofTable: table, in: range) { item, entry in
                #expect(entry == ItemKey(partition: [9], sort: [5]))
                partitions.append(item.key.partition)
                return true
            }
            return partitions
        }
    }

    static func failedWritesChangeNothing(_ storage: any Storage) async throws {
        struct Stop: Error {}
        let table = try await addTable(storage)
        let key = ItemKey(partition: [1], sort: [])
        await #expect(throws: Stop.self) {
            try await storage.write { writer in
                let item = StoredItem(key: key, body: [1], bytes: 1)
                try writer.put(item, inTable: table.id, indexes: [], entries: [], expiresAt: nil)
                throw Stop()
            }
        }
        #expect(try await keys(storage, table.id, everything).isEmpty)
        // Many at once, every other one fails: each stands for itself.
        await withTaskGroup(of: Void.self) { group in
            for number: UInt8 in 0..<50 {
                group.addTask {
                    try? await storage.write { writer in
                        let item = StoredItem(key: ItemKey(partition: [number], sort: []), body: [1], bytes: 1)
                        try writer.put(item, inTable: table.id, indexes: [], entries: [], expiresAt: nil)
                        if number % 2 == 1 { throw Stop() }
                    }
                }
            }
        }
        let found = try await keys(storage, table.id, everything).map(\.partition)
        #expect(found == (0..<25).map { [UInt8($0 * 2)] })
        let counts = try await storage.read { try $0.counts(ofTable: table.id) }
        #expect(counts[0] == StorageCounts(items: 25, bytes: 25))
    }

    static func droppedItemsAreRemoved(_ storage: any Storage) async throws {
        let table = try await addTable(storage)
        let other = try await addTable(storage, "other")
        for number: UInt8 in 0..<10 {
            try await put(storage, table.id, ItemKey(partition: [number], sort: []))
            try await put(storage, other.id, ItemKey(partition: [number], sort: []))
        }
        try await storage.write { try $0.delete(table) }
        var steps = 0
        while try await storage.write({ try $0.removeDropped(limit: 4) }) { steps += 1 }
        #expect(steps == 3)
        #expect(try await keys(storage, table.id, everything).isEmpty)
        #expect(try await keys(storage, other.id, everything).count == 10)
    }

    static func expiredItemsAreFound(_ storage: any Storage) async throws {
        let table = try await addTable(storage)
        for (number, expiry) in [50, 20, nil, 10, 99].enumerated() {
            let key = ItemKey(partition: [UInt8(number)], sort: [])
            try await put(storage, table.id, key, expiresAt: expiry.map { Int64($0) })
        }
        let found = try await storage.read { try $0.expiredItems(ofTable: table.id, in: 15...50, limit: 10) }
        #expect(found.map(\.partition) == [[1], [0]])
    }

    static func tokensAreRemembered(_ storage: any Storage) async throws {
        let (mine, other) = (TableScope(account: "1", region: "r"), TableScope(account: "2", region: "r"))
        try await storage.write { try $0.remember([1, 2], token: "t", in: mine, at: 100, since: 0) }
        let found = try await storage.read { try $0.rememberedRequest("t", in: mine, since: 100) }
        #expect(found == [1, 2])
        let late = try await storage.read { try $0.rememberedRequest("t", in: mine, since: 101) }
        #expect(late == nil)
        let others = try await storage.read { try $0.rememberedRequest("t", in: other, since: 0) }
        #expect(others == nil)
    }
}
