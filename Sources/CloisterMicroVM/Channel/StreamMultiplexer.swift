/// One end of the channel between a virtual machine and its host: several byte streams over one, with a window each.
///
/// A pure value, and the same code at both ends: it is compiled into the server and, as Embedded Swift, into the agent.
/// Feed it what the channel brings (`append`, then `next` until `.incomplete`), and write what it leaves in `outgoing`.
///
/// A frame is type u8, stream u8, length u16 (little-endian, at most `payloadBytesMax`), payload. Stream 0 is the agent's
/// orders and answers, stream 1 the output of everything inside (guest to host), the others are connections to the Runtime
/// API, which the guest opens. A sender never has more than `windowBytes` of a stream on the way; whoever exceeds that,
/// or breaks another rule, is malformed, and the machine is lost. So both ends hold at most `windowBytes` of each
/// stream in each direction.
///
/// A connection's stream: free -> open (`open`) -> each side may `end` its direction -> each side sends `close` once -> free.
struct StreamMultiplexer: Sendable {
    static let agentStream = 0
    static let outputStream = 1
    static let firstConnection = 2
    /// Twice what the Runtime API takes at once, so that too many connections are refused there, as at every level.
    static let streamCount = firstConnection + 32
    static let windowBytes = 64 * 1024
    static let payloadBytesMax = 32 * 1024
    static let headerBytes = 4

    enum Side: Sendable { case host, guest }

    enum Event: Equatable, Sendable {
        /// The guest opened a connection.
        case opened(Int)
        case data(Int, [UInt8])
        /// The peer sends no more on this stream.
        case ended(Int)
        /// The peer is done with this stream; it is free again.
        case closed(Int)
        case notice(ChannelNotice)
    }

    enum Step: Equatable, Sendable {
        case event(Event)
        case incomplete
        case malformed
    }

    private enum FrameType {
        static let data: UInt8 = 1
        static let open: UInt8 = 2
        static let end: UInt8 = 3
        static let close: UInt8 = 4
        static let window: UInt8 = 5
        static let notice: UInt8 = 6
    }

    private struct Stream {
        var isOpen = false
        /// What we may still send.
        var credit = StreamMultiplexer.windowBytes
        /// What the peer may still send.
        var granted = StreamMultiplexer.windowBytes
        /// Delivered, but not granted again yet.
        var owed = 0
        var hasSentEnd = false
        var hasHeardEnd = false
        var hasSentClose = false
    }

    let side: Side
    /// Frames that wait to be written to the channel; take them with `wrote`.
    private(set) var outgoing = ByteQueue()
    private var incoming = ByteQueue()
    private var streams: [Stream]

    init(side: Side) {
        self.side = side
        streams = [Stream](repeating: Stream(), count: StreamMultiplexer.streamCount)
        streams[StreamMultiplexer.agentStream].isOpen = true
        streams[StreamMultiplexer.outputStream].isOpen = true
    }

    // MARK: From the channel

    mutating func append(_ bytes: UnsafeRawBufferPointer) { incoming.append(bytes) }

    /// The next event in what was appended. After `.malformed` the channel is of no more use.
    mutating func next() -> Step {
        while incoming.count >= StreamMultiplexer.headerBytes {
            let type = incoming[0]
            let stream = Int(incoming[1])
            let length = Int(incoming[2]) | Int(incoming[3]) << 8
            guard length <= StreamMultiplexer.payloadBytesMax, stream < StreamMultiplexer.streamCount else { return .malformed }
            guard incoming.count >= StreamMultiplexer.headerBytes + length else { return .incomplete }
            incoming.removeFirst(StreamMultiplexer.headerBytes)
            let payload = incoming.takeFirst(length)
            let (step, isQuiet) = accept(type, stream, payload)
            if !isQuiet { return step }
        }
        return .incomplete
    }

    /// What a frame means; quiet frames mean nothing to the caller.
    private mutating func accept(_ type: UInt8, _ stream: Int, _ payload: [UInt8]) -> (Step, isQuiet: Bool) {
        switch type {
        case FrameType.data: return acceptData(stream, payload)
        case FrameType.open: return (acceptOpen(stream, payload), false)
        case FrameType.end: return acceptEnd(stream, payload)
        case FrameType.close: return acceptClose(stream, payload)
        case FrameType.window: return acceptWindow(stream, payload)
        case FrameType.notice:
            guard stream == 0, let notice = ChannelNotice(payload, from: side == .host ? .guest : .host) else {
                return (.malformed, false)
            }
            return (.event(.notice(notice)), false)
        default: return (.malformed, false)
        }
    }

    private mutating func acceptData(_ number: Int, _ payload: [UInt8]) -> (Step, isQuiet: Bool) {
        let stream = streams[number]
        let isRefused = number == StreamMultiplexer.outputStream && side == .guest
        guard stream.isOpen, !stream.hasHeardEnd, !isRefused, !payload.isEmpty, payload.count <= stream.granted else {
            return (.malformed, false)
        }
        streams[number].granted -= payload.count
        // The peer hasn't heard yet that we are done with it.
        if stream.hasSentClose { return (.incomplete, true) }
        return (.event(.data(number, payload)), false)
    }

    private mutating func acceptOpen(_ number: Int, _ payload: [UInt8]) -> Step {
        guard side == .host, number >= StreamMultiplexer.firstConnection, payload.isEmpty, !streams[number].isOpen else {
            return .malformed
        }
        streams[number] = Stream()
        streams[number].isOpen = true
        return .event(.opened(number))
    }

    private mutating func acceptEnd(_ number: Int, _ payload: [UInt8]) -> (Step, isQuiet: Bool) {
        guard isOpenConnection(number), payload.isEmpty, !streams[number].hasHeardEnd else { return (.malformed, false) }
        streams[number].hasHeardEnd = true
        return streams[number].hasSentClose ? (.incomplete, true) : (.event(.ended(number)), false)
    }

    private mutating func acceptClose(_ number: Int, _ payload: [UInt8]) -> (Step, isQuiet: Bool) {
        guard isOpenConnection(number), payload.isEmpty else { return (.malformed, false) }
        let wasAnswer = streams[number].hasSentClose
        if !wasAnswer { frame(FrameType.close, number, []) }
        streams[number].isOpen = false
        return wasAnswer ? (.incomplete, true) : (.event(.closed(number)), false)
    }

    private mutating func acceptWindow(_ number: Int, _ payload: [UInt8]) -> (Step, isQuiet: Bool) {
        guard streams[number].isOpen, payload.count == 4 else { return (.malformed, false) }
        let granted = Int(payload[0]) | Int(payload[1]) << 8 | Int(payload[2]) << 16 | Int(payload[3]) << 24
        guard granted <= StreamMultiplexer.windowBytes - streams[number].credit else { return (.malformed, false) }
        streams[number].credit += granted
        return (.incomplete, true)
    }

    private func isOpenConnection(_ number: Int) -> Bool {
        number >= StreamMultiplexer.firstConnection && streams[number].isOpen
    }

    // MARK: To the channel

    /// A connection's stream, from the guest; nil while all are in use.
    mutating func open() -> Int? {
        guard side == .guest, let number = freeConnection else { return nil }
        streams[number] = Stream()
        streams[number].isOpen = true
        frame(FrameType.open, number, [])
        return number
    }

    /// Whether `open` would find a stream.
    var hasFreeConnection: Bool { freeConnection != nil }

    private var freeConnection: Int? {
        for number in StreamMultiplexer.firstConnection..<streams.count where !streams[number].isOpen { return number }
        return nil
    }

    /// How many bytes may be sent on this stream now.
    func room(_ number: Int) -> Int {
        let stream = streams[number]
        guard stream.isOpen, !stream.hasSentEnd, !stream.hasSentClose else { return 0 }
        return stream.credit
    }

    /// Whether the stream is in use and not given up by this side.
    func isLive(_ number: Int) -> Bool { streams[number].isOpen && !streams[number].hasSentClose }

    /// Sends the bytes that there is room for; the caller looks at `room` first, what exceeds it is not taken.
    /// Returns how many were taken.
    @discardableResult
    mutating func send(_ number: Int, _ bytes: UnsafeRawBufferPointer) -> Int {
        let count = min(bytes.count, room(number))
        var sent = 0
        while sent < count {
            let piece = min(count - sent, StreamMultiplexer.payloadBytesMax)
            header(FrameType.data, number, piece)
            outgoing.append(UnsafeRawBufferPointer(rebasing: bytes[sent..<(sent + piece)]))
            sent += piece
        }
        streams[number].credit -= count
        return count
    }

    /// This side sends no more on this stream.
    mutating func end(_ number: Int) {
        guard isOpenConnection(number), !streams[number].hasSentEnd, !streams[number].hasSentClose else { return }
        streams[number].hasSentEnd = true
        frame(FrameType.end, number, [])
    }

    /// This side is done with the stream; what it still brings is dropped.
    mutating func close(_ number: Int) {
        guard isOpenConnection(number), !streams[number].hasSentClose else { return }
        streams[number].hasSentClose = true
        frame(FrameType.close, number, [])
    }

    /// `count` bytes of this stream have left this end: the peer may send as many again.
    mutating func delivered(_ number: Int, _ count: Int) {
        guard isLive(number) else { return }
        streams[number].owed += count
        let owed = streams[number].owed
        guard owed >= StreamMultiplexer.windowBytes / 2, !streams[number].hasHeardEnd else { return }
        streams[number].owed = 0
        streams[number].granted += owed
        frame(
            FrameType.window, number,
            [UInt8(truncatingIfNeeded: owed), UInt8(truncatingIfNeeded: owed >> 8), UInt8(truncatingIfNeeded: owed >> 16), 0])
    }

    mutating func send(_ notice: ChannelNotice) { frame(FrameType.notice, 0, notice.encoded()) }

    /// The first `count` bytes of `outgoing` are in the channel.
    mutating func wrote(_ count: Int) { outgoing.removeFirst(count) }

    private mutating func frame(_ type: UInt8, _ number: Int, _ payload: [UInt8]) {
        header(type, number, payload.count)
        payload.withUnsafeBytes { outgoing.append($0) }
    }

    private mutating func header(_ type: UInt8, _ number: Int, _ length: Int) {
        let bytes: [UInt8] = [
            type, UInt8(truncatingIfNeeded: number), UInt8(truncatingIfNeeded: length),
            UInt8(truncatingIfNeeded: length >> 8),
        ]
        bytes.withUnsafeBytes { outgoing.append($0) }
    }
}
