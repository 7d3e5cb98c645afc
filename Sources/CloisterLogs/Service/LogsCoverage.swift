import Foundation

/// Every operation of CloudWatch Logs' model, and which of them are built: the one table for dispatch and documentation.
public enum LogsCoverage {
    typealias Handler = @Sendable (LogsService, LogsCall) async throws -> [UInt8]

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

    private static func json(_ output: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        return [UInt8](try encoder.encode(output))
    }

    private static let built: [String: Operation] = [
        "DescribeLogGroups": Operation(note: "") { try json(try await $0.describeLogGroups($1)) },
        "DescribeLogStreams": Operation(note: "") { try json(try await $0.describeLogStreams($1)) },
        "GetLogEvents": Operation(note: "") { try json(try await $0.getLogEvents($1)) },
        "FilterLogEvents": Operation(note: "terms and JSON patterns; Cloister adds `tenantId` to input and events") { try json(try await $0.filterLogEvents($1)) },
        "CreateLogGroup": Operation(note: "class STANDARD only; no KMS key, no deletion protection") { try json(try await $0.createLogGroup($1)) },
        "CreateLogStream": Operation(note: "") { try json(try await $0.createLogStream($1)) },
        "DeleteLogGroup": Operation(note: "") { try json(try await $0.deleteLogGroup($1)) },
        "DeleteLogStream": Operation(note: "") { try json(try await $0.deleteLogStream($1)) },
        "PutLogEvents": Operation(note: "events up to 256 KiB; `entity` is ignored") { try json(try await $0.putLogEvents($1)) },
        "PutRetentionPolicy": Operation(note: "") { try json(try await $0.putRetentionPolicy($1)) },
        "DeleteRetentionPolicy": Operation(note: "") { try json(try await $0.deleteRetentionPolicy($1)) },
        "ListTagsForResource": Operation(note: "log groups") { try json(try await $0.listTagsForResource($1)) },
        "TagResource": Operation(note: "log groups") { try json(try await $0.tagResource($1)) },
        "UntagResource": Operation(note: "log groups") { try json(try await $0.untagResource($1)) },
        "ListTagsLogGroup": Operation(note: "") { try json(try await $0.listTagsLogGroup($1)) },
        "TagLogGroup": Operation(note: "") { try json(try await $0.tagLogGroup($1)) },
        "UntagLogGroup": Operation(note: "") { try json(try await $0.untagLogGroup($1)) },
    ]

    /// Answered with 501, naming the operation.
    private static let notBuilt = """
        AssociateKmsKey AssociateSourceToS3TableIntegration CancelExportTask CancelImportTask CreateDelivery
        CreateExportTask CreateImportTask CreateLogAnomalyDetector CreateLookupTable CreateScheduledQuery
        DeleteAccountPolicy DeleteDataProtectionPolicy DeleteDelivery DeleteDeliveryDestination
        DeleteDeliveryDestinationPolicy DeleteDeliverySource DeleteDestination DeleteIndexPolicy DeleteIntegration
        DeleteLogAnomalyDetector DeleteLookupTable DeleteMetricFilter DeleteQueryDefinition DeleteResourcePolicy
        DeleteScheduledQuery DeleteSubscriptionFilter DeleteTransformer DescribeAccountPolicies
        DescribeConfigurationTemplates DescribeDeliveries DescribeDeliveryDestinations DescribeDeliverySources
        DescribeDestinations DescribeExportTasks DescribeFieldIndexes DescribeImportTaskBatches DescribeImportTasks
        DescribeIndexPolicies DescribeLookupTables DescribeMetricFilters DescribeQueries DescribeQueryDefinitions
        DescribeResourcePolicies DescribeSubscriptionFilters DisassociateKmsKey
        DisassociateSourceFromS3TableIntegration GetDataProtectionPolicy GetDelivery GetDeliveryDestination
        GetDeliveryDestinationPolicy GetDeliverySource GetIntegration GetLogAnomalyDetector GetLogFields
        GetLogGroupFields GetLogObject GetLogRecord GetLookupTable GetQueryResults GetScheduledQuery
        GetScheduledQueryHistory GetTransformer ListAggregateLogGroupSummaries ListAnomalies ListIntegrations
        ListLogAnomalyDetectors ListLogGroups ListLogGroupsForQuery ListScheduledQueries
        ListSourcesForS3TableIntegration PutAccountPolicy PutBearerTokenAuthentication PutDataProtectionPolicy
        PutDeliveryDestination PutDeliveryDestinationPolicy PutDeliverySource PutDestination PutDestinationPolicy
        PutIndexPolicy PutIntegration PutLogGroupDeletionProtection PutMetricFilter PutQueryDefinition
        PutResourcePolicy PutSubscriptionFilter PutTransformer StartLiveTail StartQuery StopQuery TestMetricFilter
        TestTransformer UpdateAnomaly UpdateDeliveryConfiguration UpdateLogAnomalyDetector UpdateLookupTable
        UpdateScheduledQuery
        """.split(whereSeparator: \.isWhitespace).map(String.init)
}
