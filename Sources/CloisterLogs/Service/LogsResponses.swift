/// The output shapes of CloudWatch Logs' model, as far as they are used.
enum LogsResponses {
    struct Empty: Encodable {}

    struct DescribeLogGroups: Encodable {
        struct Group: Encodable {
            var logGroupName: String
            var creationTime: Int64
            var retentionInDays: Int?
            var metricFilterCount = 0
            var arn: String
            var storedBytes: Int
            var logGroupClass = "STANDARD"
            var logGroupArn: String
            var deletionProtectionEnabled = false
        }

        var logGroups: [Group]
        var nextToken: String?
    }

    struct DescribeLogStreams: Encodable {
        struct Stream: Encodable {
            var logStreamName: String
            var creationTime: Int64
            var firstEventTimestamp: Int64?
            var lastEventTimestamp: Int64?
            var lastIngestionTime: Int64?
            /// AWS's clients may still look for one; its value has had no meaning since 2023.
            var uploadSequenceToken = LogsResponses.sequenceToken
            var arn: String
            /// Zero on AWS since 2019.
            var storedBytes = 0
        }

        var logStreams: [Stream]
        var nextToken: String?
    }

    struct GetLogEvents: Encodable {
        struct Event: Encodable {
            var timestamp: Int64
            var message: String
            var ingestionTime: Int64
        }

        var events: [Event]
        var nextForwardToken: String
        var nextBackwardToken: String
    }

    struct FilterLogEvents: Encodable {
        struct Event: Encodable {
            var logStreamName: String
            var timestamp: Int64
            var message: String
            var ingestionTime: Int64
            var eventId: String
            /// Cloister's own; AWS's clients ignore it.
            var tenantId: String?
        }

        struct SearchedStream: Encodable {
            var logStreamName: String
            var searchedCompletely: Bool
        }

        var events: [Event]
        /// Empty on AWS since 2020.
        var searchedLogStreams: [SearchedStream] = []
        var nextToken: String?
    }

    struct PutLogEvents: Encodable {
        struct Rejected: Encodable {
            var tooNewLogEventStartIndex: Int?
            var tooOldLogEventEndIndex: Int?
            var expiredLogEventEndIndex: Int?
        }

        var nextSequenceToken = LogsResponses.sequenceToken
        var rejectedLogEventsInfo: Rejected?
    }

    struct Tags: Encodable {
        var tags: [String: String]
    }

    static let sequenceToken = "49000000000000000000000000000000000000000000000000000000"
}
