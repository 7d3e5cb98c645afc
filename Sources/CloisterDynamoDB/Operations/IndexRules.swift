/// What a table's indexes must be, together, in DynamoDB's words.
enum IndexRules {
    static func check(_ indexes: [TableInput.IndexInput], _ schema: KeySchema, isOnDemand: Bool) throws {
        let local = indexes.filter { $0.kind == .local }
        let global = indexes.filter { $0.kind == .global }
        if !local.isEmpty, schema.sort == nil {
            throw DynamoDBError.invalidParameter(
                "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex")
        }
        for index in local { try checkLocal(index, schema) }
        try checkNames(indexes)
        guard local.count <= DynamoDBLimits.localIndexesMax else {
            throw DynamoDBError.invalidParameter(
                "Number of LocalSecondaryIndexes exceeds per-table limit of \(DynamoDBLimits.localIndexesMax)")
        }
        guard global.count <= DynamoDBLimits.globalIndexesMax else {
            throw DynamoDBError.invalidParameter(
                "GlobalSecondaryIndex count exceeds the per-table limit of \(DynamoDBLimits.globalIndexesMax)")
        }
        for index in global { try checkThroughput(index, isOnDemand: isOnDemand) }
        let projected = indexes.reduce(0) { $0 + $1.nonKeyAttributes.count }
        guard projected <= DynamoDBLimits.projectedAttributesMax else {
            throw DynamoDBError.invalidParameter(
                "The total number of projected attributes exceeds the limit of "
                    + "\(DynamoDBLimits.projectedAttributesMax)")
        }
    }

    static func checkThroughput(_ index: TableInput.IndexInput, isOnDemand: Bool) throws {
        if isOnDemand, index.throughput != nil {
            throw DynamoDBError.invalidParameter(
                "ProvisionedThroughput should not be specified for index: \(index.name) "
                    + "when BillingMode is PAY_PER_REQUEST")
        }
        if !isOnDemand, index.throughput == nil {
            throw DynamoDBError.invalidParameter(
                "ProvisionedThroughput must be specified for index: \(index.name)")
        }
    }

    private static func checkLocal(_ index: TableInput.IndexInput, _ schema: KeySchema) throws {
        guard index.schema.sort != nil else {
            throw DynamoDBError.invalidParameter(
                "Index KeySchema does not have a range key for index: \(index.name)")
        }
        guard index.schema.partition == schema.partition else {
            throw DynamoDBError.invalidParameter(
                "Index KeySchema does not have the same leading hash key as table KeySchema for index: "
                    + "\(index.name). index hash key: \(index.schema.partition), table hash key: \(schema.partition)")
        }
    }

    private static func checkNames(_ indexes: [TableInput.IndexInput]) throws {
        var known: Set<Text> = []
        for index in indexes where !known.insert(Text(index.name)).inserted {
            throw DynamoDBError.invalidParameter("Duplicate index name: \(index.name)")
        }
    }

    /// Every defined attribute must be a key of something.
    static func checkAllUsed(
        _ attributes: [AttributeDefinition], _ schema: KeySchema, _ indexes: [TableInput.IndexInput]
    ) throws {
        let used = indexes.reduce(Set(schema.names)) { $0.union($1.schema.names) }
        let defined = Set(attributes.map(\.name))
        guard defined != used else { return }
        if indexes.isEmpty {
            throw DynamoDBError.invalidParameter(
                "Number of attributes in KeySchema does not exactly match number of attributes "
                    + "defined in AttributeDefinitions")
        }
        throw DynamoDBError.invalidParameter(
            "Some AttributeDefinitions are not used. AttributeDefinitions: [\(TableInput.list(defined.sorted()))], "
                + "keys used: [\(TableInput.list(used.sorted()))]")
    }
}
