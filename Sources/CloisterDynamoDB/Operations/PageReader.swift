/// Reads one page of a query or scan: at most `limit` items and 1 MB of what is looked at, before the filter.
struct PageReader: Sendable {
    struct Page: Sendable {
        var items: [Item] = []
        var count = 0
        var scannedCount = 0
        var lastKey: Item?
        /// Of the items looked at.
        var bytes = 0
        /// Of the items fetched from the table for a local index.
        var fetchedBytes: [Int] = []
    }

    let table: OpenTable
    let source: ReadSource
    let selection: ReadSelection
    let range: ItemRange
    let limit: Int?

    func read(_ reader: any StorageReader) throws -> Page {
        var page = Page()
        var last: Item?
        let visit: (StoredItem) throws -> Bool = { stored in
            if page.scannedCount > 0, page.bytes + stored.bytes > DynamoDBLimits.pageBytesMax {
                page.lastKey = last.map(source.lastKey)
                return false
            }
            let item = try table.item(stored)
            last = item
            take(item, bytes: stored.bytes, into: &page)
            // Stopping here leaves open whether more follows, as DynamoDB does.
            guard page.scannedCount == limit || page.bytes >= DynamoDBLimits.pageBytesMax else { return true }
            page.lastKey = source.lastKey(item)
            return false
        }
        if let index = source.index {
            try reader.visitIndex(index.id, ofTable: table.id, in: range) { stored, _ in try visit(stored) }
        } else {
            try reader.visitItems(ofTable: table.id, in: range, visit)
        }
        return page
    }

    private func take(_ item: Item, bytes: Int, into page: inout Page) {
        page.scannedCount += 1
        page.bytes += bytes
        var view = item
        if let index = source.index {
            if selection.wantsTable {
                if index.projection != .all { page.fetchedBytes.append(item.byteCount) }
            } else {
                view = table.view(of: item, in: index)
            }
        }
        guard selection.filter?.isMet(by: view) ?? true else { return }
        page.count += 1
        if !selection.isCount { page.items.append(selection.projection?.apply(to: view) ?? view) }
    }

    /// The response of a query or scan.
    func response(_ page: Page, isConsistent: Bool, capacityMode: String?) -> JSON {
        var capacity = ConsumedCapacity(table.definition, .read)
        capacity.addRead(bytes: page.bytes, isConsistent: isConsistent, index: source.index?.name)
        for bytes in page.fetchedBytes { capacity.addRead(bytes: bytes, isConsistent: isConsistent) }
        return JSON.members([
            "Items": selection.isCount ? nil : .array(page.items.map { AttributeValueCoding.json($0) }),
            "Count": .integer(page.count),
            "ScannedCount": .integer(page.scannedCount),
            "LastEvaluatedKey": page.lastKey.map { AttributeValueCoding.json($0) },
            "ConsumedCapacity": capacity.json(capacityMode),
        ])
    }
}
