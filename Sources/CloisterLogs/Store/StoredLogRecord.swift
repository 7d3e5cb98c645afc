import CloisterCore

/// A record's place: by time, and within a millisecond in the order of arrival. Never used twice.
public struct LogPosition: Hashable, Comparable, Sendable {
    /// Milliseconds since 1970.
    public let timestamp: Int64
    /// Grows with arrival.
    public let sequence: Int64

    public init(timestamp: Int64, sequence: Int64) {
        self.timestamp = timestamp
        self.sequence = sequence
    }

    public static func < (lhs: LogPosition, rhs: LogPosition) -> Bool {
        (lhs.timestamp, lhs.sequence) < (rhs.timestamp, rhs.sequence)
    }
}

/// A log record as the store keeps it.
public struct StoredLogRecord: Sendable, Equatable {
    public let region: String
    public let group: String
    public let stream: String
    public let position: LogPosition
    public let message: String
    public let tenant: TenantID?
    public let requestID: RequestID?
    /// Milliseconds since 1970.
    public let ingestedAt: Int64
    /// Live subscribers only: how many records were lost just before this one, because the subscriber was too slow.
    public var skippedBefore = 0

    /// Milliseconds since 1970.
    public var timestamp: Int64 { position.timestamp }
}

/// What to read.
public struct LogQuery: Sendable {
    public enum Scope: Sendable, Equatable {
        /// Of the whole group; nil: any stream.
        case group(streams: [String]?, prefix: String?)
        case stream(String)
        /// The newest first, to the limit; the page is in rising order all the same.
        case streamBackward(String)
    }

    public var region: String
    public var group: String
    public var scope: Scope
    /// Nil: any tenant, and none.
    public var tenant: TenantID?
    /// Milliseconds since 1970; both inclusive.
    public var from: Int64
    public var through: Int64
    /// Only what lies beyond this position, in reading direction.
    public var beyond: LogPosition?
    /// 1 to 10,000.
    public var limit: Int
    public var pattern: LogFilterPattern?

    public init(
        region: String, group: String, scope: Scope, tenant: TenantID? = nil, from: Int64 = 0,
        through: Int64 = .max, beyond: LogPosition? = nil, limit: Int = 10_000, pattern: LogFilterPattern? = nil
    ) {
        self.region = region
        self.group = group
        self.scope = scope
        self.tenant = tenant
        self.from = from
        self.through = through
        self.beyond = beyond
        self.limit = limit
        self.pattern = pattern
    }

    var isBackward: Bool {
        if case .streamBackward = scope { true } else { false }
    }
}

/// Up to 10,000 records and 1 MiB, in rising order.
public struct LogPage: Sendable, Equatable {
    public var records: [StoredLogRecord]
    /// Where to read on; nil when everything has been read. May be set on an empty page.
    public var next: LogPosition?
}

/// What the store could not do.
public struct LogStoreError: Error, Equatable, Sendable {
    public enum Code: Sendable {
        case groupNotFound, streamNotFound, groupExists, streamExists
        case tooManyGroups, tooManyTags, tooManySubscribers
        /// The database is damaged or can't be opened.
        case unavailable
    }

    public let code: Code
    /// For the operator's log.
    public let message: String

    init(_ code: Code, _ message: String = "") {
        self.code = code
        self.message = message
    }
}
