import CCloisterLinux
import CloisterIsolation
import CloisterOCI
import Glibc

/// Both ends of a machine's channels while it is being made.
struct MachineEnds {
    /// The platform's.
    let channels: SandboxChannels
    /// The relay's.
    let agent: Int32
    let output: Int32
    let channel: Int32
    let folder: Int32
    /// The monitor's.
    let channelTheirs: Int32
    let controlTheirs: Int32
    let complaintsTheirs: Int32
    /// For QEMU's control protocol, and what it complains of.
    let control: Int32
    let complaints: Int32

    private static let backlog: Int32 = 128

    /// - Parameter directory: the machine's folder, in which nobody but root may look.
    init(directory: String, _ open: inout MachineDescriptors) throws(IsolationError) {
        var folder: Int32 = -1
        try MachineEnds.check(cloister_open_place(directory, &folder), directory)
        self.folder = folder
        open.add(folder)
        var listener: Int32 = -1
        try MachineEnds.check(
            cloister_unix_listen(folder, RelayedMachine.listenerName, MachineEnds.backlog, &listener), "runtime listener")
        open.add(listener)
        let agent = try open.pair("agent socket")
        try open.makeNonBlocking(agent.theirs)
        let output = try open.pipe("output pipe")
        try open.makeNonBlocking(output.writer)
        let channel = try open.pair("channel")
        let control = try open.pair("control socket")
        let complaints = try open.pipe("complaints")
        channels = SandboxChannels(runtimeListener: listener, agent: agent.ours, output: output.reader)
        self.agent = agent.theirs
        self.output = output.writer
        self.channel = channel.ours
        channelTheirs = channel.theirs
        self.control = control.ours
        controlTheirs = control.theirs
        self.complaints = complaints.reader
        complaintsTheirs = complaints.writer
    }

    static func check(_ error: Int32, _ what: String) throws(IsolationError) {
        guard error != 0 else { return }
        let isShortage = [EMFILE, ENFILE, ENOMEM, ENOSPC, EAGAIN, ENOBUFS].contains(error)
        throw IsolationError(isShortage ? .exhausted : .startFailed, "\(what): \(errorText(error))")
    }
}

/// The descriptors to close if making the machine fails.
struct MachineDescriptors {
    private var descriptors: Set<Int32> = []

    mutating func add(_ descriptor: Int32) { descriptors.insert(descriptor) }

    /// Somebody else has them now.
    mutating func release(_ released: Int32...) { descriptors.subtract(released) }

    mutating func close(_ closed: Int32...) {
        for descriptor in closed where descriptors.remove(descriptor) != nil { _ = Glibc.close(descriptor) }
    }

    mutating func closeAll() {
        descriptors.forEach { _ = Glibc.close($0) }
        descriptors = []
    }

    mutating func pair(_ what: String) throws(IsolationError) -> (ours: Int32, theirs: Int32) {
        var ours: Int32 = -1
        var theirs: Int32 = -1
        try MachineEnds.check(cloister_socketpair(&ours, &theirs), what)
        add(ours)
        add(theirs)
        return (ours, theirs)
    }

    mutating func pipe(_ what: String) throws(IsolationError) -> (reader: Int32, writer: Int32) {
        var reader: Int32 = -1
        var writer: Int32 = -1
        try MachineEnds.check(cloister_pipe(&reader, &writer), what)
        add(reader)
        add(writer)
        return (reader, writer)
    }

    func makeNonBlocking(_ descriptor: Int32) throws(IsolationError) {
        guard fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK) == 0 else {
            throw IsolationError(.startFailed, "descriptor: \(errorText(errno))")
        }
    }
}
