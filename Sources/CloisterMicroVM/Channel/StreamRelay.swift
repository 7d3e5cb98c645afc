import CCloisterLinux

/// Joins a channel's streams to descriptors of this side: what a descriptor brings goes into its stream, what the stream
/// brings into the descriptor, each no faster than the other end takes it.
///
/// The same code at both ends. It never waits: its owner calls it when descriptors are ready, and watches those that
/// `interest` names. All descriptors are non-blocking.
struct StreamRelay {
    /// Nothing new is taken from descriptors while this much waits for the channel.
    static let outgoingBytesHigh = 256 * 1024
    /// A well-behaved peer can't make us hold that much; from one that does we read no more until it reads.
    static let outgoingBytesMax = 4 << 20
    private static let chunkBytes = 32 * 1024
    /// A request for the next invocation is far smaller.
    private static let requestBytesMax = 4 * 1024

    /// What the owner must see to.
    enum Event {
        case opened(Int)
        /// For a stream without a descriptor.
        case data(Int, [UInt8])
        case notice(ChannelNotice)
    }

    enum Step {
        case event(Event)
        case idle
        /// The peer broke the protocol.
        case malformed
    }

    /// One stream's descriptor.
    struct End {
        var descriptor: Int32
        var isReadable: Bool
        var isWritable: Bool
        /// From the channel, not yet taken by the descriptor.
        var pending = ByteQueue()
        /// The peer sends no more: shut down once `pending` is out.
        var endsAfterPending = false
        var hasEndedOutput = false
        var hasEndedInput = false
        /// The peer is done with the stream: close once `pending` is out.
        var closesAfterPending = false
        /// What the peer has sent since something was last sent to it, if it isn't too much.
        var request: [UInt8]? = []
    }

    var multiplexer: StreamMultiplexer
    let channel: Int32
    private(set) var ends: [End?]
    /// Streams whose descriptor was attached or closed since `forgetChangedEnds`.
    private(set) var changedEnds: [Int] = []
    private var chunk = [UInt8](repeating: 0, count: StreamRelay.chunkBytes)

    init(_ multiplexer: StreamMultiplexer, channel: Int32) {
        self.multiplexer = multiplexer
        self.channel = channel
        ends = [End?](repeating: nil, count: StreamMultiplexer.streamCount)
    }

    /// Gives a stream its descriptor, which then is this relay's to close.
    mutating func attach(_ number: Int, _ descriptor: Int32, isReadable: Bool = true, isWritable: Bool = true) {
        ends[number] = End(descriptor: descriptor, isReadable: isReadable, isWritable: isWritable)
        changedEnds.append(number)
    }

    mutating func forgetChangedEnds() { changedEnds.removeAll(keepingCapacity: true) }

    mutating func closeAll() {
        for number in 0..<ends.count { drop(number) }
    }

    // MARK: What to watch

    var wantsChannelInput: Bool { multiplexer.outgoing.count < StreamRelay.outgoingBytesMax }
    var wantsChannelOutput: Bool { !multiplexer.outgoing.isEmpty }

    func wantsInput(_ number: Int) -> Bool {
        guard let end = ends[number], end.isReadable, !end.hasEndedInput else { return false }
        return multiplexer.room(number) > 0 && multiplexer.outgoing.count < StreamRelay.outgoingBytesHigh
    }

    func wantsOutput(_ number: Int) -> Bool {
        guard let end = ends[number] else { return false }
        return !end.pending.isEmpty
    }

    // MARK: Channel

    /// Reads once from the channel; `next` says what came. False when the channel has ended.
    mutating func readChannel() -> Bool {
        let count = chunk.withUnsafeMutableBytes { cloister_stream_read(channel, $0.baseAddress, $0.count) }
        guard count != 0 else { return false }
        guard count > 0 else { return count == -1 }
        let bytes = chunk
        bytes.withUnsafeBytes { multiplexer.append(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        return true
    }

    /// Handles what was read, up to the next event that its owner must see to before what follows: a stream that was opened
    /// needs its descriptor before its first byte.
    mutating func next() -> Step {
        while true {
            switch multiplexer.next() {
            case .incomplete: return .idle
            case .malformed: return .malformed
            case .event(let event):
                if let event = handle(event) { return .event(event) }
            }
        }
    }

    /// Writes what waits for the channel. False when the channel is broken.
    mutating func flushChannel() -> Bool {
        while !multiplexer.outgoing.isEmpty {
            let count = multiplexer.outgoing.withBytes {
                cloister_stream_write(channel, $0.baseAddress, min($0.count, StreamRelay.chunkBytes))
            }
            guard count >= 0 else { return false }
            guard count > 0 else { return true }
            multiplexer.wrote(count)
        }
        return true
    }

    /// What is left for the owner to see to.
    private mutating func handle(_ event: StreamMultiplexer.Event) -> Event? {
        switch event {
        case .opened(let number): return .opened(number)
        case .notice(let notice): return .notice(notice)
        case .data(let number, let bytes):
            guard ends[number] != nil else {
                multiplexer.delivered(number, bytes.count)
                return .data(number, bytes)
            }
            say(number, bytes)
        case .ended(let number):
            ends[number]?.endsAfterPending = true
            flush(number)
        case .closed(let number):
            ends[number]?.closesAfterPending = true
            ends[number]?.hasEndedInput = true
            flush(number)
        }
        return nil
    }

    // MARK: Descriptors

    /// Hands bytes of the peer's to a stream's descriptor.
    mutating func say(_ number: Int, _ bytes: [UInt8]) {
        bytes.withUnsafeBytes { ends[number]?.pending.append($0) }
        if number >= StreamMultiplexer.firstConnection, let request = ends[number]?.request {
            ends[number]?.request = request.count + bytes.count <= StreamRelay.requestBytesMax ? request + bytes : nil
        }
        flush(number)
    }

    /// Writes what waits for a stream's descriptor.
    mutating func flush(_ number: Int) {
        while let end = ends[number], !end.pending.isEmpty {
            let count = end.pending.withBytes { cloister_stream_write(end.descriptor, $0.baseAddress, $0.count) }
            guard count >= 0 else { return fail(number) }
            guard count > 0 else { return }
            ends[number]?.pending.removeFirst(count)
            multiplexer.delivered(number, count)
        }
        guard let end = ends[number] else { return }
        if end.closesAfterPending { return drop(number) }
        guard end.endsAfterPending, !end.hasEndedOutput else { return }
        ends[number]?.hasEndedOutput = true
        cloister_stream_shutdown(end.descriptor)
        closeIfDone(number)
    }

    /// Reads once from a stream's descriptor, as much as its window allows.
    mutating func read(_ number: Int) {
        guard let end = ends[number], wantsInput(number) else { return }
        let room = min(multiplexer.room(number), StreamRelay.chunkBytes)
        let count = chunk.withUnsafeMutableBytes { cloister_stream_read(end.descriptor, $0.baseAddress, room) }
        if count > 0 {
            let bytes = chunk
            bytes.withUnsafeBytes { _ = multiplexer.send(number, UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            ends[number]?.request = []
        } else if count == 0 {
            inputEnded(number)
        } else if count != -1 {
            fail(number)
        }
    }

    private mutating func inputEnded(_ number: Int) {
        ends[number]?.hasEndedInput = true
        guard number >= StreamMultiplexer.firstConnection else { return }
        multiplexer.end(number)
        closeIfDone(number)
    }

    private mutating func closeIfDone(_ number: Int) {
        guard let end = ends[number], end.hasEndedInput, end.hasEndedOutput else { return }
        multiplexer.close(number)
        drop(number)
    }

    private mutating func fail(_ number: Int) {
        guard number >= StreamMultiplexer.firstConnection else {
            ends[number]?.hasEndedInput = true
            ends[number]?.pending = ByteQueue()
            return
        }
        multiplexer.close(number)
        drop(number)
    }

    /// Closes a stream's descriptor.
    mutating func drop(_ number: Int) {
        guard let end = ends[number] else { return }
        ends[number] = nil
        changedEnds.append(number)
        cloister_stream_close(end.descriptor)
    }
}
