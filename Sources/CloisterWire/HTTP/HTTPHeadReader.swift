/// Reads a complete request head, from its first byte to the empty line.
struct HTTPHeadReader {
    let bytes: [UInt8]

    func read(fieldsMax: Int) throws(HTTPError) -> HTTPHead {
        var position = 0
        let method = try word(&position)
        let target = try word(&position)
        guard bytes[target.lowerBound] == UInt8(ascii: "/"), bytes[target].allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
            throw .bad("bad request target")
        }
        guard bytes[method].allSatisfy({ HTTPHeadReader.tokenBytes[Int($0)] }) else { throw .bad("bad method") }
        let isVersion11 = try version(&position)
        var fields: [HTTPHead.Field] = []
        fields.reserveCapacity(16)
        while let field = try field(&position) {
            guard fields.count < fieldsMax else { throw HTTPError(status: 431, message: "too many header fields") }
            fields.append(field)
        }
        let pathEnd = bytes[target].firstIndex(of: UInt8(ascii: "?")) ?? target.upperBound
        var head = HTTPHead(
            bytes: bytes, methodRange: method, targetRange: target, pathRange: target.lowerBound..<pathEnd, fields: fields,
            framing: .length(0), isKeepAlive: isVersion11, expectsContinue: false)
        head.framing = try framing(head)
        head.isKeepAlive = keepAlive(head, isVersion11: isVersion11)
        head.expectsContinue = head.first("expect")?.lowercased() == "100-continue"
        return head
    }

    private func word(_ position: inout Int) throws(HTTPError) -> Range<Int> {
        let start = position
        while position < bytes.count, bytes[position] != UInt8(ascii: " "), bytes[position] != 0x0d { position += 1 }
        guard position > start, position < bytes.count, bytes[position] == UInt8(ascii: " ") else {
            throw .bad("bad request line")
        }
        defer { position += 1 }
        return start..<position
    }

    private func version(_ position: inout Int) throws(HTTPError) -> Bool {
        let expected = Array("HTTP/1.".utf8)
        let minor = position + expected.count
        guard minor + 2 < bytes.count, bytes[position..<minor].elementsEqual(expected), bytes[minor + 1] == 0x0d,
            bytes[minor + 2] == 0x0a
        else { throw HTTPError(status: 505, message: "only HTTP/1.1 is spoken here") }
        position = minor + 3
        switch bytes[minor] {
        case UInt8(ascii: "1"): return true
        case UInt8(ascii: "0"): return false
        default: throw HTTPError(status: 505, message: "only HTTP/1.1 is spoken here")
        }
    }

    /// Nil at the empty line.
    private func field(_ position: inout Int) throws(HTTPError) -> HTTPHead.Field? {
        if bytes[position] == 0x0d {
            guard position + 2 == bytes.count else { throw .bad("bad line end") }
            return nil
        }
        let start = position
        while HTTPHeadReader.tokenBytes[Int(bytes[position])] { position += 1 }
        guard position > start, bytes[position] == UInt8(ascii: ":") else { throw .bad("bad header field") }
        let name = start..<position
        position += 1
        var first = position
        while bytes[position] != 0x0d {
            // Controls have no place in a value; bytes above 0x7f are for the one who reads the value to judge.
            guard bytes[position] >= 0x20 && bytes[position] != 0x7f || bytes[position] == 0x09 else {
                throw .bad("bad header value")
            }
            position += 1
        }
        guard bytes[position + 1] == 0x0a else { throw .bad("bad line end") }
        var last = position
        while first < last, isBlank(bytes[first]) { first += 1 }
        while last > first, isBlank(bytes[last - 1]) { last -= 1 }
        position += 2
        return HTTPHead.Field(name: name, value: first..<last)
    }

    private func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == 0x09 }

    private func framing(_ head: HTTPHead) throws(HTTPError) -> HTTPHead.Framing {
        let length = head.firstRange("content-length")
        let coding = head.firstRange("transfer-encoding")
        guard let coding else {
            guard let length else { return .length(0) }
            guard head.isOnly("content-length"), let value = decimal(length) else { throw .bad("bad Content-Length") }
            return .length(value)
        }
        guard length == nil, head.isOnly("transfer-encoding"), head.text(coding).lowercased() == "chunked" else {
            throw .bad("bad Transfer-Encoding")
        }
        return .chunked
    }

    /// Digits only, at most ten.
    private func decimal(_ range: Range<Int>) -> Int? {
        guard (1...10).contains(range.count) else { return nil }
        var value = 0
        for byte in bytes[range] {
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
            value = value * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return value
    }

    private func keepAlive(_ head: HTTPHead, isVersion11: Bool) -> Bool {
        guard let connection = head.first("connection")?.lowercased() else { return isVersion11 }
        if connection.contains("close") { return false }
        return isVersion11 || connection.contains("keep-alive")
    }

    /// RFC 9110's `tchar`.
    private static let tokenBytes: [Bool] = (0..<256).map { byte in
        guard byte > 0x20, byte < 0x7f, let byte = UInt8(exactly: byte) else { return false }
        return !"\"(),/:;<=>?@[\\]{}".utf8.contains(byte)
    }
}
