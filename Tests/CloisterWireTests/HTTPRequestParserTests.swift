import NIOCore
import Testing

@testable import CloisterWire

@Suite struct HTTPRequestParserTests {
    /// What a parser made of `input`, fed in pieces of `step` bytes.
    private func parse(_ input: String, step: Int = .max, bodyMax: Int = 1 << 20) throws -> [String] {
        var parser = HTTPRequestParser(limits: .init(bodyBytesMax: bodyMax))
        var buffer = ByteBuffer()
        var log: [String] = []
        var body = ""
        var rest = Substring(input).utf8[...]
        while !rest.isEmpty {
            let piece = rest.prefix(step)
            rest = rest.dropFirst(piece.count)
            buffer.writeBytes(piece)
            while let event = try parser.next(&buffer) {
                switch event {
                case .head(let head): log.append("\(head.method) \(head.target)")
                case .body(let part): body += String(buffer: part)
                case .end:
                    log.append("end:\(body)")
                    body = ""
                }
            }
        }
        return log
    }

    static let pipelined =
        "GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\nPOST /d HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"
        + "POST /e HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nTrailer-Name: v\r\n\r\nGET / HTTP/1.1\r\n\r\n"

    @Test(arguments: [1, 2, 3, 7, 64, Int.max])
    func readsPipelinedRequestsInPiecesOfAnySize(step: Int) throws {
        #expect(
            try parse(Self.pipelined, step: step) == [
                "GET /a?b=c", "end:", "POST /d", "end:hello", "POST /e", "end:abc", "GET /", "end:",
            ])
    }

    @Test(arguments: [
        "GET / HTTP/1.1\nHost: x\n\n\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: +1\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET / HTTP/2.0\r\n\r\n",
        "GET  / HTTP/1.1\r\n\r\n",
        "GET http://x/ HTTP/1.1\r\n\r\n",
        "G\u{e4}T / HTTP/1.1\r\n\r\n",
        "GET /\u{1} HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nA: b\u{0}c\r\n\r\n",
        "GET / HTTP/1.1\r\n\rA: b\r\n\r\n",
        "GET / HTTP/1.1\r\n: b\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\nab\r\n",
    ])
    func refusesWhatCouldBeReadInTwoWays(input: String) {
        #expect(throws: HTTPError.self) { try parse(input) }
    }

    @Test func boundsHeadFieldsAndBody() {
        let long = "GET /\(String(repeating: "a", count: 200_000)) HTTP/1.1\r\n\r\n"
        #expect(throws: HTTPError(status: 431, message: "request head too large")) { try parse(long) }
        #expect(throws: HTTPError.self) { try parse(String(repeating: "a", count: 200_000)) }
        let fields = String(repeating: "A: b\r\n", count: 201)
        #expect(throws: HTTPError(status: 431, message: "too many header fields")) {
            try parse("GET / HTTP/1.1\r\n\(fields)\r\n")
        }
        #expect(throws: HTTPError(status: 413, message: "request body too large")) {
            try parse("POST / HTTP/1.1\r\nContent-Length: 11\r\n\r\n", bodyMax: 10)
        }
        #expect(throws: HTTPError(status: 413, message: "request body too large")) {
            try parse("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n6\r\n", bodyMax: 10)
        }
    }

    @Test func keepsConnectionsAsHTTPSays() throws {
        func isKeepAlive(_ text: String) throws -> Bool? {
            var parser = HTTPRequestParser(limits: .init(bodyBytesMax: 0))
            var buffer = ByteBuffer(string: text)
            guard case .head(let head) = try parser.next(&buffer) else { return nil }
            return head.isKeepAlive
        }
        #expect(try isKeepAlive("GET / HTTP/1.1\r\n\r\n") == true)
        #expect(try isKeepAlive("GET / HTTP/1.1\r\nConnection: Close\r\n\r\n") == false)
        #expect(try isKeepAlive("GET / HTTP/1.0\r\n\r\n") == false)
        #expect(try isKeepAlive("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n") == true)
    }

    /// Any bytes at all lead to events, to a wait for more, or to an error: never to a trap.
    @Test func survivesMutatedRequests() {
        var generator = SplitMix(state: 7)
        let seed = Array(Self.pipelined.utf8)
        for _ in 0..<20_000 {
            var bytes = seed
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                let index = Int.random(in: bytes.indices, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: index)
                default: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: index)
                }
            }
            var parser = HTTPRequestParser(limits: .init(bodyBytesMax: 64))
            var buffer = ByteBuffer(bytes: bytes)
            var events = 0
            while let _ = try? parser.next(&buffer) { events += 1 }
            #expect(events < 100)
        }
    }
}

struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = (state ^ (state >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
