import CloisterCore
import CloisterServiceKit

extension DynamoDBService {
    func createTable(_ call: DynamoDBCall) async throws -> JSON {
        let request = try CreateTableRequest(call)
        var conditions = AccessConditions()
        conditions.requestTags = request.tags
        try await authorize("CreateTable", call.tableARN(request.name), conditions, for: call)
        if !request.tags.isEmpty {
            try await authorize("TagResource", call.tableARN(request.name), conditions, for: call)
        }
        guard try await table(request.name, call) == nil else {
            throw DynamoDBError.inUse("Table already exists: \(request.name)")
        }
        let encryption = try await encryption(
            tableName: request.name, key: request.kmsKey, isRequested: request.isEncryptionRequested, call)
        let definition = request.definition(identifier: newUUID(), createdAt: now(), encryption)
        let scope = call.scope
        let stored = try await storage.write { writer in
            try DynamoDBService.insert(definition, request.indexes, scope, writer)
        }
        catalog.forgetAll()
        return ["TableDescription": TableDescription.json(stored, [:], status: .creating)]
    }

    private static func insert(
        _ definition: TableDefinition, _ indexes: [TableInput.IndexInput], _ scope: TableScope,
        _ writer: any StorageWriter
    ) throws -> StoredTable {
        guard try writer.table(definition.name, in: scope) == nil else {
            throw DynamoDBError.inUse("Table already exists: \(definition.name)")
        }
        guard try writer.tableCount(in: scope) < DynamoDBLimits.tablesMax else {
            throw DynamoDBError.limitExceeded("Subscriber limit exceeded: Number of tables is at its limit")
        }
        var definition = definition
        let id = try writer.newIdentifier()
        definition.indexes = try indexes.map { $0.definition(id: try writer.newIdentifier(), status: .active) }
        let stored = StoredTable(id: id, revision: 1, scope: scope, definition: definition)
        try writer.insert(stored)
        return stored
    }

    /// A new data key, wrapped by the KMS key that the caller named or by the account's own of this service.
    func encryption(
        tableName: String, key: String?, isRequested: Bool, _ call: DynamoDBCall
    ) async throws -> TableDefinition.Encryption {
        try await wrap(
            random(TableKey.bytes), tableName: tableName, key: key, isRequested: isRequested, call)
    }

    func wrap(
        _ dataKey: [UInt8], tableName: String, key: String?, isRequested: Bool, _ call: DynamoDBCall
    ) async throws -> TableDefinition.Encryption {
        let context = DynamoDBService.keyContext(name: tableName, scope: call.scope)
        let named = key ?? DynamoDBService.ownKey
        do throws(ServiceError) {
            let wrapped = try await keys.encrypt(dataKey, under: named, context: context, for: call.caller)
            let arn = try await keys.keyARN(named, for: call.caller)
            return TableDefinition.Encryption(key: key, keyARN: arn, isRequested: isRequested, wrappedKey: wrapped)
        } catch {
            throw DynamoDBError.keyUnavailable(error)
        }
    }

    static let ownKey = "alias/aws/dynamodb"

    func newUUID() -> String {
        let bytes = random(16)
        let high = bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let low = bytes.dropFirst(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return RequestID(random: high, low).rawValue
    }
}

/// The parsed and checked input of CreateTable.
struct CreateTableRequest: Sendable {
    let name: String
    let attributes: [AttributeDefinition]
    let schema: KeySchema
    let isOnDemand: Bool
    let throughput: Throughput
    let onDemand: Throughput?
    let indexes: [TableInput.IndexInput]
    let kmsKey: String?
    let isEncryptionRequested: Bool
    let tags: [TableDefinition.Tag]
    let tableClass: String?
    let isDeletionProtected: Bool

    init(_ call: DynamoDBCall) throws {
        let input = call.input
        try TableInput.refuseUnbuilt(input, "CreateTable")
        var constraints = Constraints()
        try TableName.check(input, &constraints)
        let defined = try TableInput.attributes(input, &constraints)
        attributes = defined
        constraints.require(input.has("AttributeDefinitions"), "attributeDefinitions")
        let keys = try TableInput.schema(input, at: "keySchema", &constraints)
        let billing = try input.string("BillingMode")
        constraints.choice(billing, "billingMode", ["PROVISIONED", "PAY_PER_REQUEST"])
        let units = try TableInput.throughput(input, at: "provisionedThroughput", &constraints)
        tableClass = try input.string("TableClass")
        constraints.choice(tableClass, "tableClass", ["STANDARD", "STANDARD_INFREQUENT_ACCESS"])
        let local = try CreateTableRequest.indexes(input, "LocalSecondaryIndexes", .local, &constraints)
        let global = try CreateTableRequest.indexes(input, "GlobalSecondaryIndexes", .global, &constraints)
        try constraints.check()

        name = try TableName.read(input.string("TableName"), call: call)
        isOnDemand = billing == "PAY_PER_REQUEST"
        throughput = try CreateTableRequest.throughput(units, isOnDemand: isOnDemand)
        onDemand = try TableInput.onDemand(input)
        try CreateTableRequest.checkDuplicates(attributes)
        schema = try TableInput.keySchema(keys ?? [], attributes)
        indexes = try local.map { try TableInput.check($0, .local, defined) }
            + global.map { try TableInput.check($0, .global, defined) }
        let encryption = try input.structure("SSESpecification", shape: "SSESpecification")
        isEncryptionRequested = try encryption?.bool("Enabled") ?? false
        kmsKey = try isEncryptionRequested ? encryption?.string("KMSMasterKeyId") : nil
        if !isEncryptionRequested, encryption?.has("KMSMasterKeyId") == true {
            throw DynamoDBError.invalidParameter(
                "KMSMasterKeyId must not be specified when SSESpecification is not enabled")
        }
        tags = try TagInput.tags(input)
        isDeletionProtected = try input.bool("DeletionProtectionEnabled") ?? false
        try IndexRules.check(indexes, schema, isOnDemand: isOnDemand)
        try IndexRules.checkAllUsed(attributes, schema, indexes)
    }

    func definition(
        identifier: String, createdAt: Int64, _ encryption: TableDefinition.Encryption
    ) -> TableDefinition {
        TableDefinition(
            name: name, identifier: identifier, createdAt: createdAt, attributes: attributes, schema: schema,
            isOnDemand: isOnDemand, onDemandSince: isOnDemand ? createdAt : nil, throughput: throughput,
            onDemand: onDemand, indexes: [], encryption: encryption, tags: tags, tableClass: tableClass,
            isDeletionProtected: isDeletionProtected)
    }

    private static func indexes(
        _ input: Input, _ name: Text, _ kind: IndexDefinition.Kind, _ constraints: inout Constraints
    ) throws -> [(input: Input, name: String, schema: [(Text, String)], throughput: Throughput?)] {
        let shape = kind == .local ? "LocalSecondaryIndex" : "GlobalSecondaryIndex"
        guard let elements = try input.structures(name, shape: shape) else { return [] }
        if elements.isEmpty {
            throw DynamoDBError.invalidParameter(
                "List of \(kind == .local ? "Local" : "Global")SecondaryIndexes is empty")
        }
        let member = name.string.prefix(1).lowercased() + name.string.dropFirst()
        return try elements.enumerated().compactMap { index, element in
            try TableInput.index(element, kind, at: "\(member).\(index + 1).member", &constraints)
        }
    }

    private static func throughput(_ units: Throughput?, isOnDemand: Bool) throws -> Throughput {
        if isOnDemand {
            guard units == nil else {
                throw DynamoDBError.invalidParameter(
                    "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when "
                        + "BillingMode is PAY_PER_REQUEST")
            }
            return Throughput(readUnits: 0, writeUnits: 0)
        }
        guard let units else {
            throw DynamoDBError.invalidParameter(
                "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED")
        }
        return units
    }

    private static func checkDuplicates(_ attributes: [AttributeDefinition]) throws {
        guard Set(attributes.map(\.name)).count == attributes.count else {
            throw DynamoDBError.validation("Cannot have two attributes with the same name")
        }
    }
}
