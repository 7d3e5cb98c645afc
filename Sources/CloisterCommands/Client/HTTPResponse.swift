/// The head of an HTTP/1.1 response, and its body where it was read in full.
struct HTTPResponse: Equatable {
    /// Names in lower case.
    var fields: [(name: String, value: String)]
    var status: Int
    var body: [UInt8] = []

    func field(_ name: String) -> String? { fields.first { $0.name == name }?.value }

    func fields(_ name: String) -> [String] { fields.filter { $0.name == name }.map(\.value) }

    static func == (left: HTTPResponse, right: HTTPResponse) -> Bool {
        left.status == right.status && left.body == right.body
            && left.fields.map { [$0.name, $0.value] } == right.fields.map { [$0.name, $0.value] }
    }
}

/// Parses a response as its bytes arrive. Pure; bounds what it keeps.
struct HTTPResponseReader {
    static let headBytesMax = 65_536
    static let chunkLineBytesMax = 1_024

    private enum State {
        case head
        case fixed(left: Int)
        case chunkLine
        case chunk(left: Int)
        case chunkEnd
        case trailers
        case untilClose
        case done
    }

    private var state = State.head
    private var buffer: [UInt8] = []
    private(set) var head: HTTPResponse?

    var isComplete: Bool { if case .done = state { true } else { false } }

    /// Body bytes that `bytes` completed. Throws `CommandFailure` when this is no HTTP.
    mutating func receive(_ bytes: [UInt8]) throws -> [UInt8] {
        buffer += bytes
        var body: [UInt8] = []
        while try step(&body) {}
        return body
    }

    /// The peer closed the connection. Throws unless the response is complete without more.
    mutating func receiveEnd() throws {
        if case .untilClose = state { state = .done }
        guard isComplete else { throw HTTPResponseReader.malformed("it ended in the middle") }
    }

    /// Whether there was progress and may be more.
    private mutating func step(_ body: inout [UInt8]) throws -> Bool {
        switch state {
        case .head:
            guard let lines = try takeHead() else { return false }
            try readHead(lines)
            return true
        case .fixed(let left):
            let part = take(left, into: &body)
            state = part == left ? .done : .fixed(left: left - part)
            return part > 0 && part < left
        case .chunkLine:
            guard let line = try takeLine() else { return false }
            guard let size = Int(line.split(separator: ";").first ?? "", radix: 16), size >= 0 else {
                throw HTTPResponseReader.malformed("a chunk has no size")
            }
            state = size == 0 ? .trailers : .chunk(left: size)
            return true
        case .chunk(let left):
            let part = take(left, into: &body)
            state = part == left ? .chunkEnd : .chunk(left: left - part)
            return part > 0
        case .chunkEnd:
            guard let line = try takeLine() else { return false }
            guard line.isEmpty else { throw HTTPResponseReader.malformed("a chunk is longer than it says") }
            state = .chunkLine
            return true
        case .trailers:
            guard let line = try takeLine() else { return false }
            if line.isEmpty { state = .done }
            return !line.isEmpty
        case .untilClose:
            return take(buffer.count, into: &body) > 0
        case .done:
            return false
        }
    }

    private mutating func readHead(_ lines: [String]) throws {
        let parts = (lines.first ?? "").split(separator: " ", maxSplits: 2)
        guard parts.count >= 2, parts[0].hasPrefix("HTTP/1."), let status = Int(parts[1]),
            (100...599).contains(status)
        else { throw HTTPResponseReader.malformed("it has no status line") }
        if status < 200 { return }
        let fields = try lines.dropFirst().map { line in
            guard let colon = line.firstIndex(of: ":") else {
                throw HTTPResponseReader.malformed("a field has no name")
            }
            let value = line[line.index(after: colon)...].trimmingBlanks
            return (name: line[..<colon].lowercased(), value: value)
        }
        let response = HTTPResponse(fields: fields, status: status)
        head = response
        state = try bodyState(of: response)
    }

    private func bodyState(of response: HTTPResponse) throws -> State {
        if response.status == 204 || response.status == 304 { return .done }
        if response.field("transfer-encoding")?.lowercased() == "chunked" { return .chunkLine }
        guard let length = response.field("content-length") else { return .untilClose }
        guard let count = Int(length), count >= 0 else { throw HTTPResponseReader.malformed("its length is no number") }
        return count == 0 ? .done : .fixed(left: count)
    }

    /// The lines of a complete head, without line ends; nil while it is incomplete.
    private mutating func takeHead() throws -> [String]? {
        guard let end = buffer.firstRange(of: [13, 10, 13, 10]) else {
            guard buffer.count <= HTTPResponseReader.headBytesMax else {
                throw HTTPResponseReader.malformed("its head is too large")
            }
            return nil
        }
        let text = String(decoding: buffer[..<end.lowerBound], as: UTF8.self)
        buffer.removeSubrange(..<end.upperBound)
        return text.split(separator: "\r\n", omittingEmptySubsequences: true).map(String.init)
    }

    private mutating func takeLine() throws -> String? {
        guard let end = buffer.firstRange(of: [13, 10]) else {
            guard buffer.count <= HTTPResponseReader.chunkLineBytesMax else {
                throw HTTPResponseReader.malformed("a line of it is too long")
            }
            return nil
        }
        let line = String(decoding: buffer[..<end.lowerBound], as: UTF8.self)
        buffer.removeSubrange(..<end.upperBound)
        return line
    }

    private mutating func take(_ count: Int, into body: inout [UInt8]) -> Int {
        let part = min(count, buffer.count)
        body += buffer[..<part]
        buffer.removeFirst(part)
        return part
    }

    private static func malformed(_ why: String) -> CommandFailure {
        CommandFailure("the server's answer isn't HTTP: \(why)", hint: "is something else listening there?")
    }
}

extension Substring {
    /// Without blanks and tabs at the ends.
    var trimmingBlanks: String {
        var part = self
        while part.first == " " || part.first == "\t" { part.removeFirst() }
        while part.last == " " || part.last == "\t" { part.removeLast() }
        return String(part)
    }
}
