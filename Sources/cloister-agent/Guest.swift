import CCloisterLinux

/// The agent as a virtual machine's first process: makes the runtime's file system out of the machine's disks, then joins
/// the channel's streams to what runs inside. Never returns: the machine ends with it.
func runGuest() -> Never {
    var port: Int32 = -1
    let early = GuestSetUp.untilChannel(&port)
    guard early.error == 0 else { cloister_guest_power_off() }
    var relay = StreamRelay(StreamMultiplexer(side: .guest), channel: port)
    let (late, listener, children) = GuestSetUp.rest(port)
    guard late.error == 0, var guest = Guest(relay: relay, listener: listener, children: children) else {
        relay.complain(late.step)
        cloister_guest_power_off()
    }
    guest.begin()
    while guest.turn() {}
    cloister_guest_power_off()
}

/// The steps of the set-up. A step's name is what the platform's log shows when it fails.
enum GuestSetUp {
    struct Outcome {
        var step: StaticString
        var error: Int32
    }

    private static let runtimePort: UInt16 = 9001

    static func untilChannel(_ port: inout Int32) -> Outcome {
        var outcome = Outcome(step: "kernel file systems", error: cloister_guest_mount_kernel())
        if outcome.error == 0 { outcome = Outcome(step: "modules", error: cloister_guest_load_modules()) }
        if outcome.error == 0 { outcome = Outcome(step: "channel", error: cloister_guest_open_port(&port)) }
        return outcome
    }

    static func rest(_ port: Int32) -> (Outcome, listener: Int32, children: Int32) {
        var listener: Int32 = -1
        var children: Int32 = -1
        var outcome = Outcome(step: "cgroup", error: cloister_guest_make_cgroup())
        if outcome.error == 0 { outcome = Outcome(step: "system call filter", error: cloister_guest_load_filter()) }
        if outcome.error == 0 {
            outcome = Outcome(step: "file systems", error: cloister_guest_mount_root(cloister_guest_has_layers()))
        }
        if outcome.error == 0 { outcome = Outcome(step: "root", error: cloister_guest_enter_root()) }
        if outcome.error == 0 { outcome = Outcome(step: "kernel settings", error: cloister_guest_harden()) }
        if outcome.error == 0 { outcome = Outcome(step: "protection", error: cloister_agent_protect(port, &children)) }
        if outcome.error == 0 { outcome = Outcome(step: "listener", error: cloister_guest_listen(runtimePort, &listener)) }
        return (outcome, listener, children)
    }
}

extension StreamRelay {
    /// Says on the output stream which step of the set-up failed.
    mutating func complain(_ step: StaticString) {
        let start: StaticString = "cloister-agent: the guest's set-up failed at: "
        let end: StaticString = "\n"
        for text in [start, step, end] {
            text.withUTF8Buffer { _ = multiplexer.send(StreamMultiplexer.outputStream, UnsafeRawBufferPointer($0)) }
        }
        _ = flushChannel()
    }
}
