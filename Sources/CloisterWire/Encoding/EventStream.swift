public import NIOCore

/// Frames of `application/vnd.amazon.eventstream`, as `InvokeWithResponseStream` answers with.
public enum EventStream {
    /// Appends one event of the type `type` (`PayloadChunk`, `InvokeComplete`).
    public static func write(event type: String, payload: ByteBuffer, to buffer: inout ByteBuffer) {
        let headers = header(":message-type", "event") + header(":event-type", type)
        let total = 12 + headers.count + payload.readableBytes + 4
        var frame = ByteBuffer()
        frame.reserveCapacity(total)
        frame.writeInteger(UInt32(total))
        frame.writeInteger(UInt32(headers.count))
        frame.writeInteger(CRC32.checksum(frame.readableBytesView))
        frame.writeBytes(headers)
        frame.writeImmutableBuffer(payload)
        frame.writeInteger(CRC32.checksum(frame.readableBytesView))
        buffer.writeBuffer(&frame)
    }

    private static func header(_ name: String, _ value: String) -> [UInt8] {
        [UInt8(name.utf8.count)] + Array(name.utf8) + [7, UInt8(value.utf8.count >> 8), UInt8(value.utf8.count & 255)]
            + Array(value.utf8)
    }
}

/// CRC-32 as in IEEE 802.3.
enum CRC32 {
    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { crc, _ in crc & 1 == 1 ? 0xedb8_8320 ^ (crc >> 1) : crc >> 1 }
    }

    static func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
        var crc: UInt32 = 0xffff_ffff
        for byte in bytes { crc = table[Int((crc ^ UInt32(byte)) & 255)] ^ (crc >> 8) }
        return crc ^ 0xffff_ffff
    }
}
