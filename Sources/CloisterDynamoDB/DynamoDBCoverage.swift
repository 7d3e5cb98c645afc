/// Every operation of DynamoDB's model, and which of them are built: the one table for dispatch and documentation.
public enum DynamoDBCoverage {
    typealias Handler = @Sendable (DynamoDBService, DynamoDBCall) async throws -> JSON

    public struct Operation: Sendable {
        /// What differs from AWS; for the documentation.
        public let note: String
        let handler: Handler?

        public var isBuilt: Bool { handler != nil }
    }

    public static let operations: [String: Operation] = built.merging(
        notBuilt.map { ($0, Operation(note: "", handler: nil)) }) { first, _ in first }

    /// A table for the documentation, by name.
    public static func markdown() -> String {
        let rows = operations.sorted { $0.key < $1.key }.map { name, operation in
            "| \(name) | \(operation.isBuilt ? "yes" : "no (501)") | \(operation.note) |"
        }
        return (["| Operation | Built | Note |", "| --- | --- | --- |"] + rows).joined(separator: "\n") + "\n"
    }

    private static let tables: [String: Operation] = [
        "CreateTable": Operation(note: "no streams, replicas or resource policy (501); active at once") {
            try await $0.createTable($1)
        },
        "DeleteTable": Operation(note: "gone at once; its items are removed in the background") {
            try await $0.deleteTable($1)
        },
        "DescribeEndpoints": Operation(note: "") { try await $0.describeEndpoints($1) },
        "DescribeLimits": Operation(note: "AWS's default quotas; capacity isn't limited") {
            try await $0.describeLimits($1)
        },
        "DescribeTable": Operation(note: "counts and sizes are exact and current") { try await $0.describeTable($1) },
        "DescribeTimeToLive": Operation(note: "") { try await $0.describeTimeToLive($1) },
        "ListTables": Operation(note: "") { try await $0.listTables($1) },
        "ListTagsOfResource": Operation(note: "in one page") { try await $0.listTagsOfResource($1) },
        "TagResource": Operation(note: "") { try await $0.tagResource($1) },
        "UntagResource": Operation(note: "") { try await $0.untagResource($1) },
        "UpdateTable": Operation(note: "no streams or replicas (501)") { try await $0.updateTable($1) },
        "UpdateTimeToLive": Operation(note: "may be changed again at once") { try await $0.updateTimeToLive($1) },
    ]

    private static let items: [String: Operation] = [
        "BatchGetItem": Operation(note: "") { try await $0.batchGetItem($1) },
        "BatchWriteItem": Operation(note: "all of a batch is written in one step") { try await $0.batchWriteItem($1) },
        "DeleteItem": Operation(note: "") { try await $0.deleteItem($1) },
        "GetItem": Operation(note: "every read is consistent") { try await $0.getItem($1) },
        "PutItem": Operation(note: "") { try await $0.putItem($1) },
        "Query": Operation(note: "every read is consistent, of indexes too") { try await $0.query($1) },
        "Scan": Operation(note: "every read is consistent, of indexes too") { try await $0.scan($1) },
        "TransactGetItems": Operation(note: "") { try await $0.transactGetItems($1) },
        "TransactWriteItems": Operation(note: "one after another: no TransactionConflict") {
            try await $0.transactWriteItems($1)
        },
        "UpdateItem": Operation(note: "") { try await $0.updateItem($1) },
    ]

    private static let statements: [String: Operation] = [
        "BatchExecuteStatement": Operation(note: "") { try await $0.batchExecuteStatement($1) },
        "ExecuteStatement": Operation(
            note: "SELECT, INSERT, UPDATE and DELETE with their conditions, functions and RETURNING"
        ) { try await $0.executeStatement($1) },
        "ExecuteTransaction": Operation(note: "") { try await $0.executeTransaction($1) },
    ]

    private static let built = tables.merging(items) { first, _ in first }.merging(statements) { first, _ in first }

    /// Answered with 501, naming the operation.
    private static let notBuilt = """
        CreateBackup CreateGlobalTable DeleteBackup DeleteResourcePolicy DescribeBackup
        DescribeContinuousBackups DescribeContributorInsights DescribeExport DescribeGlobalTable
        DescribeGlobalTableSettings DescribeImport DescribeKinesisStreamingDestination DescribeTableReplicaAutoScaling
        DisableKinesisStreamingDestination EnableKinesisStreamingDestination
        ExportTableToPointInTime GetResourcePolicy ImportTable ListBackups ListContributorInsights ListExports
        ListGlobalTables ListImports PutResourcePolicy RestoreTableFromBackup RestoreTableToPointInTime
        UpdateContinuousBackups UpdateContributorInsights UpdateGlobalTable UpdateGlobalTableSettings
        UpdateKinesisStreamingDestination UpdateTableReplicaAutoScaling
        """.split(whereSeparator: \.isWhitespace).map(String.init)
}
