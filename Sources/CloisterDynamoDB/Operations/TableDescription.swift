/// TableDescription, as DynamoDB's model has it.
enum TableDescription {
    enum Status: String {
        case creating = "CREATING"
        case updating = "UPDATING"
        case active = "ACTIVE"
        case deleting = "DELETING"
    }

    static func json(_ table: StoredTable, _ counts: [Int64: StorageCounts], status: Status = .active) -> JSON {
        let definition = table.definition
        let own = counts[0] ?? StorageCounts(items: 0, bytes: 0)
        let local = definition.localIndexes.map { index($0, table, counts, status) }
        let global = definition.globalIndexes.map { index($0, table, counts, status) }
        return JSON.members([
            "AttributeDefinitions": .array(
                definition.attributes.map {
                    ["AttributeName": .string($0.name), "AttributeType": .text($0.type.rawValue)]
                }),
            "TableName": .text(definition.name),
            "KeySchema": schema(definition.schema),
            "TableStatus": .text(status.rawValue),
            "CreationDateTime": .seconds(milliseconds: definition.createdAt),
            "ProvisionedThroughput": throughput(definition),
            "TableSizeBytes": .integer(max(0, own.bytes)),
            "ItemCount": .integer(max(0, own.items)),
            "TableArn": .text(table.arn),
            "TableId": .text(definition.identifier),
            "BillingModeSummary": billing(definition),
            "LocalSecondaryIndexes": local.isEmpty ? nil : .array(local),
            "GlobalSecondaryIndexes": global.isEmpty ? nil : .array(global),
            "SSEDescription": definition.encryption.isRequested ? encryption(definition) : nil,
            "TableClassSummary": definition.tableClass.map { ["TableClass": .text($0)] },
            "DeletionProtectionEnabled": .bool(definition.isDeletionProtected),
            "OnDemandThroughput": definition.onDemand.map(onDemand),
            "WarmThroughput": warm(status == .deleting ? nil : definition),
        ])
    }

    static func schema(_ schema: KeySchema) -> JSON {
        var elements: [JSON] = [["AttributeName": .string(schema.partition), "KeyType": "HASH"]]
        if let sort = schema.sort { elements.append(["AttributeName": .string(sort), "KeyType": "RANGE"]) }
        return .array(elements)
    }

    private static func index(
        _ index: IndexDefinition, _ table: StoredTable, _ counts: [Int64: StorageCounts], _ status: Status
    ) -> JSON {
        let own = counts[index.id] ?? StorageCounts(items: 0, bytes: 0)
        let isGlobal = index.kind == .global
        let isCreating = index.status == .creating || status == .creating
        let indexStatus = status == .deleting ? "DELETING" : isCreating ? "CREATING" : "ACTIVE"
        return JSON.members([
            "IndexName": .text(index.name),
            "KeySchema": schema(index.schema),
            "Projection": JSON.members([
                "ProjectionType": .text(index.projection.rawValue),
                "NonKeyAttributes": index.nonKeyAttributes.isEmpty
                    ? nil : .array(index.nonKeyAttributes.map(JSON.string)),
            ]),
            "IndexStatus": isGlobal ? .text(indexStatus) : nil,
            "Backfilling": isGlobal && index.status == .creating ? true : nil,
            "ProvisionedThroughput": isGlobal ? throughput(index.throughput) : nil,
            "IndexSizeBytes": .integer(max(0, own.bytes)),
            "ItemCount": .integer(max(0, own.items)),
            "IndexArn": .text("\(table.arn)/index/\(index.name)"),
            "OnDemandThroughput": index.onDemand.map(onDemand),
        ])
    }

    private static func throughput(_ units: Throughput?) -> JSON {
        [
            "NumberOfDecreasesToday": 0, "ReadCapacityUnits": .integer(units?.readUnits ?? 0),
            "WriteCapacityUnits": .integer(units?.writeUnits ?? 0),
        ]
    }

    private static func throughput(_ definition: TableDefinition) -> JSON {
        JSON.members([
            "LastIncreaseDateTime": definition.increasedAt.map { .seconds(milliseconds: $0) },
            "LastDecreaseDateTime": definition.decreasedAt.map { .seconds(milliseconds: $0) },
            "NumberOfDecreasesToday": .integer(definition.decreasesToday),
            "ReadCapacityUnits": .integer(definition.throughput.readUnits),
            "WriteCapacityUnits": .integer(definition.throughput.writeUnits),
        ])
    }

    private static func billing(_ definition: TableDefinition) -> JSON? {
        guard definition.isOnDemand || definition.onDemandSince != nil else { return nil }
        return JSON.members([
            "BillingMode": definition.isOnDemand ? "PAY_PER_REQUEST" : "PROVISIONED",
            "LastUpdateToPayPerRequestDateTime": definition.onDemandSince.map { .seconds(milliseconds: $0) },
        ])
    }

    private static func encryption(_ definition: TableDefinition) -> JSON {
        ["Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": .text(definition.encryption.keyARN)]
    }

    private static func onDemand(_ units: Throughput) -> JSON {
        [
            "MaxReadRequestUnits": .integer(units.readUnits), "MaxWriteRequestUnits": .integer(units.writeUnits),
        ]
    }

    private static func warm(_ definition: TableDefinition?) -> JSON? {
        guard let definition else { return nil }
        return [
            "ReadUnitsPerSecond": .integer(definition.isOnDemand ? 12_000 : definition.throughput.readUnits),
            "WriteUnitsPerSecond": .integer(definition.isOnDemand ? 4_000 : definition.throughput.writeUnits),
            "Status": "ACTIVE",
        ]
    }
}
