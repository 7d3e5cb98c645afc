import CloisterCore
import CloisterServiceKit
import Testing

@testable import CloisterLogs

@Suite struct LogChunkTests {
    private static func record(_ message: String, at timestamp: Int64 = 5, tenant: String? = nil) -> LogRecord {
        LogRecord(
            timestamp: timestamp, message: message, tenant: tenant.flatMap { TenantID($0) }, requestID: RequestID("id"))
    }

    private static func decode(_ bytes: [UInt8]) throws -> [String] {
        var messages: [String] = []
        try LogChunk.decode(bytes) { index, timestamp, requestID, message in
            messages.append(
                "\(index) \(timestamp) \(String(decoding: requestID, as: UTF8.self)) \(String(decoding: message, as: UTF8.self))")
        }
        return messages
    }

    @Test func givesBackWhatWentIn() throws {
        var chunk = LogChunk(first: Self.record("one", at: -1))
        chunk.add(Self.record("", at: .max))
        chunk.add(Self.record("drei ü"))
        #expect(try Self.decode(chunk.bytes) == ["0 -1 id one", "1 \(Int64.max) id ", "2 5 id drei ü"])
        #expect(chunk.firstTimestamp == -1 && chunk.lastTimestamp == .max)
    }

    @Test func takesOneTenantAndAShortSpanOnly() {
        let chunk = LogChunk(first: Self.record("m", at: 0, tenant: "a"))
        #expect(chunk.takes(Self.record("m", at: 600_000, tenant: "a")))
        #expect(!chunk.takes(Self.record("m", at: 600_001, tenant: "a")))
        #expect(!chunk.takes(Self.record("m", tenant: "b")))
        #expect(!chunk.takes(Self.record("m")))
    }

    @Test func cutsBeforeACharacterThatWouldBeBroken() throws {
        let chunk = LogChunk(first: Self.record(String(repeating: "x", count: 262_143) + "ü"))
        #expect(try Self.decode(chunk.bytes)[0].utf8.count == "0 5 id ".utf8.count + 262_143)
    }

    @Test func refusesDamagedBytes() throws {
        let bytes = LogChunk(first: Self.record("message")).bytes
        for length in 1..<bytes.count {
            #expect(throws: LogStoreError.self) { try Self.decode(Array(bytes.prefix(length))) }
        }
        #expect(throws: LogStoreError.self) { try Self.decode([UInt8](repeating: 0xff, count: 13)) }
    }
}
