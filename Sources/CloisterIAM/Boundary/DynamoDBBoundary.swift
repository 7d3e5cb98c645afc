import Foundation

/// Items belong to the tenant that their partition key names.
struct DynamoDBBoundary {
    let check: BoundaryCheck

    private static let itemReads: Set<String> = ["GetItem", "BatchGetItem", "TransactGetItems", "Query", "ConditionCheckItem", "PartiQLSelect"]
    private static let itemWrites: Set<String> = [
        "PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems", "PartiQLInsert", "PartiQLUpdate",
        "PartiQLDelete",
    ]
    /// What tables look like is no tenant's secret.
    private static let tableReads: Set<String> = [
        "DescribeTable", "ListTables", "DescribeLimits", "DescribeEndpoints", "DescribeTimeToLive", "ListTagsOfResource",
        "DescribeContinuousBackups",
    ]

    func verdict(_ call: BoundaryRequest) -> BoundaryVerdict {
        if DynamoDBBoundary.tableReads.contains(call.operation) { return .inside }
        let isRead = DynamoDBBoundary.itemReads.contains(call.operation) || call.operation == "Scan"
        guard isRead || DynamoDBBoundary.itemWrites.contains(call.operation), let table = call.table else {
            return check.outside(
                "dynamodb:\(call.operation) is not open to a tenant's environment",
                "no rule lets dynamodb:\(call.operation) on '\(call.resource)' pass")
        }
        // A table that is one tenant's as a whole; another's was refused before.
        if !call.resourceTenants.isEmpty { return .inside }
        if isShared(table.name, call) {
            return isRead ? .inside : check.outside("the table is shared", "a write to the shared table '\(table.name)'")
        }
        return items(call, table, patterns: patterns(table.name, call), isRead: isRead)
    }

    private func items(
        _ call: BoundaryRequest, _ table: (name: String, isIndex: Bool), patterns: OwnerPatterns?, isRead: Bool
    ) -> BoundaryVerdict {
        let keys = call.values("dynamodb:LeadingKeys")
        guard call.operation != "Scan", !keys.isEmpty, call.values("dynamodb:FullTableScan") != ["true"] else {
            return check.outside(
                "the request doesn't name the tenant's partition key", "\(call.operation) of '\(table.name)' without a partition key")
        }
        let indexPatterns = patterns ?? check.boundary.leadingKeys
        let foreign = keys.first { owner($0, patterns) == .foreign }
            ?? call.values(BoundaryConditionKeys.indexKeys).first { owner($0, indexPatterns) == .foreign }
        if let foreign {
            return check.cross("a partition key belongs to another tenant", "the key '\(foreign)' of '\(table.name)'")
        }
        guard let shared = keys.first(where: { owner($0, patterns) == .untenanted }) else { return .inside }
        // An index's key says nothing about whose the items behind it are.
        if isRead, !table.isIndex { return .inside }
        return check.outside(
            table.isIndex ? "the index's key doesn't name the tenant" : "the partition key doesn't name the tenant",
            "the key '\(shared)' of '\(table.name)'")
    }

    /// - Parameter patterns: nil: the key is the tenant's id itself.
    private func owner(_ key: String, _ patterns: OwnerPatterns?) -> Ownership {
        guard let patterns else { return check.isForeign(key) ? .foreign : .own }
        let owner = patterns.owner(of: key, for: check.tenant)
        // Binary keys come in base64.
        guard owner == .untenanted, let bytes = Data(base64Encoded: key), let text = String(validating: bytes, as: UTF8.self)
        else { return owner }
        return patterns.owner(of: text, for: check.tenant)
    }

    private func isShared(_ table: String, _ call: BoundaryRequest) -> Bool {
        check.boundary.tables[table]?.isShared == true || call.values("aws:ResourceTag/cloister:shared") == ["true"]
    }

    /// The table's own forms by document or tag, else by the key's name, else the standard ones. A tag that can't be read
    /// makes every key a foreign one.
    private func patterns(_ table: String, _ call: BoundaryRequest) -> OwnerPatterns? {
        if let own = check.boundary.tables[table]?.leadingKeys { return own }
        if let text = call.values("aws:ResourceTag/cloister:leading-keys").first {
            return try? OwnerPatterns(text.split(separator: " ").map(String.init))
        }
        let name = call.values(BoundaryConditionKeys.partitionKeyName).first.map(TenantBoundary.foldedTagKey)
        if let name, check.boundary.tenantAttributes.contains(name) { return nil }
        return check.boundary.leadingKeys
    }
}
