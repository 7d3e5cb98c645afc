import CloisterIsolation
import Glibc

/// What the self-test says to the agent and wants to hear. Blocks, with a time limit for each step.
package struct SelfTestConversation {
    private static let word = "cloister self-test\n"
    private static let stepMilliseconds: Int32 = 10_000

    let channels: SandboxChannels

    package init(channels: SandboxChannels) { self.channels = channels }

    /// Returns when the agent said `ready`, on the monotonic clock in milliseconds.
    package func run() throws(IsolationError) -> Int64 {
        var decoder = AgentMessageDecoder()
        try expect(.ready, &decoder)
        let readyAt = milliseconds()
        let order = AgentMessage.start(
            arguments: [SandboxSpecification.agentPath], environment: ["CLOISTER_SELF_TEST=1"])
        guard let bytes = order.encoded(), send(channels.agent, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
            throw IsolationError(.startFailed, "the agent hung up")
        }
        try hearThroughListener()
        let output = try read(channels.output, "the output pipe")
        guard String(decoding: output, as: UTF8.self) == SelfTestConversation.word else {
            throw IsolationError(.startFailed, "unexpected output")
        }
        try expect(.exited(waitStatus: 0), &decoder)
        return readyAt
    }

    private func hearThroughListener() throws(IsolationError) {
        try wait(channels.runtimeListener, "the runtime listener")
        let connection = accept(channels.runtimeListener, nil, nil)
        guard connection >= 0 else { throw IsolationError(.startFailed, "accept: \(errorText(errno))") }
        defer { close(connection) }
        let heard = try read(connection, "the runtime listener")
        guard String(decoding: heard, as: UTF8.self) == SelfTestConversation.word else {
            throw IsolationError(.startFailed, "unexpected words at the runtime listener")
        }
        guard send(connection, [UInt8(ascii: "k")], 1, Int32(MSG_NOSIGNAL)) == 1 else {
            throw IsolationError(.startFailed, "the runtime listener's peer hung up")
        }
    }

    private func expect(_ wanted: AgentMessage, _ decoder: inout AgentMessageDecoder) throws(IsolationError) {
        let bytes = try read(channels.agent, "the agent")
        let messages = (try? decoder.decode(bytes)) ?? []  // A malformed frame is as wrong as an unexpected one.
        guard messages == [wanted] else {
            let text = readAvailable(channels.output).prefix(300)
            throw IsolationError(.startFailed, "the agent said \(messages) instead of \(wanted): \(text)")
        }
    }

    private func wait(_ descriptor: Int32, _ what: String) throws(IsolationError) {
        var watched = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&watched, 1, SelfTestConversation.stepMilliseconds) == 1 else {
            throw IsolationError(.startFailed, "nothing from \(what) within \(SelfTestConversation.stepMilliseconds) ms")
        }
    }

    private func read(_ descriptor: Int32, _ what: String) throws(IsolationError) -> [UInt8] {
        try wait(descriptor, what)
        var bytes = [UInt8](repeating: 0, count: 1024)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        guard count >= 0 else { throw IsolationError(.startFailed, "\(what): \(errorText(errno))") }
        return Array(bytes[..<count])
    }
}
