import CloisterIsolation
import Glibc
import Testing

/// Talks to one sandbox as the platform does. Waits are bounded so that a defect fails a test instead of hanging it.
final class SandboxProbe {
    struct Silence: Error, CustomStringConvertible {
        let description: String
    }

    private static let patienceMilliseconds = 120_000

    let sandbox: any Sandbox
    private var decoder = AgentMessageDecoder()
    private var messages: [AgentMessage] = []
    private(set) var agentHungUp = false
    private var isOpen = true

    init(_ sandbox: any Sandbox) { self.sandbox = sandbox }

    func close() {
        guard isOpen else { return }
        isOpen = false
        for descriptor in [sandbox.channels.agent, sandbox.channels.output, sandbox.channels.runtimeListener] {
            Glibc.close(descriptor)
        }
    }

    // MARK: Orders

    func tell(_ message: AgentMessage) throws {
        guard let bytes = message.encoded() else { throw Silence(description: "message can't be encoded") }
        guard send(sandbox.channels.agent, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
            throw Silence(description: "the agent hung up")
        }
    }

    func startShell(_ script: String) throws {
        try tell(.start(arguments: ["/bin/sh", "-c", script], environment: ["PATH=/usr/bin:/bin", "HOME=/tmp"]))
    }

    /// Runs a script to its end; its wait status and what it wrote.
    func runShell(_ script: String) async throws -> (status: Int32, output: String) {
        try startShell(script + "\nstatus=$?; echo '<end>'; exit $status")
        var output = ""
        while !output.contains("<end>\n") { output += try await text() }
        guard case .exited(let status) = try await message() else { throw Silence(description: "no exit") }
        return (status, output.replacing("<end>\n", with: ""))
    }

    func expectOutput(
        _ wanted: String, of script: String, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let output = try await runShell(script).output
        #expect(output == wanted, sourceLocation: sourceLocation)
    }

    // MARK: Answers

    func expect(_ wanted: AgentMessage) async throws {
        let heard = try await message()
        guard heard == wanted else {
            throw Silence(description: "\(heard) instead of \(wanted); output: \(available(sandbox.channels.output))")
        }
    }

    func message() async throws -> AgentMessage {
        try await poll("a message of the agent") { self.messages.isEmpty ? nil : self.messages.removeFirst() }
    }

    /// The runtime's wait status; nil if the whole sandbox ended.
    func exitOrHangUp() async throws -> Int32? {
        do {
            guard case .exited(let status) = try await message() else { throw Silence(description: "no exit") }
            return status
        } catch where agentHungUp {
            return nil
        }
    }

    func waitForHangUp() async throws {
        _ = try await poll("the agent's end of file") { self.agentHungUp ? true : nil }
    }

    /// At least one byte of output.
    func text() async throws -> String {
        try await poll("output") {
            let bytes = self.available(self.sandbox.channels.output)
            return bytes.isEmpty ? nil : bytes
        }
    }

    /// The output that is there, possibly none.
    func drain() -> String { available(sandbox.channels.output) }

    private func poll<Value>(_ what: String, _ attempt: () -> Value?) async throws -> Value {
        for _ in 0..<(SandboxProbe.patienceMilliseconds / 5) {
            try pump()
            if let value = attempt() { return value }
            if agentHungUp { throw Silence(description: "the sandbox ended before \(what): \(drain())") }
            try await Task.sleep(for: .milliseconds(5))
        }
        throw Silence(description: "no \(what)")
    }

    private func pump() throws {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = read(sandbox.channels.agent, &bytes, bytes.count)
        if count == 0 { agentHungUp = true }
        if count < 0, errno == ECONNRESET { agentHungUp = true }
        if count > 0 { messages += try decoder.decode(bytes[..<count]) }
    }

    private func available(_ descriptor: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = read(descriptor, &bytes, bytes.count)
        return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : ""
    }
}
