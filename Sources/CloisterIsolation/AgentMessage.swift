/// What the platform and the agent say to each other over the agent's stream socket (descriptor 0 inside).
///
/// A frame is one type byte, a length (u32, little-endian, at most `payloadBytesMax`) and the payload. The agent is inside
/// the sandbox, so the platform treats what it says as hostile: a bad frame ends the sandbox.
public enum AgentMessage: Equatable, Sendable {
    public static let payloadBytesMax = 1 << 20

    // From the platform.

    /// Type 1: start the runtime. Payload: argument count u16, variable count u16 (little-endian), then the
    /// arguments and the `NAME=value` variables, each ended by a zero byte. Works in `/var/task`.
    case start(arguments: [String], environment: [String])
    /// Type 2: kill every process but the agent, reap them, then answer `.stopped`. `/tmp` is left alone.
    case stop

    // From the agent.

    /// Type 129: the agent runs and awaits orders. No payload.
    case ready
    /// Type 130: the runtime process ended by itself; payload: its wait status, i32 little-endian.
    case exited(waitStatus: Int32)
    /// Type 131: answer to `stop`. No payload.
    case stopped
    /// Type 132: the runtime could not be started; payload: errno, i32 little-endian.
    case startFailed(errno: Int32)

    /// The frame's bytes. Nil if an argument holds a zero byte or the whole is too large.
    public func encoded() -> [UInt8]? {
        switch self {
        case .start(let arguments, let environment):
            guard arguments.count <= UInt16.max, environment.count <= UInt16.max else { return nil }
            var payload: [UInt8] = []
            for count in [UInt16(arguments.count), UInt16(environment.count)] {
                payload.append(UInt8(truncatingIfNeeded: count))
                payload.append(UInt8(truncatingIfNeeded: count >> 8))
            }
            for text in arguments + environment {
                guard !text.utf8.contains(0) else { return nil }
                payload.append(contentsOf: text.utf8)
                payload.append(0)
            }
            return payload.count <= AgentMessage.payloadBytesMax ? AgentMessage.frame(type: 1, payload) : nil
        case .stop: return AgentMessage.frame(type: 2, [])
        case .ready: return AgentMessage.frame(type: 129, [])
        case .exited(let status): return AgentMessage.frame(type: 130, littleEndian(status))
        case .stopped: return AgentMessage.frame(type: 131, [])
        case .startFailed(let errno): return AgentMessage.frame(type: 132, littleEndian(errno))
        }
    }

    private static func frame(type: UInt8, _ payload: [UInt8]) -> [UInt8] {
        [type] + littleEndian(Int32(payload.count)) + payload
    }
}

/// Takes the agent's frames out of a byte stream.
public struct AgentMessageDecoder: Sendable {
    public struct Malformed: Error {}

    private var buffer: [UInt8] = []

    public init() {}

    /// The messages that `bytes` complete. Only messages that an agent may send are accepted; anything else throws.
    public mutating func decode(_ bytes: some Sequence<UInt8>) throws(Malformed) -> [AgentMessage] {
        buffer.append(contentsOf: bytes)
        var messages: [AgentMessage] = []
        while buffer.count >= 5 {
            let length = Int(buffer[1]) | Int(buffer[2]) << 8 | Int(buffer[3]) << 16 | Int(buffer[4]) << 24
            // The agent's messages are empty or one Int32.
            guard length == 0 || length == 4 else { throw Malformed() }
            guard buffer.count >= 5 + length else { break }
            messages.append(try AgentMessageDecoder.message(type: buffer[0], payload: buffer[5..<(5 + length)]))
            buffer.removeFirst(5 + length)
        }
        return messages
    }

    private static func message(type: UInt8, payload: ArraySlice<UInt8>) throws(Malformed) -> AgentMessage {
        switch (type, payload.count) {
        case (129, 0): return .ready
        case (130, 4): return .exited(waitStatus: int32(payload))
        case (131, 0): return .stopped
        case (132, 4): return .startFailed(errno: int32(payload))
        default: throw Malformed()
        }
    }

    private static func int32(_ bytes: ArraySlice<UInt8>) -> Int32 {
        var value: UInt32 = 0
        for (index, byte) in bytes.enumerated() { value |= UInt32(byte) << (8 * UInt32(index)) }
        return Int32(bitPattern: value)
    }
}

private func littleEndian(_ value: Int32) -> [UInt8] {
    let bits = UInt32(bitPattern: value)
    return (0..<4).map { UInt8(truncatingIfNeeded: bits >> (8 * UInt32($0))) }
}
