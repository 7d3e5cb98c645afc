/// CloudWatch Logs' documented quotas, and Cloister's own bounds, in one place.
enum LogsLimits {
    // CloudWatch Logs (quotas page and the service model).

    /// A longer message is cut by `LogStore.append` and refused by PutLogEvents.
    static let messageBytesMax = 262_144
    /// What each event counts beside its message, in batches and in stored bytes.
    static let eventOverheadBytes = 26
    static let batchBytesMax = 1_048_576
    static let batchEventsMax = 10_000
    static let batchSpanMillisecondsMax: Int64 = 24 * 3_600_000
    static let eventAgeMillisecondsMax: Int64 = 14 * 24 * 3_600_000
    static let eventFutureMillisecondsMax: Int64 = 2 * 3_600_000
    static let pageEventsMax = 10_000
    static let pageBytesMax = 1_048_576
    static let describeMax = 50
    static let nameLengthMax = 512
    static let streamNamesMax = 100
    static let filterPatternLengthMax = 1_024
    static let tagsMax = 50
    static let groupsMax = 10_000
    static let retentionDays: Set<Int> = [
        1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1_096, 1_827, 2_192, 2_557, 2_922, 3_288, 3_653,
    ]

    // Cloister's own.

    /// Parentheses in a JSON pattern, and arrays and objects in a message that one looks into.
    static let nestingMax = 64
    /// Request bodies; the largest useful one is a PutLogEvents batch with every byte escaped.
    static let bodyBytesMax = 8 << 20
    /// One FilterLogEvents call looks through at most this much, then answers with a token.
    static let scanBytesMax = 64 << 20
    static let tokenLengthMax = 8_192
    static let subscribersMax = 64

    static let millisecondsPerDay: Int64 = 86_400_000
}
