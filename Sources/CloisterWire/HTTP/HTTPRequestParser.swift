public import NIOCore

/// Takes HTTP/1.1 requests out of a byte stream (RFC 9112), strictly: anything that two readers could understand
/// differently (bare line feeds, folded fields, two lengths, length beside chunked) is refused. Pure, bounded, and
/// never behind a complete request: `next` is called until it returns nil, then again with more bytes.
public struct HTTPRequestParser: Sendable {
    public enum Event: Sendable {
        case head(HTTPHead)
        /// Part of the body, never empty.
        case body(ByteBuffer)
        /// The request is complete.
        case end
    }

    public struct Limits: Sendable {
        /// Request line and fields together.
        public var headBytesMax = 128 << 10
        public var fieldsMax = 200
        public var bodyBytesMax: Int

        public init(bodyBytesMax: Int) { self.bodyBytesMax = bodyBytesMax }
    }

    private enum State {
        case head
        case body(remaining: Int)
        case chunkSize
        case chunk(remaining: Int)
        case chunkEnd
        case trailers(bytes: Int)
        case end
    }

    private static let lineMax = 1_024
    private static let trailersMax = 64 << 10

    private let limits: Limits
    private var state = State.head
    private var scanned = 0
    private var bodyBytes = 0
    /// The trailer fields of the chunked request read last; few, bounded.
    public private(set) var trailers: [(name: String, value: String)] = []

    public init(limits: Limits) { self.limits = limits }

    /// Whether a request has begun and isn't complete.
    public var isInRequest: Bool {
        if case .head = state { scanned > 0 } else { true }
    }

    /// The next event that the bytes in `buffer` complete; nil if more are needed.
    public mutating func next(_ buffer: inout ByteBuffer) throws(HTTPError) -> Event? {
        while true {
            switch state {
            case .head:
                return try head(&buffer).map { .head($0) }
            case .body(let remaining):
                guard let part = buffer.readSlice(length: min(remaining, buffer.readableBytes)), part.readableBytes > 0
                else { return nil }
                state = part.readableBytes == remaining ? .end : .body(remaining: remaining - part.readableBytes)
                return .body(part)
            case .chunkSize:
                guard let line = try line(&buffer) else { return nil }
                try beginChunk(line)
            case .chunk(let remaining):
                guard let part = buffer.readSlice(length: min(remaining, buffer.readableBytes)), part.readableBytes > 0
                else { return nil }
                state = part.readableBytes == remaining ? .chunkEnd : .chunk(remaining: remaining - part.readableBytes)
                return .body(part)
            case .chunkEnd:
                guard let line = try line(&buffer) else { return nil }
                guard line.isEmpty else { throw .bad("chunk data longer than its size") }
                state = .chunkSize
            case .trailers(let bytes):
                guard let line = try line(&buffer, max: HTTPRequestParser.trailersMax) else { return nil }
                try trailer(line, bytesBefore: bytes)
            case .end:
                state = .head
                return .end
            }
        }
    }

    // MARK: Head

    private mutating func head(_ buffer: inout ByteBuffer) throws(HTTPError) -> HTTPHead? {
        skipEmptyLines(&buffer)
        guard let length = endOfHead(buffer) else {
            guard buffer.readableBytes <= limits.headBytesMax else {
                throw HTTPError(status: 431, message: "request head too large")
            }
            scanned = buffer.readableBytes
            return nil
        }
        guard length <= limits.headBytesMax, let bytes = buffer.readBytes(length: length) else {
            throw HTTPError(status: 431, message: "request head too large")
        }
        scanned = 0
        bodyBytes = 0
        trailers = []
        let head = try HTTPHeadReader(bytes: bytes).read(fieldsMax: limits.fieldsMax)
        switch head.framing {
        case .length(0): state = .end
        case .length(let length):
            guard length <= limits.bodyBytesMax else { throw HTTPError(status: 413, message: "request body too large") }
            state = .body(remaining: length)
        case .chunked: state = .chunkSize
        }
        return head
    }

    /// RFC 9112 asks servers to ignore at least one empty line before a request; a few are let pass.
    private func skipEmptyLines(_ buffer: inout ByteBuffer) {
        guard scanned == 0 else { return }
        for _ in 0..<4 {
            guard buffer.getInteger(at: buffer.readerIndex, as: UInt16.self) == 0x0d0a else { return }
            buffer.moveReaderIndex(forwardBy: 2)
        }
    }

    /// The length up to and including the empty line.
    private func endOfHead(_ buffer: ByteBuffer) -> Int? {
        buffer.withUnsafeReadableBytes { bytes in
            var index = max(3, scanned)
            while index < bytes.count {
                // Only the last byte decides whether to look closer: most bytes are neither.
                if bytes[index] == 0x0a {
                    if bytes[index - 1] == 0x0d, bytes[index - 2] == 0x0a, bytes[index - 3] == 0x0d { return index + 1 }
                    index += 1
                } else {
                    index += 1
                }
            }
            return nil
        }
    }

    // MARK: Chunks

    private mutating func beginChunk(_ line: [UInt8]) throws(HTTPError) {
        let digits = line.prefix { $0 != UInt8(ascii: ";") && $0 != UInt8(ascii: " ") }
        guard !digits.isEmpty, digits.count <= 8 else { throw .bad("bad chunk size") }
        var size = 0
        for digit in digits {
            guard let value = hexValue(digit) else { throw .bad("bad chunk size") }
            size = size << 4 | Int(value)
        }
        bodyBytes += size
        guard bodyBytes <= limits.bodyBytesMax else { throw HTTPError(status: 413, message: "request body too large") }
        state = size == 0 ? .trailers(bytes: 0) : .chunk(remaining: size)
    }

    private mutating func trailer(_ line: [UInt8], bytesBefore: Int) throws(HTTPError) {
        if line.isEmpty {
            state = .end
            return
        }
        let bytes = bytesBefore + line.count
        guard bytes <= HTTPRequestParser.trailersMax, trailers.count < 16,
            let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > 0
        else { throw .bad("bad trailer") }
        let name = String(decoding: line[..<colon], as: UTF8.self).lowercased()
        let value = line[(colon + 1)...].drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        trailers.append((name, String(decoding: value, as: UTF8.self)))
        state = .trailers(bytes: bytes)
    }

    /// One line without its end, or nil if it isn't complete.
    private func line(_ buffer: inout ByteBuffer, max: Int = lineMax) throws(HTTPError) -> [UInt8]? {
        let view = buffer.readableBytesView
        guard let end = view.firstIndex(of: 0x0a) else {
            guard view.count <= max else { throw .bad("line too long") }
            return nil
        }
        let length = end - view.startIndex
        guard length <= max, length >= 1, view[end - 1] == 0x0d, let line = buffer.readBytes(length: length - 1) else {
            throw .bad("bad line end")
        }
        buffer.moveReaderIndex(forwardBy: 2)
        return line
    }
}

func hexValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
}
