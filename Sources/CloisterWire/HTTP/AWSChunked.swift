public import NIOCore

/// The body framing `aws-chunked` with a trailer, as SDKs send it with `STREAMING-UNSIGNED-PAYLOAD-TRAILER`.
public enum AWSChunked {
    /// The content; nil if the framing is malformed or the content longer than `limit`.
    public static func decode(_ body: ByteBuffer, limit: Int) -> ByteBuffer? {
        var limits = HTTPRequestParser.Limits(bodyBytesMax: limit)
        limits.headBytesMax = 256
        var parser = HTTPRequestParser(limits: limits)
        // Inside, it is what HTTP calls chunked: the same strict parser reads it.
        var input = ByteBuffer(string: "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
        input.writeImmutableBuffer(body)
        var content = ByteBuffer()
        while let event = try? parser.next(&input) {
            switch event {
            case .head: break
            case .body(let part): content.writeImmutableBuffer(part)
            case .end: return input.readableBytes == 0 ? content : nil
            }
        }
        return nil
    }
}
