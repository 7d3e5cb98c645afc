import NIOCore
import Testing

@testable import CloisterWire

@Suite struct EncodingTests {
    @Test(arguments: [
        "{}", "[]", "null", " true ", "0", "-0.5e+3", "\"\\u00e4\\n\"", "{\"a\":[1,{\"b\":null}],\"c\":\"\"}", "[[],[{}]]",
    ])
    func acceptsJSON(text: String) { #expect(JSONValidator.isValid(Array(text.utf8))) }

    @Test(arguments: [
        "", " ", "{", "}", "[1,]", "{\"a\"}", "{\"a\":}", "{a:1}", "01", "1.", ".5", "+1", "nul", "tru", "\"\u{1}\"", "\"\\x\"",
        "\"\\u12g4\"", "\"abc", "{} {}", "[1 2]", "{\"a\":1]", "[1}", "NaN", "'a'",
    ])
    func refusesWhatIsNoJSON(text: String) { #expect(!JSONValidator.isValid(Array(text.utf8))) }

    @Test(arguments: [[0xff], [0xc3], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82], [0x80]] as [[UInt8]])
    func refusesWhatIsNoUTF8(bytes: [UInt8]) {
        #expect(!JSONValidator.isValid([0x22] + bytes + [0x22]))
        #expect(!JSONValidator.isValid(bytes))
    }

    @Test func acceptsEveryPlaneOfUnicode() {
        #expect(JSONValidator.isValid(Array("\"\u{e4}\u{20ac}\u{d7ff}\u{e000}\u{ffff}\u{1f600}\u{10ffff}\"".utf8)))
    }

    @Test func boundsTheDepth() {
        func nested(_ depth: Int) -> [UInt8] {
            Array((String(repeating: "[", count: depth) + "1" + String(repeating: "]", count: depth)).utf8)
        }
        #expect(JSONValidator.isValid(nested(JSONValidator.depthMax)))
        #expect(!JSONValidator.isValid(nested(JSONValidator.depthMax + 1)))
        #expect(!JSONValidator.isValid(Array(repeating: UInt8(ascii: "["), count: 5_000_000)))
    }

    @Test func findsMembersWithoutReadingIntoValues() throws {
        let text = Array("{ \"a\" : {\"x\":\"}\"} ,\"b\":[1,{\"a\":2}], \"\\u0061\":\"q\\\"\" }".utf8)
        let members = try #require(JSONMembers.of(text, in: 0..<text.count))
        #expect(members.map(\.name) == ["a", "b", "a"])
        #expect(members.map { String(decoding: text[$0.value], as: UTF8.self) } == ["{\"x\":\"}\"}", "[1,{\"a\":2}]", "\"q\\\"\""])
        #expect(JSONMembers.text(text, in: members[2].value) == "q\"")
        #expect(JSONMembers.of(Array("[1]".utf8), in: 0..<3) == nil)
    }

    @Test func quotesToASCII() {
        #expect(JSONMembers.quoted("a\"\\\n\u{e4}\u{1f600}") == "\"a\\\"\\\\\\n\\u00e4\\ud83d\\ude00\"")
        #expect(JSONMembers.oneLineASCII(Array("{\n\"\u{e4}\":\t1}".utf8)) == "{ \"\\u00e4\": 1}")
    }

    @Test func decodesPercentEncoding() {
        #expect(PercentEncoding.decodedText("a%20b%2Fc") == "a b/c")
        for bad in ["%", "%2", "%zz", "%ff"] { #expect(PercentEncoding.decodedText(bad) == nil) }
        #expect(PercentEncoding.queryItems("a=b&c&d=e=f")?.map { "\($0.name)=\($0.value)" } == ["a=b", "c=", "d=e=f"])
    }

    /// A frame as botocore parsed it, byte for byte.
    @Test func framesEventsWithBothChecksums() {
        var buffer = ByteBuffer()
        EventStream.write(event: "PayloadChunk", payload: ByteBuffer(string: "hi"), to: &buffer)
        let bytes = Array(buffer.readableBytesView)
        #expect(bytes.count == 12 + 22 + 27 + 2 + 4)
        #expect(bytes[0..<4].elementsEqual([0, 0, 0, UInt8(bytes.count)]))
        func word(_ at: Int) -> UInt32 { bytes[at..<(at + 4)].reduce(0) { $0 << 8 | UInt32($1) } }
        #expect(word(8) == CRC32.checksum(bytes[0..<8]))
        #expect(word(bytes.count - 4) == CRC32.checksum(bytes[..<(bytes.count - 4)]))
        #expect(CRC32.checksum("123456789".utf8) == 0xcbf4_3926)
    }

    @Test func unframesAWSChunked() {
        let body = ByteBuffer(string: "5\r\nhello\r\n1\r\n!\r\n0\r\nx-amz-checksum-crc32: AAAA\r\n\r\n")
        #expect(AWSChunked.decode(body, limit: 100).map { String(buffer: $0) } == "hello!")
        #expect(AWSChunked.decode(body, limit: 5) == nil)
        #expect(AWSChunked.decode(ByteBuffer(string: "5\r\nhell"), limit: 100) == nil)
        #expect(AWSChunked.decode(ByteBuffer(string: "0\r\n\r\nmore"), limit: 100) == nil)
    }
}
