import CCloisterLinux

/// Serves the platform's orders until it hangs up; never returns.
func runAgent() -> Never {
    var children: Int32 = -1
    guard cloister_agent_protect(&children) == 0 else { cloister_agent_exit(70) }
    var agent = Agent(children: children)
    agent.say(.ready)
    while agent.turn() {}
    agent.killEverything()
    cloister_agent_exit(0)
}

struct Agent {
    private let children: Int32
    private var runtime: pid_t?
    private var reader = FrameReader()

    init(children: Int32) { self.children = children }

    /// Waits for one event and handles it. False when the platform hung up or sent nonsense.
    mutating func turn() -> Bool {
        let events = cloister_agent_wait(children)
        if events & 1 != 0 { reapEnded() }
        guard events & 2 != 0 else { return true }
        guard reader.fill() else { return false }
        while true {
            switch reader.next() {
            case .incomplete: return true
            case .malformed: return false
            case .order(let order): obey(order)
            }
        }
    }

    private mutating func obey(_ order: FrameReader.Order) {
        switch order {
        case .start(let block): start(block)
        case .stop:
            killEverything()
            say(.stopped)
        }
    }

    private mutating func start(_ block: StartBlock) {
        guard runtime == nil else { return say(.startFailed, errnoBusy) }
        var pid: pid_t = 0
        let error = block.withArrays { cloister_agent_start($0, $1, &pid) }
        if error == 0 { runtime = pid } else { say(.startFailed, error) }
    }

    private mutating func reapEnded() {
        var status: Int32 = 0
        while true {
            let pid = cloister_agent_reap(0, &status)
            guard pid > 0 else { return }
            guard pid == runtime else { continue }
            runtime = nil
            say(.exited, status)
        }
    }

    /// Leaves no process but this one. The runtime's end isn't reported: it was asked for.
    mutating func killEverything() {
        runtime = nil
        var status: Int32 = 0
        repeat { cloister_agent_kill_others() } while cloister_agent_reap(1, &status) > 0
    }

    // MARK: Answers

    enum Answer: UInt8 { case ready = 129, exited = 130, stopped = 131, startFailed = 132 }

    func say(_ answer: Answer) { send([answer.rawValue, 0, 0, 0, 0]) }

    func say(_ answer: Answer, _ value: Int32) {
        let bits = UInt32(bitPattern: value)
        send([
            answer.rawValue, 4, 0, 0, 0, UInt8(truncatingIfNeeded: bits), UInt8(truncatingIfNeeded: bits >> 8),
            UInt8(truncatingIfNeeded: bits >> 16), UInt8(truncatingIfNeeded: bits >> 24),
        ])
    }

    private func send(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { cloister_agent_write($0.baseAddress, $0.count) }
    }

    private var errnoBusy: Int32 { 16 }
}
