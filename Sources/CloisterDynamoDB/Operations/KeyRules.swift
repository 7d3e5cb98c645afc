/// What a table's keys ask of items and of keys, in DynamoDB's words.
enum KeyRules {
    /// A `Key` parameter: exactly the table's key attributes.
    static func check(key: Item, _ table: TableDefinition) throws {
        guard key.count == table.schema.names.count else { throw DynamoDBError.keyMismatch }
        for name in table.schema.names {
            guard let value = key[name], value.type == table.type(of: name) else { throw DynamoDBError.keyMismatch }
        }
        try checkContents(key, table.schema)
    }

    /// An item to put.
    static func check(item: Item, _ table: TableDefinition) throws {
        for name in table.schema.names {
            guard let value = item[name] else {
                throw DynamoDBError.invalidParameter("Missing the key \(name) in the item")
            }
            let expected = table.type(of: name) ?? .string
            guard value.type == expected else {
                throw DynamoDBError.invalidParameter(
                    "Type mismatch for key \(name) expected: \(expected.rawValue) actual: \(value.type.rawValue)")
            }
        }
        try checkContents(item, table.schema)
        try checkIndexes(item, table)
    }

    static func checkSize(_ item: Item) throws {
        guard item.byteCount <= DynamoDBLimits.itemBytesMax else {
            throw DynamoDBError.validation("Item size has exceeded the maximum allowed size")
        }
    }

    static func checkIndexes(_ item: Item, _ table: TableDefinition) throws {
        for index in table.indexes {
            for name in index.schema.names where !table.schema.names.contains(name) {
                guard let value = item[name] else { continue }
                try check(value, name, index, expected: table.type(of: name) ?? .string)
            }
        }
    }

    private static func check(
        _ value: AttributeValue, _ name: Text, _ index: IndexDefinition, expected: AttributeType
    ) throws {
        guard value.type == expected else {
            throw DynamoDBError.invalidParameter(
                "Type mismatch for Index Key \(name) Expected: \(expected.rawValue) Actual: \(value.type.rawValue) "
                    + "IndexName: \(index.name)")
        }
        if isEmpty(value) {
            throw DynamoDBError.validation(
                "One or more parameter values are not valid. A value specified for a secondary index key is not "
                    + "supported. The AttributeValue for a key attribute cannot contain an empty \(kind(value)) value. "
                    + "IndexName: \(index.name), IndexKey: \(name)")
        }
        let isPartition = index.schema.partition == name
        let limit = isPartition ? DynamoDBLimits.partitionKeyBytesMax : DynamoDBLimits.sortKeyBytesMax
        guard value.byteCount <= limit else { throw tooLarge(isPartition: isPartition) }
    }

    private static func checkContents(_ item: Item, _ schema: KeySchema) throws {
        for name in schema.names {
            guard let value = item[name] else { continue }
            if isEmpty(value) {
                throw DynamoDBError.validation(
                    "One or more parameter values are not valid. The AttributeValue for a key attribute cannot "
                        + "contain an empty \(kind(value)) value. Key: \(name)")
            }
            let isPartition = schema.partition == name
            let limit = isPartition ? DynamoDBLimits.partitionKeyBytesMax : DynamoDBLimits.sortKeyBytesMax
            guard value.byteCount <= limit else { throw tooLarge(isPartition: isPartition) }
        }
    }

    private static func tooLarge(isPartition: Bool) -> DynamoDBError {
        isPartition
            ? .invalidParameter("Size of hashkey has exceeded the maximum size limit of2048 bytes")
            : .invalidParameter("Aggregated size of all range keys has exceeded the size limit of 1024 bytes")
    }

    private static func isEmpty(_ value: AttributeValue) -> Bool {
        value == .string("") || value == .binary([])
    }

    private static func kind(_ value: AttributeValue) -> String { value.type == .binary ? "binary" : "string" }
}
