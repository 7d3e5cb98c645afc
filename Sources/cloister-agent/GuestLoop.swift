import CCloisterLinux

/// What the first process of a virtual machine does once it is set up: one loop over the channel, the listener, the
/// connections, the output and the children.
struct Guest {
    /// How old the platform's knowledge of the memory may be while something runs.
    private static let memoryMilliseconds: Int32 = 200
    private static let memoryStepBytes: UInt64 = 1 << 20

    private var relay: StreamRelay
    private var agent: Agent
    private let listener: Int32
    private let children: Int32
    private var reported = ChannelNotice.GuestMemory()
    /// A snapshot is being taken: nothing is done until the platform says what time it is.
    private var isQuiescent = false

    init?(relay: StreamRelay, listener: Int32, children: Int32) {
        var reader: Int32 = -1
        var writer: Int32 = -1
        guard cloister_pipe(&reader, &writer) == 0 else { return nil }
        self.relay = relay
        self.listener = listener
        self.children = children
        agent = Agent(place: .guest(output: writer))
        self.relay.attach(StreamMultiplexer.outputStream, reader, isWritable: false)
    }

    mutating func begin() { agent.say(.ready) }

    /// Waits for events and handles them. False when the platform hung up or sent nonsense.
    mutating func turn() -> Bool {
        sendAnswers()
        guard relay.flushChannel() else { return false }
        var watched = makeWatched()
        let timeout = agent.isRunning && !isQuiescent ? Guest.memoryMilliseconds : -1
        let count = watched.count
        guard watched.withUnsafeMutableBufferPointer({ cloister_watch($0.baseAddress, count, timeout) }) == 0 else {
            return false
        }
        return handle(watched)
    }

    // Places in the watched array; the streams follow.
    private static let channelPlace = 0
    private static let childrenPlace = 1
    private static let listenerPlace = 2
    private static let streamPlace = 3

    private func makeWatched() -> [cloister_watched] {
        var watched = [
            cloister_watched(
                descriptor: relay.channel, input: relay.wantsChannelInput ? 1 : 0, output: relay.wantsChannelOutput ? 1 : 0),
            cloister_watched(descriptor: children, input: isQuiescent ? 0 : 1, output: 0),
            cloister_watched(
                descriptor: listener, input: !isQuiescent && relay.multiplexer.hasFreeConnection ? 1 : 0, output: 0),
        ]
        for number in StreamMultiplexer.outputStream..<relay.ends.count {
            guard let end = relay.ends[number], !isQuiescent else {
                watched.append(cloister_watched(descriptor: -1, input: 0, output: 0))
                continue
            }
            watched.append(
                cloister_watched(
                    descriptor: end.descriptor, input: relay.wantsInput(number) ? 1 : 0,
                    output: relay.wantsOutput(number) ? 1 : 0))
        }
        return watched
    }

    private mutating func handle(_ watched: [cloister_watched]) -> Bool {
        if watched[Guest.channelPlace].input != 0 {
            guard relay.readChannel(), handleEvents() else { return false }
        }
        guard !isQuiescent else { return true }
        // Output before everything else that may tell the platform that an invocation, or the runtime, has ended.
        relay.read(StreamMultiplexer.outputStream)
        if watched[Guest.childrenPlace].input != 0, cloister_agent_child_ended(children) != 0 { childrenEnded() }
        if watched[Guest.listenerPlace].input != 0 { accept() }
        for number in StreamMultiplexer.firstConnection..<relay.ends.count {
            let place = Guest.streamPlace + number - StreamMultiplexer.outputStream
            guard place < watched.count else { break }
            if watched[place].output != 0 { relay.flush(number) }
            if watched[place].input != 0 { forward(number) }
        }
        if agent.isRunning { reportMemory(atLeast: Guest.memoryStepBytes) }
        return true
    }

    /// What the runtime sends may end its invocation, so the platform must know its memory and its output first.
    private mutating func forward(_ number: Int) {
        drainOutput()
        reportMemory(atLeast: Guest.memoryStepBytes)
        relay.read(number)
    }

    private mutating func drainOutput() {
        var before = -1
        while relay.wantsInput(StreamMultiplexer.outputStream), relay.multiplexer.outgoing.count != before {
            before = relay.multiplexer.outgoing.count
            relay.read(StreamMultiplexer.outputStream)
        }
    }

    private mutating func childrenEnded() {
        drainOutput()
        agent.reapEnded()
        reportMemory(atLeast: 0)
        sendAnswers()
    }

    private mutating func accept() {
        while relay.multiplexer.hasFreeConnection {
            let connection = cloister_guest_accept(listener)
            guard connection >= 0 else { return }
            guard let number = relay.multiplexer.open() else { return cloister_stream_close(connection) }
            relay.drop(number)
            relay.attach(number, connection)
        }
    }

    private mutating func handleEvents() -> Bool {
        while true {
            switch relay.next() {
            case .idle: return true
            case .malformed: return false
            case .event(.data(StreamMultiplexer.agentStream, let bytes)):
                guard agent.obey(bytes) else { return false }
            case .event(.notice(.moment(let moment))): adopt(moment)
            case .event(.notice(.quiesce)): quiesce()
            case .event: break
            }
        }
    }

    private mutating func adopt(_ moment: ChannelNotice.HostMoment) {
        // A clock that can't be set is the kernel's failure; the platform can't do better than go on.
        moment.seed.withUnsafeBufferPointer {
            _ = cloister_guest_set_moment(moment.wallNanoseconds, $0.baseAddress, $0.count)
        }
        isQuiescent = false
    }

    private mutating func quiesce() {
        drainOutput()
        sendAnswers()
        relay.multiplexer.send(.quiescent)
        isQuiescent = true
    }

    private mutating func sendAnswers() {
        let answers = agent.takeAnswers()
        guard !answers.isEmpty else { return }
        // A few bytes for each order or end: the window is never full of them.
        answers.withUnsafeBytes { _ = relay.multiplexer.send(StreamMultiplexer.agentStream, $0) }
    }

    private mutating func reportMemory(atLeast step: UInt64) {
        var memory = ChannelNotice.GuestMemory()
        cloister_guest_memory(&memory.currentBytes, &memory.peakBytes, &memory.outOfMemoryKills)
        let isNews = memory.outOfMemoryKills != reported.outOfMemoryKills || memory.peakBytes >= reported.peakBytes + step
        guard isNews else { return }
        reported = memory
        relay.multiplexer.send(.memory(memory))
    }
}
