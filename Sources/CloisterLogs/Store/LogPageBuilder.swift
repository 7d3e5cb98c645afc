/// Merges chunks, which overlap in time, into one page in order; its memory is bounded by the page and one chunk.
///
/// Chunks come ordered by their near end (in reading direction). What lies before the next chunk's near end can't be
/// preceded by anything that is still to come: it is settled.
struct LogPageBuilder {
    private static let pendingBytesMax = 4 * LogsLimits.pageBytesMax

    private let limit: Int
    private let isBackward: Bool
    private var settled: [StoredLogRecord] = []
    private var settledBytes = 0
    private var pending: [StoredLogRecord] = []
    private var pendingBytes = 0
    private var isTruncated = false
    private(set) var isFull = false

    init(limit: Int, isBackward: Bool) {
        self.limit = limit
        self.isBackward = isBackward
    }

    mutating func add(_ record: StoredLogRecord) {
        pending.append(record)
        pendingBytes += LogPageBuilder.size(of: record)
        if pendingBytes > LogPageBuilder.pendingBytesMax || pending.count > 2 * limit + LogChunk.recordsMax { truncate() }
    }

    /// Nothing that is still to come lies before `timestamp` (backward: after it).
    mutating func settle(before timestamp: Int64) {
        let ready = pending.filter { isBackward ? $0.timestamp > timestamp : $0.timestamp < timestamp }
        guard !ready.isEmpty else { return }
        pending.removeAll { isBackward ? $0.timestamp > timestamp : $0.timestamp < timestamp }
        pendingBytes = pending.reduce(0) { $0 + LogPageBuilder.size(of: $1) }
        take(ready)
    }

    /// The page, once no chunk is left or it's full. `resume`: where reading ended before all chunks were seen.
    consuming func finish(resume: LogPosition? = nil) -> LogPage {
        if resume == nil, !isFull { take(pending) }
        let hasMore = isFull || isTruncated
        let next = hasMore ? settled.last?.position : resume
        return LogPage(records: isBackward ? settled.reversed() : settled, next: next)
    }

    private mutating func take(_ records: [StoredLogRecord]) {
        for record in records.sorted(by: precedes) {
            let size = LogPageBuilder.size(of: record)
            guard settled.count < limit, settled.isEmpty || settledBytes + size <= LogsLimits.pageBytesMax else {
                isFull = true
                return
            }
            settled.append(record)
            settledBytes += size
        }
    }

    /// Keeps as many of the nearest as a page can hold at most.
    private mutating func truncate() {
        pending.sort(by: precedes)
        var bytes = 0
        var count = 0
        while count < pending.count, count <= limit, bytes <= LogsLimits.pageBytesMax {
            bytes += LogPageBuilder.size(of: pending[count])
            count += 1
        }
        guard count < pending.count else { return }
        pending.removeLast(pending.count - count)
        pendingBytes = bytes
        isTruncated = true
    }

    private func precedes(_ left: StoredLogRecord, _ right: StoredLogRecord) -> Bool {
        isBackward ? left.position > right.position : left.position < right.position
    }

    private static func size(of record: StoredLogRecord) -> Int {
        record.message.utf8.count + LogsLimits.eventOverheadBytes
    }
}
