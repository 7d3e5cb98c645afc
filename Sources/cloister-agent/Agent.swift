import CCloisterLinux

/// Serves the platform's orders on descriptor 0 until it hangs up; never returns.
func runAgent() -> Never {
    var children: Int32 = -1
    guard cloister_agent_protect(0, &children) == 0 else { cloister_agent_exit(70) }
    var agent = Agent(place: .sandbox)
    agent.say(.ready)
    var isServing = true
    while isServing {
        agent.takeAnswers().withUnsafeBytes { cloister_agent_write($0.baseAddress, $0.count) }
        let events = cloister_agent_wait(children)
        if events & 1 != 0 { agent.reapEnded() }
        guard events & 2 != 0 else { continue }
        let bytes = readOrders()
        isServing = !bytes.isEmpty && agent.obey(bytes)
    }
    agent.killEverything()
    cloister_agent_exit(0)
}

/// What is there; empty at end of file.
private func readOrders() -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: 64 * 1024) { space, count in
        count = cloister_agent_read(space.baseAddress, space.count)
    }
}

/// Obeys the platform's orders. Where they come from and where the answers go is its owner's business.
struct Agent {
    enum Place {
        /// The sandbox is made and limited already; what is started inherits its output.
        case sandbox
        /// This process is a virtual machine's first, with every privilege in it; output goes to the descriptor.
        case guest(output: Int32)
    }

    private let place: Place
    private var runtime: pid_t?
    private var reader = FrameReader()
    private var answers: [UInt8] = []

    init(place: Place) { self.place = place }

    var isRunning: Bool { runtime != nil }

    /// Takes a piece of the platform's words. False when they are nonsense.
    mutating func obey(_ bytes: [UInt8]) -> Bool {
        reader.append(bytes)
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
        let error = block.withArrays { arguments, environment in
            switch place {
            case .sandbox: cloister_agent_start(arguments, environment, &pid)
            case .guest(let output): cloister_guest_start(arguments, environment, output, &pid)
            }
        }
        if error == 0 { runtime = pid } else { say(.startFailed, error) }
    }

    mutating func reapEnded() {
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

    /// What is to be said to the platform since the last call.
    mutating func takeAnswers() -> [UInt8] {
        defer { answers = [] }
        return answers
    }

    mutating func say(_ answer: Answer) { answers += [answer.rawValue, 0, 0, 0, 0] }

    mutating func say(_ answer: Answer, _ value: Int32) {
        let bits = UInt32(bitPattern: value)
        answers += [
            answer.rawValue, 4, 0, 0, 0, UInt8(truncatingIfNeeded: bits), UInt8(truncatingIfNeeded: bits >> 8),
            UInt8(truncatingIfNeeded: bits >> 16), UInt8(truncatingIfNeeded: bits >> 24),
        ]
    }

    private var errnoBusy: Int32 { 16 }
}
