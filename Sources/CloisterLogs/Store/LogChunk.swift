import CloisterCore
import CloisterServiceKit

/// Records of one stream and one tenant that were written together: one database row, so that a busy function costs a few
/// rows a second and not one per line.
///
/// Bytes per record: message length u32, timestamp i64, request id length u8 (all little-endian), request id, message.
struct LogChunk {
    static let recordsMax = 8_192
    static let bytesMax = 1 << 20
    /// Between the first and the last timestamp; keeps the search for overlapping chunks short.
    static let spanMillisecondsMax: Int64 = 600_000
    private static let headBytes = 13

    let tenant: TenantID?
    private(set) var firstTimestamp: Int64
    private(set) var lastTimestamp: Int64
    private(set) var count = 0
    private(set) var bytes: [UInt8] = []

    init(first: LogRecord) {
        tenant = first.tenant
        firstTimestamp = first.timestamp
        lastTimestamp = first.timestamp
        add(first)
    }

    func takes(_ record: LogRecord) -> Bool {
        let size = min(record.message.utf8.count, LogsLimits.messageBytesMax) + 300
        return record.tenant == tenant && count < LogChunk.recordsMax && bytes.count + size <= LogChunk.bytesMax
            && max(lastTimestamp, record.timestamp) - min(firstTimestamp, record.timestamp)
                <= LogChunk.spanMillisecondsMax
    }

    mutating func add(_ record: LogRecord) {
        firstTimestamp = min(firstTimestamp, record.timestamp)
        lastTimestamp = max(lastTimestamp, record.timestamp)
        count += 1
        let message = LogChunk.cut(record.message)
        let requestID = record.requestID.map { $0.rawValue.utf8.prefix(255) }
        appendLittleEndian(UInt32(message.count))
        appendLittleEndian(record.timestamp)
        bytes.append(UInt8(requestID?.count ?? 0))
        if let requestID { bytes.append(contentsOf: requestID) }
        bytes.append(contentsOf: message)
    }

    /// The records of a row. Throws when the bytes aren't a chunk.
    static func decode(
        _ bytes: [UInt8], each: (_ index: Int, _ timestamp: Int64, _ requestID: ArraySlice<UInt8>, _ message: ArraySlice<UInt8>) -> Void
    ) throws(LogStoreError) {
        var position = 0
        var index = 0
        while position < bytes.count {
            guard bytes.count - position >= headBytes else { throw LogStoreError(.unavailable, "a log chunk ends early") }
            let messageCount = Int(littleEndian(bytes[position..<(position + 4)]))
            let timestamp = Int64(bitPattern: littleEndian(bytes[(position + 4)..<(position + 12)]))
            let requestCount = Int(bytes[position + 12])
            let requestStart = position + headBytes
            guard bytes.count - requestStart >= requestCount + messageCount, index < recordsMax else {
                throw LogStoreError(.unavailable, "a log chunk is damaged")
            }
            let messageStart = requestStart + requestCount
            each(index, timestamp, bytes[requestStart..<messageStart], bytes[messageStart..<(messageStart + messageCount)])
            position = messageStart + messageCount
            index += 1
        }
    }

    /// At most `messageBytesMax` bytes, and no character cut in two.
    private static func cut(_ message: String) -> Substring.UTF8View {
        let utf8 = message.utf8
        guard utf8.count > LogsLimits.messageBytesMax else { return message[...].utf8 }
        var end = utf8.index(utf8.startIndex, offsetBy: LogsLimits.messageBytesMax)
        while end > utf8.startIndex, utf8[end] & 0xc0 == 0x80 { end = utf8.index(before: end) }
        return message[..<end].utf8
    }

    private mutating func appendLittleEndian(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    private static func littleEndian(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
