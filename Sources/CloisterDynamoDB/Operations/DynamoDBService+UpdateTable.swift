import CloisterServiceKit

extension DynamoDBService {
    func updateTable(_ call: DynamoDBCall) async throws -> JSON {
        let request = try UpdateTableRequest(call)
        let stored = try await named(call, "UpdateTable")
        var table = stored
        try request.apply(to: &table.definition, now: now())
        if let key = request.encryption {
            table.definition.encryption = try await rewrapped(stored, key: key.key, isRequested: key.isEnabled, call)
        }
        let (created, deleted) = try request.indexChanges(stored.definition, attributes: table.definition.attributes)
        table = try await keep(table, created: created, deleted: deleted)
        if created != nil { startRebuilding(table.id) }
        if deleted != nil { startRemovingDropped() }
        return ["TableDescription": try await description(table, status: .updating)]
    }

    private func keep(
        _ table: StoredTable, created: TableInput.IndexInput?, deleted: IndexDefinition?
    ) async throws -> StoredTable {
        let kept = try await storage.write { writer in
            guard try writer.revision(ofTable: table.id) == table.revision else { throw StaleTable() }
            var table = table
            if let created {
                table.definition.indexes.append(created.definition(id: try writer.newIdentifier(), status: .creating))
                table.definition.isRebuilding = true
            }
            if let deleted {
                table.definition.indexes.removeAll { $0.id == deleted.id }
                table.definition.attributes = UpdateTableRequest.used(table.definition)
                try writer.dropIndex(deleted.id, ofTable: table.id)
            }
            try writer.update(table)
            return table
        }
        catalog.forgetAll()
        return kept
    }

    /// The same data key under another KMS key.
    private func rewrapped(
        _ table: StoredTable, key: String?, isRequested: Bool, _ call: DynamoDBCall
    ) async throws -> TableDefinition.Encryption {
        let dataKey: [UInt8]
        do throws(ServiceError) {
            dataKey = try await keys.decrypt(
                table.definition.encryption.wrappedKey, context: DynamoDBService.keyContext(table), for: call.caller)
        } catch {
            throw DynamoDBError.keyUnavailable(error)
        }
        return try await wrap(dataKey, tableName: table.definition.name, key: key, isRequested: isRequested, call)
    }
}

/// The parsed input of UpdateTable.
struct UpdateTableRequest: Sendable {
    let attributes: [AttributeDefinition]
    let billing: String?
    let throughput: Throughput?
    let onDemand: Throughput?
    let tableClass: String?
    let isDeletionProtected: Bool?
    let encryption: (isEnabled: Bool, key: String?)?
    private let create: (input: Input, name: String, schema: [(Text, String)], throughput: Throughput?)?
    private let delete: String?
    private var updates: [(name: String, throughput: Throughput?, onDemand: Throughput?)] = []
    private let changes: Int

    init(_ call: DynamoDBCall) throws {
        let input = call.input
        try TableInput.refuseUnbuilt(input, "UpdateTable")
        var constraints = Constraints()
        try TableName.check(input, &constraints)
        attributes = try TableInput.attributes(input, &constraints)
        billing = try input.string("BillingMode")
        constraints.choice(billing, "billingMode", ["PROVISIONED", "PAY_PER_REQUEST"])
        throughput = try TableInput.throughput(input, at: "provisionedThroughput", &constraints)
        tableClass = try input.string("TableClass")
        constraints.choice(tableClass, "tableClass", ["STANDARD", "STANDARD_INFREQUENT_ACCESS"])
        onDemand = try TableInput.onDemand(input)
        isDeletionProtected = try input.bool("DeletionProtectionEnabled")
        encryption = try input.structure("SSESpecification", shape: "SSESpecification").map {
            (isEnabled: try $0.bool("Enabled") ?? false, key: try $0.string("KMSMasterKeyId"))
        }
        let elements = try input.structures("GlobalSecondaryIndexUpdates", shape: "GlobalSecondaryIndexUpdate") ?? []
        var creates: [(input: Input, name: String, schema: [(Text, String)], throughput: Throughput?)] = []
        var deletes: [String] = []
        for (number, element) in elements.enumerated() {
            let member = "globalSecondaryIndexUpdates.\(number + 1).member"
            if let create = try element.structure("Create", shape: "CreateGlobalSecondaryIndexAction"),
                let parsed = try TableInput.index(create, .global, at: member + ".create", &constraints)
            {
                creates.append(parsed)
            } else if let delete = try element.structure("Delete", shape: "DeleteGlobalSecondaryIndexAction") {
                let name = try delete.string("IndexName")
                constraints.require(name != nil, member + ".delete.indexName")
                if let name { deletes.append(name) }
            } else if let update = try element.structure("Update", shape: "UpdateGlobalSecondaryIndexAction") {
                let name = try update.string("IndexName")
                constraints.require(name != nil, member + ".update.indexName")
                let place = member + ".update.provisionedThroughput"
                let units = try TableInput.throughput(update, at: place, &constraints)
                if let name { updates.append((name, units, try TableInput.onDemand(update))) }
            }
        }
        try constraints.check()
        create = creates.first
        delete = deletes.first
        changes = creates.count + deletes.count
        let known: [Text] = [
            "BillingMode", "ProvisionedThroughput", "GlobalSecondaryIndexUpdates", "SSESpecification", "TableClass",
            "DeletionProtectionEnabled", "OnDemandThroughput", "WarmThroughput", "StreamSpecification",
        ]
        guard known.contains(where: input.has) else {
            throw DynamoDBError.validation(
                "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, "
                    + "GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required")
        }
        guard changes <= 1 else {
            throw DynamoDBError.limitExceeded(
                "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table")
        }
    }

    /// Everything but the making and deleting of indexes.
    func apply(to table: inout TableDefinition, now: Int64) throws {
        try applyBilling(to: &table, now: now)
        if let throughput { try apply(throughput, to: &table, now: now) }
        if let onDemand { table.onDemand = onDemand }
        if let tableClass { table.tableClass = tableClass }
        if let isDeletionProtected { table.isDeletionProtected = isDeletionProtected }
        for update in updates {
            guard let index = table.indexes.firstIndex(where: { $0.kind == .global && $0.name == update.name }) else {
                throw DynamoDBError.tableNotFound
            }
            if let units = update.throughput { table.indexes[index].throughput = units }
            if let units = update.onDemand { table.indexes[index].onDemand = units }
        }
        let missing = attributes.filter { table.type(of: $0.name) == nil }
        for attribute in attributes {
            if let type = table.type(of: attribute.name), type != attribute.type {
                throw DynamoDBError.invalidParameter(
                    "Type mismatch for key attribute \(attribute.name): it is defined as \(type.rawValue)")
            }
        }
        table.attributes += missing
        guard delete != nil || create != nil || missing.isEmpty else {
            table.attributes = UpdateTableRequest.used(table)
            return
        }
    }

    private func applyBilling(to table: inout TableDefinition, now: Int64) throws {
        guard let billing else {
            if throughput != nil, table.isOnDemand {
                throw DynamoDBError.invalidParameter(
                    "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when "
                        + "BillingMode is PAY_PER_REQUEST")
            }
            return
        }
        if billing == "PAY_PER_REQUEST" {
            guard throughput == nil else {
                throw DynamoDBError.invalidParameter(
                    "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when "
                        + "BillingMode is PAY_PER_REQUEST")
            }
            if !table.isOnDemand { table.onDemandSince = now }
            table.isOnDemand = true
            table.throughput = Throughput(readUnits: 0, writeUnits: 0)
            for index in table.indexes.indices { table.indexes[index].throughput = nil }
        } else {
            if table.isOnDemand, throughput == nil {
                throw DynamoDBError.invalidParameter(
                    "ProvisionedThroughput must be specified when BillingMode is PROVISIONED")
            }
            table.isOnDemand = false
        }
    }

    private func apply(_ units: Throughput, to table: inout TableDefinition, now: Int64) throws {
        let old = table.throughput
        guard units != old || billing != nil || !updates.isEmpty || changes > 0 else {
            throw DynamoDBError.validation(
                "The provisioned throughput for the table will not change. The requested value equals the current "
                    + "value. Current ReadCapacityUnits provisioned for the table: \(old.readUnits). Requested "
                    + "ReadCapacityUnits: \(units.readUnits). Current WriteCapacityUnits provisioned for the table: "
                    + "\(old.writeUnits). Requested WriteCapacityUnits: \(units.writeUnits). Refer to the Amazon "
                    + "DynamoDB Developer Guide for current limits and how to request higher limits.")
        }
        if units.readUnits > old.readUnits || units.writeUnits > old.writeUnits { table.increasedAt = now }
        if units.readUnits < old.readUnits || units.writeUnits < old.writeUnits {
            table.decreasedAt = now
            table.decreasesToday += 1
        }
        table.throughput = units
    }

    /// The index to make and the index to remove, checked against the table.
    func indexChanges(
        _ table: TableDefinition, attributes: [AttributeDefinition]
    ) throws -> (created: TableInput.IndexInput?, deleted: IndexDefinition?) {
        if changes > 0, table.isRebuilding {
            throw DynamoDBError.limitExceeded(
                "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table")
        }
        if let delete {
            guard let index = table.globalIndexes.first(where: { Text($0.name) == Text(delete) }) else {
                throw DynamoDBError("ResourceNotFoundException", "Requested resource not found")
            }
            return (nil, index)
        }
        guard let create else { return (nil, nil) }
        let index = try TableInput.check(create, .global, attributes)
        guard table.index(named: index.name) == nil else {
            throw DynamoDBError.invalidParameter("Duplicate index name: \(index.name)")
        }
        guard table.globalIndexes.count < DynamoDBLimits.globalIndexesMax else {
            throw DynamoDBError.limitExceeded("Subscriber limit exceeded: GlobalSecondaryIndex count exceeds the limit")
        }
        let isOnDemand = billing.map { $0 == "PAY_PER_REQUEST" } ?? table.isOnDemand
        try IndexRules.checkThroughput(index, isOnDemand: isOnDemand)
        return (index, nil)
    }

    /// The definitions of attributes that are a key of something.
    static func used(_ table: TableDefinition) -> [AttributeDefinition] {
        let names = table.indexes.reduce(Set(table.schema.names)) { $0.union($1.schema.names) }
        return table.attributes.filter { names.contains($0.name) }
    }
}
