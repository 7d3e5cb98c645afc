/// The input shapes of CloudWatch Logs' model, as far as they are used; other members are ignored.
enum LogsRequests {
    struct DescribeLogGroups: Decodable {
        var logGroupNamePrefix: String?
        var logGroupNamePattern: String?
        var logGroupIdentifiers: [String]?
        var logGroupClass: String?
        var nextToken: String?
        var limit: Int?
    }

    struct DescribeLogStreams: Decodable {
        var logGroupName: String?
        var logGroupIdentifier: String?
        var logStreamNamePrefix: String?
        var orderBy: String?
        var descending: Bool?
        var nextToken: String?
        var limit: Int?
    }

    struct GetLogEvents: Decodable {
        var logGroupName: String?
        var logGroupIdentifier: String?
        var logStreamName: String?
        var startTime: Int64?
        var endTime: Int64?
        var nextToken: String?
        var limit: Int?
        var startFromHead: Bool?
    }

    struct FilterLogEvents: Decodable {
        var logGroupName: String?
        var logGroupIdentifier: String?
        var logStreamNames: [String]?
        var logStreamNamePrefix: String?
        var startTime: Int64?
        var endTime: Int64?
        var filterPattern: String?
        var nextToken: String?
        var limit: Int?
        /// Cloister's own: only this tenant's records. AWS's clients don't know it.
        var tenantId: String?
    }

    struct Group: Decodable {
        var logGroupName: String?
        var kmsKeyId: String?
        var tags: [String: String]?
        var logGroupClass: String?
        var deletionProtectionEnabled: Bool?
        var retentionInDays: Int?
    }

    struct Stream: Decodable {
        var logGroupName: String?
        var logStreamName: String?
    }

    struct PutLogEvents: Decodable {
        struct Event: Decodable {
            var timestamp: Int64?
            var message: String?
        }

        var logGroupName: String?
        var logStreamName: String?
        var logEvents: [Event]?
    }

    struct Tags: Decodable {
        var resourceArn: String?
        var tags: [String: String]?
        var tagKeys: [String]?
    }

    /// `UntagLogGroup`, where `tags` is a list of keys.
    struct GroupTagKeys: Decodable {
        var logGroupName: String?
        var tags: [String]?
    }
}
