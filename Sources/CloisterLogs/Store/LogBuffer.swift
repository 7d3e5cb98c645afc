import CloisterServiceKit

/// A stream's full name.
struct LogStreamKey: Hashable, Sendable {
    let region: String
    let group: String
    let stream: String
}

/// What one `append` brought.
struct LogBatch: Sendable {
    let key: LogStreamKey
    let records: [LogRecord]
}

/// Records that were dropped because the buffer was full.
struct LogDrop: Equatable, Sendable {
    var records = 0
    var bytes = 0
}

/// Records on their way to the disk: bounded in number and bytes. No I/O.
struct LogBuffer: Sendable {
    struct Contents: Sendable {
        var batches: [LogBatch] = []
        var drops: [LogStreamKey: LogDrop] = [:]

        var isEmpty: Bool { batches.isEmpty && drops.isEmpty }
    }

    /// Drops are told apart for so many streams; those of further streams are counted under the first of them.
    private static let dropStreamsMax = 1_024
    /// What a record takes beside its message.
    private static let recordBytes = 128

    private let recordsMax: Int
    private let bytesMax: Int
    private var contents = Contents()
    private var recordCount = 0
    private var byteCount = 0
    private(set) var droppedTotal = 0

    init(recordsMax: Int, bytesMax: Int) {
        self.recordsMax = recordsMax
        self.bytesMax = bytesMax
    }

    /// Takes all of the batch or, where it doesn't fit, none.
    mutating func append(_ batch: LogBatch) {
        let size = LogBuffer.size(of: batch)
        guard recordCount + batch.records.count <= recordsMax, byteCount + size <= bytesMax else {
            return drop(batch, bytes: size)
        }
        contents.batches.append(batch)
        recordCount += batch.records.count
        byteCount += size
    }

    mutating func takeAll() -> Contents {
        defer {
            contents = Contents()
            recordCount = 0
            byteCount = 0
        }
        return contents
    }

    /// Puts contents back that could not be written, before whatever came since; the newest are dropped where both
    /// together are too much.
    mutating func restore(_ taken: Contents) {
        let newer = takeAll()
        for drops in [taken.drops, newer.drops] {
            contents.drops.merge(drops) { LogDrop(records: $0.records + $1.records, bytes: $0.bytes + $1.bytes) }
        }
        for batch in taken.batches + newer.batches { append(batch) }
    }

    private mutating func drop(_ batch: LogBatch, bytes: Int) {
        var key = batch.key
        if contents.drops.count >= LogBuffer.dropStreamsMax, contents.drops[key] == nil, let other = contents.drops.keys.first {
            key = other
        }
        contents.drops[key, default: LogDrop()].records += batch.records.count
        contents.drops[key, default: LogDrop()].bytes += bytes
        droppedTotal += batch.records.count
    }

    private static func size(of batch: LogBatch) -> Int {
        batch.records.reduce(0) { $0 + $1.message.utf8.count + recordBytes }
    }
}
