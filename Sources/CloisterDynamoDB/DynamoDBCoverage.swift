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

    /// The page for the documentation: the operations by name, then what the page must say about data at rest.
    public static func markdown() -> String {
        let rows = operations.sorted { $0.key < $1.key }.map { name, operation in
            "| \(name) | \(operation.isBuilt ? "yes" : "no (501)") | \(operation.note) |"
        }
        let table = ["| Operation | Built | Note |", "| --- | --- | --- |"] + rows
        return table.joined(separator: "\n") + "\n\n" + atRest
    }

    private static let atRest = """
        ## At rest

        Tables are in `dynamodb.db` in the data directory (SQLite, mode 0600, `synchronous=FULL`): an acknowledged write
        is on disk.

        Encrypted (AES-256-GCM, with the item's place authenticated): every item as a whole, names and values of all
        its attributes. Each table has a data key of its own, which is kept only as KMS encrypted it, under the table's
        KMS key or the account's `aws/dynamodb`. It is unwrapped for every call and not kept: a disabled KMS key makes
        its tables inaccessible at once, with `KMSKeyDisabledException`, `KMSKeyInvalidStateException`,
        `KMSKeyNotFoundException` or `KMSKeyAccessDeniedException` (names of Cloister's own: DynamoDB's model has none).

        Not encrypted: the values of key attributes, of the table and of its indexes, because their order is what makes
        a query a walk along an index; the sizes of items; the times at which items expire; tables' definitions (names of
        tables, indexes and key attributes, tags); digests of transactions that had a client token, for ten minutes.
        Whoever may read the file reads these. Don't put secrets into keys, as on AWS.

        ## Differences that clients may notice

        - Every read is consistent, of global indexes too; reads never see half of a transaction.
        - A table is active when CreateTable answers, whose answer says `CREATING` as on AWS.
        - Writes run one after another: there is no `TransactionConflict` and no throttling.
        - Expired items are removed by a sweep every 30 seconds, and are read until then.
        - The order in which Scan goes through partitions isn't AWS's.

        """

    private static let tables: [String: Operation] = [
        "CreateTable": Operation(note: "no streams, replicas or resource policy (501); WarmThroughput has no effect") {
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
        "UpdateTable": Operation(note: "no streams or replicas (501); WarmThroughput has no effect") {
            try await $0.updateTable($1)
        },
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
