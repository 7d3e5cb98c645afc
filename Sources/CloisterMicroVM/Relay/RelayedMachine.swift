import CCloisterLinux
import CloisterIsolation
import Glibc
import Synchronization

/// What the relay knows of one machine, for others to read.
final class MachineStatus: Sendable {
    private let state = Mutex(ChannelNotice.GuestMemory())

    /// As the guest says, which is hostile: believed for what it reports of itself only.
    var memory: ChannelNotice.GuestMemory {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}

/// The host's ends of one machine's channel, on the relay's thread.
struct RelayedMachine {
    var relay: StreamRelay
    /// A descriptor of the folder that holds the runtime listener's socket.
    let folder: Int32
    let status: MachineStatus
    private var hasHeardGuest = false
    private var restored: QuiescentChannel?
    /// Who waits for the guest to fall silent.
    private var quiescence: QuiesceAnswer?
    /// Descriptor and what is watched of it, by stream; the channel has the place after the last stream.
    var registrations: [Registration?]

    struct Registration: Equatable {
        var descriptor: Int32
        var input: Bool
        var output: Bool
    }

    static let channelPlace = StreamMultiplexer.streamCount
    static let listenerName = "runtime"

    /// - Parameter restored: what a restored machine's channel was like when its snapshot was taken.
    init(relay: StreamRelay, folder: Int32, status: MachineStatus, restored: QuiescentChannel? = nil) {
        self.relay = relay
        self.restored = restored
        self.folder = folder
        self.status = status
        registrations = [Registration?](repeating: nil, count: RelayedMachine.channelPlace + 1)
    }

    /// Handles what is ready. False when the machine is lost.
    mutating func handle(place: Int, isReadable: Bool, isWritable: Bool) -> Bool {
        if place == RelayedMachine.channelPlace {
            if isReadable {
                guard relay.readChannel() else { return false }
                hearGuest()
                guard handleEvents() else { return false }
            }
        } else {
            if isWritable { relay.flush(place) }
            if isReadable { relay.read(place) }
        }
        return relay.flushChannel()
    }

    /// The guest's clock is set before it hears its first order.
    private mutating func hearGuest() {
        guard !hasHeardGuest else { return }
        hasHeardGuest = true
        tellMoment()
    }

    @discardableResult
    mutating func tellMoment() -> Bool {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        var random = SystemRandomNumberGenerator()
        let seed = (0..<ChannelNotice.HostMoment.seedBytes).map { _ in UInt8.random(in: 0...255, using: &random) }
        relay.multiplexer.send(
            .moment(.init(wallNanoseconds: UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec), seed: seed)))
        return relay.flushChannel()
    }

    /// Says what a restored guest must know first, and what its connections had asked when the snapshot was taken.
    mutating func begin() -> Bool {
        guard let restored else { return true }
        self.restored = nil
        hasHeardGuest = true
        for (number, request) in restored.requests {
            connect(number)
            relay.say(number, request)
        }
        return tellMoment()
    }

    mutating func quiesce(_ answer: QuiesceAnswer) -> Bool {
        quiescence = answer
        relay.multiplexer.send(.quiesce)
        return relay.flushChannel()
    }

    private mutating func hasQuiesced() {
        quiescence?.give(QuiescentChannel(multiplexer: relay.multiplexer, requests: openRequests))
        quiescence = nil
    }

    /// False when the guest broke the protocol.
    private mutating func handleEvents() -> Bool {
        while true {
            switch relay.next() {
            case .idle: return true
            case .malformed: return false
            case .event(.opened(let number)):
                // A guest that is still booting may have taken its time to read the first one.
                tellMoment()
                connect(number)
            case .event(.notice(.memory(let memory))): status.memory = memory
            case .event(.notice(.quiescent)): hasQuiesced()
            case .event: break
            }
        }
    }

    /// A connection of the runtime's: joined to the listener that the data plane accepts from.
    private mutating func connect(_ number: Int) {
        relay.drop(number)
        var connection: Int32 = -1
        guard cloister_unix_connect(folder, RelayedMachine.listenerName, &connection) == 0 else {
            return relay.multiplexer.close(number)
        }
        relay.attach(number, connection)
    }

    /// What each open connection waits for an answer to.
    private var openRequests: [Int: [UInt8]] {
        var requests: [Int: [UInt8]] = [:]
        for number in StreamMultiplexer.firstConnection..<relay.ends.count { requests[number] = relay.ends[number]?.request }
        return requests
    }

    mutating func closeAll() {
        quiescence?.give(nil)
        relay.closeAll()
        close(relay.channel)
        close(folder)
    }

    /// What is to be watched of a place now.
    func wanted(_ place: Int) -> Registration? {
        let descriptor: Int32
        let wantsInput: Bool
        let wantsOutput: Bool
        if place == RelayedMachine.channelPlace {
            descriptor = relay.channel
            wantsInput = relay.wantsChannelInput
            wantsOutput = relay.wantsChannelOutput
        } else {
            guard let end = relay.ends[place] else { return nil }
            descriptor = end.descriptor
            wantsInput = relay.wantsInput(place)
            wantsOutput = relay.wantsOutput(place)
        }
        // Nothing wanted: not registered, since a hang-up would be reported again and again.
        guard wantsInput || wantsOutput else { return nil }
        return Registration(descriptor: descriptor, input: wantsInput, output: wantsOutput)
    }
}
