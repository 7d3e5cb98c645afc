import CCloisterLinux
import CloisterIsolation
import Glibc

/// Both ends of a sandbox's channels while it is being made.
struct SandboxEnds {
    let channels: SandboxChannels
    let network: Int32
    let agentTheirs: Int32
    let outputTheirs: Int32

    init(_ open: inout OpenDescriptors) throws(IsolationError) {
        var listener: Int32 = -1
        var network: Int32 = -1
        try SandboxEnds.check(
            cloister_loopback_network(SandboxStart.runtimePort, SandboxStart.backlog, &listener, &network),
            "network namespace")
        open.add(listener, network)
        var agent: Int32 = -1
        var agentTheirs: Int32 = -1
        try SandboxEnds.check(cloister_socketpair(&agent, &agentTheirs), "agent socket")
        open.add(agent, agentTheirs)
        var output: Int32 = -1
        var outputTheirs: Int32 = -1
        try SandboxEnds.check(cloister_pipe(&output, &outputTheirs), "output pipe")
        open.add(output, outputTheirs)
        channels = SandboxChannels(runtimeListener: listener, agent: agent, output: output)
        self.network = network
        self.agentTheirs = agentTheirs
        self.outputTheirs = outputTheirs
    }

    private static func check(_ error: Int32, _ what: String) throws(IsolationError) {
        guard error != 0 else { return }
        let isShortage = [EMFILE, ENFILE, ENOMEM, ENOSPC, EAGAIN, ENOBUFS].contains(error)
        throw IsolationError(isShortage ? .exhausted : .startFailed, "\(what): \(errorText(error))")
    }
}

/// The descriptors to close if making the sandbox fails.
struct OpenDescriptors {
    private var descriptors: [Int32]

    init(_ descriptors: [Int32]) { self.descriptors = descriptors }

    mutating func add(_ added: Int32...) { descriptors += added }

    /// The sandbox lives: our copies of its ends, and of its namespace, go.
    mutating func closeTheirs(_ ends: SandboxEnds) {
        for descriptor in [ends.network, ends.agentTheirs, ends.outputTheirs] { close(descriptor) }
        descriptors = []
    }

    mutating func closeAll() {
        descriptors.forEach { _ = close($0) }
        descriptors = []
    }
}
