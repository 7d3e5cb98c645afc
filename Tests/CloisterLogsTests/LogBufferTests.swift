import CloisterServiceKit
import Testing

@testable import CloisterLogs

@Suite struct LogBufferTests {
    private static let key = LogStreamKey(region: "r", group: "g", stream: "s")

    private static func batch(_ count: Int, size: Int = 1, key: LogStreamKey = key) -> LogBatch {
        let record = LogRecord(
            timestamp: 1, message: String(repeating: "x", count: size), tenant: nil, requestID: nil)
        return LogBatch(key: key, records: Array(repeating: record, count: count))
    }

    @Test func dropsWhatIsBeyondTheNumberAndCountsIt() {
        var buffer = LogBuffer(recordsMax: 5, bytesMax: 1 << 20)
        buffer.append(Self.batch(4))
        buffer.append(Self.batch(2))
        buffer.append(Self.batch(1))
        let contents = buffer.takeAll()
        #expect(contents.batches.map(\.records.count) == [4, 1])
        #expect(contents.drops[Self.key]?.records == 2)
        #expect(buffer.droppedTotal == 2)
        #expect(buffer.takeAll().isEmpty)
    }

    @Test func dropsWhatIsBeyondTheBytes() {
        var buffer = LogBuffer(recordsMax: 100, bytesMax: 1_000)
        buffer.append(Self.batch(1, size: 2_000))
        buffer.append(Self.batch(1, size: 500))
        let contents = buffer.takeAll()
        #expect(contents.batches.count == 1)
        #expect(contents.drops[Self.key]?.bytes ?? 0 >= 2_000)
    }

    @Test func restoredContentsComeFirstAndStayBounded() {
        var buffer = LogBuffer(recordsMax: 5, bytesMax: 1 << 20)
        buffer.append(Self.batch(3))
        let taken = buffer.takeAll()
        buffer.append(Self.batch(2))
        buffer.append(Self.batch(3))
        buffer.restore(taken)
        let contents = buffer.takeAll()
        #expect(contents.batches.map(\.records.count) == [3, 2])
        #expect(contents.drops[Self.key]?.records == 3)
    }

    @Test func dropsOfManyStreamsStayBounded() {
        var buffer = LogBuffer(recordsMax: 0, bytesMax: 0)
        for index in 0..<5_000 {
            buffer.append(Self.batch(1, key: LogStreamKey(region: "r", group: "g", stream: "\(index)")))
        }
        let drops = buffer.takeAll().drops
        #expect(drops.count == 1_024)
        #expect(drops.values.reduce(0) { $0 + $1.records } == 5_000)
    }
}
