/// What host and guest tell each other beside the streams.
enum ChannelNotice: Equatable, Sendable {
    /// From the guest: its processes' memory, as its kernel counts it.
    case memory(GuestMemory)
    /// From the host: what time it is, and bytes nobody else has. Sent at the start, after every thaw and after a restore.
    case moment(HostMoment)
    /// From the host: finish what is on the way, say `.quiescent`, and wait for a `.moment`: a snapshot is taken.
    case quiesce
    /// From the guest: everything that it had to say is said, and it does nothing until it hears a `.moment`.
    case quiescent

    struct GuestMemory: Equatable, Sendable {
        var currentBytes: UInt64 = 0
        var peakBytes: UInt64 = 0
        var outOfMemoryKills: UInt64 = 0
    }

    struct HostMoment: Equatable, Sendable {
        /// Since 1970, in nanoseconds.
        var wallNanoseconds: UInt64
        /// For the guest's random number generator; `seedBytes` of them.
        var seed: [UInt8]
        static let seedBytes = 32
    }

    private enum Kind {
        static let memory: UInt8 = 1
        static let moment: UInt8 = 2
        static let quiesce: UInt8 = 3
        static let quiescent: UInt8 = 4
    }

    /// Nil for what `sender` can't have meant.
    init?(_ payload: [UInt8], from sender: StreamMultiplexer.Side) {
        guard let kind = payload.first else { return nil }
        switch (kind, sender, payload.count) {
        case (Kind.memory, .guest, 25):
            self = .memory(
                GuestMemory(
                    currentBytes: ChannelNotice.number(payload, 1), peakBytes: ChannelNotice.number(payload, 9),
                    outOfMemoryKills: ChannelNotice.number(payload, 17)))
        case (Kind.moment, .host, 9 + HostMoment.seedBytes):
            self = .moment(HostMoment(wallNanoseconds: ChannelNotice.number(payload, 1), seed: [UInt8](payload[9...])))
        case (Kind.quiesce, .host, 1): self = .quiesce
        case (Kind.quiescent, .guest, 1): self = .quiescent
        default: return nil
        }
    }

    func encoded() -> [UInt8] {
        switch self {
        case .memory(let memory):
            return [Kind.memory] + ChannelNotice.bytes(memory.currentBytes) + ChannelNotice.bytes(memory.peakBytes)
                + ChannelNotice.bytes(memory.outOfMemoryKills)
        case .moment(let moment): return [Kind.moment] + ChannelNotice.bytes(moment.wallNanoseconds) + moment.seed
        case .quiesce: return [Kind.quiesce]
        case .quiescent: return [Kind.quiescent]
        }
    }

    private static func bytes(_ value: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        for index in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * UInt64(index)))) }
        return bytes
    }

    private static func number(_ bytes: [UInt8], _ start: Int) -> UInt64 {
        var value: UInt64 = 0
        for index in 0..<8 { value |= UInt64(bytes[start + index]) << (8 * UInt64(index)) }
        return value
    }
}
