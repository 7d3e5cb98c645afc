import Testing

@testable import CloisterCommands

@Suite("HTTP responses")
struct HTTPResponseReaderTests {
    /// Feeds `text` in pieces of `size` bytes.
    func read(_ text: String, size: Int = 1) throws -> (response: HTTPResponse?, body: String, isComplete: Bool) {
        var reader = HTTPResponseReader()
        var body: [UInt8] = []
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: size) {
            body += try reader.receive(Array(bytes[start..<min(start + size, bytes.count)]))
        }
        return (reader.head, String(decoding: body, as: UTF8.self), reader.isComplete)
    }

    @Test("a body of known length, in whatever pieces", arguments: [1, 2, 7, 1_000])
    func fixedLength(size: Int) throws {
        let text = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Two:  a b \r\nContent-Length: 5\r\n\r\nhello"
        let result = try read(text, size: size)
        #expect(result.response?.status == 200)
        #expect(result.response?.field("x-two") == "a b")
        #expect(result.body == "hello")
        #expect(result.isComplete)
    }

    @Test("chunks, with extensions and trailers", arguments: [1, 3, 1_000])
    func chunked(size: Int) throws {
        let text =
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nT: 1\r\n\r\n"
        let result = try read(text, size: size)
        #expect(result.body == "abc0123456789")
        #expect(result.isComplete)
    }

    @Test("no body where there can't be one, interim answers passed over")
    func noBody() throws {
        #expect(try read("HTTP/1.1 204 No Content\r\n\r\n").isComplete)
        #expect(try read("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").isComplete)
        #expect(
            try read("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n").response?.status
                == 202)
    }

    @Test("a body until the end of the connection")
    func untilClose() throws {
        var reader = HTTPResponseReader()
        let body = try reader.receive(Array("HTTP/1.0 200 OK\r\n\r\nrest".utf8))
        #expect(String(decoding: body, as: UTF8.self) == "rest")
        #expect(!reader.isComplete)
        try reader.receiveEnd()
        #expect(reader.isComplete)
    }

    @Test("an answer cut short is an error")
    func cutShort() throws {
        var reader = HTTPResponseReader()
        _ = try reader.receive(Array("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf".utf8))
        #expect(throws: CommandFailure.self) { try reader.receiveEnd() }
    }

    @Test(
        "what is no HTTP is refused",
        arguments: [
            "SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1 99 x\r\n\r\n", "HTTP/1.1 200 OK\r\nbroken\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
            "HTTP/1.1 200 OK\r\nX: " + String(repeating: "x", count: 70_000),
        ])
    func malformed(text: String) throws {
        #expect(throws: CommandFailure.self) { try read(text, size: 4_096) }
    }
}
