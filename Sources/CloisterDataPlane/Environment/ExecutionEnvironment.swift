import CloisterCore
import CloisterIsolation
import CloisterServiceKit
import CloisterWire
import NIOCore
import NIOPosix

/// What the invocation that waited for an environment gets when that never became ready.
typealias StartFailure = (RequestID) -> InvocationResult

/// What an environment tells the data plane. Called on the loop.
protocol EnvironmentObserver: AnyObject {
    func initialised(_ environment: ExecutionEnvironment)
    func answered(_ environment: ExecutionEnvironment)
    func released(_ environment: ExecutionEnvironment)
    func recovering(_ environment: ExecutionEnvironment)
    /// It never got ready; `failure` is for whoever waits for it.
    func failedToStart(_ environment: ExecutionEnvironment, _ failure: @escaping StartFailure)
    /// A connection from inside to the AWS APIs.
    func front(for environment: ExecutionEnvironment) -> FrontConnection
    /// It is of no more use and must be destroyed.
    func broken(_ environment: ExecutionEnvironment)
}

/// One execution environment: its sandbox, its channels, and the state machine that decides what they mean.
/// Loop-confined: every member is touched on the data plane's event loop only, hence `@unchecked Sendable`.
final class ExecutionEnvironment: @unchecked Sendable {
    /// Connections from inside at once; the stock clients use one or two.
    static let connectionsMax = 16
    /// All connections from inside, those to AWS APIs too.
    static let entrancesMax = 128
    /// Bodies of requests from inside that are on their way.
    static let heldBytesMax = 40 << 20
    static let initSecondsMax = 10
    static let initAheadSecondsMax = 130
    static let stopTimeout = TimeSpan.seconds(2)
    /// Restarts of the processes without an invocation in between; a runtime that fails more often isn't kept.
    static let restartsMax = 3
    static let memoryAgeMax = TimeSpan.milliseconds(250)

    let number: EnvironmentNumber
    let id: EnvironmentID
    let function: FunctionSnapshot
    let logStream: String
    private let records: PlatformRecords
    let createdAt: Moment
    let createdAtWall: Int64
    let loop: any EventLoop
    private unowned let observer: any EnvironmentObserver

    var machine = EnvironmentStateMachine()
    var sandbox: (any Sandbox)?
    var output: EnvironmentOutput?
    /// The connection that waits in its call for the next invocation.
    var waiting: RuntimeConnection?
    var invocation: Invocation?
    /// The connection, at most one, that has the platform collect an error's body.
    var collecting: Set<ObjectIdentifier> = []
    /// Whose environment this is, once bound.
    var owner: EnvironmentOwner?
    var invocationCount = 0
    /// For provisioned concurrency or a reservation, before anyone called.
    var isStartedAhead = false
    var isFrozen = false
    /// Why the start failed, for whoever waits for it.
    var startFailure: StartFailure?

    private let functionARN: String
    private var entrances = 0
    private var heldBytes = 0
    private(set) var connections: [ObjectIdentifier: RuntimeConnection] = [:]
    private var channels: [any Channel] = []
    private var agent: (any Channel)?
    private var decoder = AgentMessageDecoder()
    private var startMessage: [UInt8] = []
    /// Whether the agent has said that it is ready before this was an environment.
    var isAgentReady = false
    /// Whether the interpreter was started before this was an environment of a function.
    var isRuntimeStarted = false
    /// What such an interpreter asks for, once.
    private var awaitedVariables: [String]?
    private var initStartedAt: Moment
    private var initDuration: TimeSpan?
    private var lastExit: (waitStatus: Int32, isOutOfMemory: Bool)?
    private var outOfMemoryKillsSeen = 0
    private var restarts = 0
    private var memoryReading: (peak: Int, at: Moment)?
    private var deadline: Moment?
    private var armedDeadline: Moment?

    init(
        number: EnvironmentNumber, id: EnvironmentID, function: FunctionSnapshot, functionARN: String,
        observer: any EnvironmentObserver, loop: any EventLoop
    ) {
        self.functionARN = functionARN
        self.number = number
        self.id = id
        self.function = function
        self.records = PlatformRecords(function: function)
        self.observer = observer
        self.loop = loop
        self.createdAt = Clock.now()
        self.createdAtWall = Clock.wallMilliseconds()
        self.initStartedAt = createdAt
        self.logStream = "\(WallTime.slashedDate(milliseconds: createdAtWall))/[\(function.key.version)]\(id)"
    }

    /// AWS gives the initialisation 10 s, then repeats it under the function's own timeout; here it goes on instead. What
    /// is started ahead of need has longer, as on AWS.
    private var initTimeout: TimeSpan {
        let seconds = ExecutionEnvironment.initSecondsMax + function.timeoutSeconds
        return .seconds(Int64(isStartedAhead ? max(seconds, ExecutionEnvironment.initAheadSecondsMax) : seconds))
    }

    // MARK: Start

    /// Takes over the sandbox and its channels.
    func attach(_ sandbox: any Sandbox, startMessage: [UInt8], variables: [String], logs: any LogSink) throws {
        self.sandbox = sandbox
        self.startMessage = startMessage
        if isRuntimeStarted { awaitedVariables = variables }
        let channels = sandbox.channels
        let output = EnvironmentOutput(sink: logs, function: function, stream: logStream, descriptor: channels.output)
        self.output = output
        let isAlive = !machine.isTerminated
        guard isAlive else { throw ChannelError.alreadyClosed }
        setDeadline(initTimeout)
        adopt(channels)
    }

    private func adopt(_ descriptors: SandboxChannels) {
        ClientBootstrap(group: loop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AgentHandler(environment: self))
                }
            }
            .withConnectedSocket(descriptors.agent)
            .whenComplete { result in
                if case .success(let channel) = result { self.agent = channel }
                self.adopted(result)
                // Its word was heard when the sandbox was booted in advance.
                if self.isAgentReady { self.handle(.ready) }
                self.listen(descriptors.runtimeListener)
            }
    }

    /// After the agent, so that nothing from inside is heard by an environment that doesn't know its state yet.
    private func listen(_ descriptor: Int32) {
        ServerBootstrap(group: loop)
            .serverChannelOption(.backlog, value: 16)
            // One read an event: a second one would nearly always find nothing.
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(EntranceHandler(environment: self))
                }
            }
            .withBoundSocket(descriptor)
            .whenComplete { self.adopted($0) }
    }

    private func adopted(_ result: Result<any Channel, any Error>) {
        switch result {
        case .success(let channel):
            if machine.isTerminated { channel.close(promise: nil) } else { channels.append(channel) }
        case .failure:
            sandboxLost()
        }
    }

    /// Closes every channel. The sandbox itself is destroyed by the data plane.
    func close() {
        machine.terminate()
        deadline = nil
        output?.close()
        for connection in connections.values { connection.close() }
        for channel in channels { channel.close(promise: nil) }
        channels = []
        agent = nil
        waiting = nil
    }

    // MARK: The agent

    func agentSaid(_ bytes: ByteBuffer) {
        guard let messages = try? decoder.decode(bytes.readableBytesView) else {
            // Not the agent's protocol: whoever speaks there, the sandbox is not to be trusted any more.
            return sandboxLost()
        }
        for message in messages { handle(message) }
    }

    private func handle(_ message: AgentMessage) {
        switch message {
        case .ready:
            machine.agentReady() ? startRuntime() : sandboxLost()
        case .stopped:
            machine.agentStopped() ? startRuntime() : sandboxLost()
        case .exited(let waitStatus):
            lastExit = (waitStatus, tookOutOfMemoryKill())
            act(machine.runtimeExited())
        case .startFailed:
            lastExit = nil
            act(machine.runtimeExited())
        case .start, .stop:
            sandboxLost()
        }
    }

    private func startRuntime() {
        initStartedAt = initDuration == nil && invocationCount == 0 ? createdAt : Clock.now()
        setDeadline(initTimeout)
        if isRuntimeStarted {
            isRuntimeStarted = false
        } else {
            // Whoever was to be told is gone.
            awaitedVariables = nil
            send(startMessage)
        }
    }

    /// The function's environment variables, for the interpreter that was started without them. Nil for anyone else.
    func takeVariables() -> [String]? {
        defer { awaitedVariables = nil }
        return machine.isInitializing ? awaitedVariables : nil
    }

    private func send(_ frame: [UInt8]) {
        guard let agent else { return }
        agent.writeAndFlush(ByteBuffer(bytes: frame), promise: nil)
    }

    private func tookOutOfMemoryKill() -> Bool {
        guard let kills = sandbox?.memory().outOfMemoryKills, kills > outOfMemoryKillsSeen else { return false }
        outOfMemoryKillsSeen = kills
        return true
    }

    /// The agent's socket has ended: nothing lives inside any more.
    func sandboxLost() {
        guard !machine.isTerminated else { return }
        lastExit = (9, tookOutOfMemoryKill())
        let action = machine.sandboxLost()
        act(action)
        if case .failInvocation = action { observer.broken(self) }
    }

    // MARK: Ends

    private func act(_ action: EnvironmentStateMachine.EndAction, timeout: Bool = false) {
        switch action {
        case .ignore:
            break
        case .failInit:
            failInit(initFailure(timeout: timeout), status: timeout ? "timeout" : "error")
        case .failInvocation(let requestID):
            failInvocation(requestID, timeout: timeout)
            if !machine.isTerminated { restart() }
        case .restart:
            restart()
        case .destroy:
            observer.broken(self)
        }
    }

    private func restart() {
        restarts += 1
        guard restarts <= ExecutionEnvironment.restartsMax else { return observer.broken(self) }
        observer.recovering(self)
        waiting = nil
        for connection in connections.values { connection.close() }
        setDeadline(ExecutionEnvironment.stopTimeout)
        if let frame = AgentMessage.stop.encoded() { send(frame) }
    }

    private func failInvocation(_ requestID: RequestID, timeout: Bool) {
        guard let invocation, invocation.requestID == requestID else { return }
        if timeout {
            let text = "\(WallTime.iso8601(milliseconds: Clock.wallMilliseconds())) \(requestID) Task timed out after \(function.timeoutSeconds).00 seconds"
            output?.drain()
            output?.write(text)
            finish(.functionError(FunctionErrors.timeout(requestID, seconds: function.timeoutSeconds)), "timeout", nil)
        } else {
            let isOutOfMemory = lastExit?.isOutOfMemory == true
            let payload = FunctionErrors.exited(
                requestID, waitStatus: lastExit?.waitStatus ?? 9, isOutOfMemory: isOutOfMemory)
            finish(.functionError(payload), "error", isOutOfMemory ? "Runtime.OutOfMemory" : "Runtime.ExitError")
        }
    }

    /// What whoever waits for this environment gets when the runtime never asked for an invocation.
    private func initFailure(timeout: Bool) -> StartFailure {
        let seconds = function.timeoutSeconds
        if timeout { return { .functionError(FunctionErrors.timeout($0, seconds: seconds)) } }
        guard let lastExit, !isMissingBootstrap(lastExit.waitStatus) else {
            return { .functionError(FunctionErrors.invalidEntrypoint($0)) }
        }
        return {
            .functionError(
                FunctionErrors.exited($0, waitStatus: lastExit.waitStatus, isOutOfMemory: lastExit.isOutOfMemory))
        }
    }

    /// 127 is what the image's bootstrap exits with when the function brings none.
    private func isMissingBootstrap(_ waitStatus: Int32) -> Bool {
        function.runtime.hasPrefix("provided") && waitStatus == 127 << 8
    }

    private func failInit(_ failure: @escaping StartFailure, status: String, errorType: String? = nil) {
        output?.drain()
        output?.write(records.initReport(duration: Clock.now() - initStartedAt, failure: status, errorType: errorType))
        observer.failedToStart(self, failure)
    }

    // MARK: Deadlines

    /// Sets the one deadline that is in force. At most one timer is armed as long as deadlines move on, so that a
    /// warm invocation arms none.
    func setDeadline(_ span: TimeSpan) {
        let at = Clock.now() + span
        deadline = at
        if let armedDeadline, armedDeadline <= at { return }
        arm(at)
    }

    private func arm(_ at: Moment) {
        armedDeadline = at
        loop.scheduleTask(deadline: .uptimeNanoseconds(UInt64(at.nanoseconds))) { self.timerFired(armedFor: at) }
    }

    private func timerFired(armedFor at: Moment) {
        guard armedDeadline == at else { return }
        armedDeadline = nil
        guard let deadline, !machine.isTerminated else { return }
        guard deadline <= Clock.now() else { return arm(deadline) }
        self.deadline = nil
        if machine.isRunning {
            act(machine.timedOut(), timeout: true)
        } else {
            sandboxLost()
        }
    }

    // MARK: Invocations

    /// Hands the invocation to the runtime, which waits for it. False, with nothing done, if it waits no longer.
    func deliver(_ invocation: Invocation) -> Bool {
        guard let waiting, machine.deliver(invocation.requestID) else { return false }
        self.invocation = invocation
        self.waiting = nil
        invocationCount += 1
        restarts = 0
        invocation.startedAt = Clock.now()
        setDeadline(.seconds(Int64(function.timeoutSeconds)))
        // What was printed since the last invocation isn't this one's; read before the runtime can print for this one.
        output?.drain(EnvironmentOutput.intervalBytesMax)
        waiting.deliver(invocation)
        output?.begin(invocation)
        if let start = records.start(invocation) { output?.write(start) }
        return true
    }

    /// The runtime's answer is complete. The invoker gets it first, then the runtime its receipt (`acknowledge`), since both
    /// are waited for; the log comes after them, unless the invoker asked for its tail.
    func answered(
        _ result: InvocationResult, failure: String? = nil, errorType: String? = nil, acknowledge: () -> Void
    ) {
        // Until the runtime asks for the next invocation it may do what it wants, for as long as an invocation may.
        setDeadline(.seconds(Int64(function.timeoutSeconds)))
        finish(result, failure, errorType, acknowledge: acknowledge)
        observer.answered(self)
    }

    private func finish(
        _ result: InvocationResult, _ failure: String?, _ errorType: String?, acknowledge: () -> Void = {}
    ) {
        guard let invocation else { return acknowledge() }
        self.invocation = nil
        let duration = Clock.now() - (invocation.startedAt ?? invocation.receivedAt)
        if invocation.wantsLogTail {
            report(invocation, duration, failure, errorType)
            let tail = output?.takeTail().map { String(decoding: $0, as: UTF8.self) }
            invocation.sink.ended(result, of: invocation, logTail: tail)
            acknowledge()
        } else {
            invocation.sink.ended(result, of: invocation, logTail: nil)
            acknowledge()
            report(invocation, duration, failure, errorType)
        }
    }

    private func report(_ invocation: Invocation, _ duration: TimeSpan, _ failure: String?, _ errorType: String?) {
        guard let output else { return }
        output.drain()
        output.flush()
        if let end = records.end(invocation) { output.write(end) }
        let report = PlatformRecords.Report(
            duration: duration, initDuration: wasWaitedFor(by: invocation) ? initDuration : nil,
            memoryPeakMiB: min((memoryPeak() + (1 << 20) - 1) >> 20, function.memoryMiB), failure: failure,
            errorType: errorType)
        if let text = records.report(invocation, report) { output.write(text) }
        output.passOn()
    }

    /// Whether the invocation is the first one, and so had the initialisation before it; not if that was over when it came.
    private func wasWaitedFor(by invocation: Invocation) -> Bool {
        guard invocationCount == 1, let initDuration else { return false }
        return !isStartedAhead || invocation.receivedAt < initStartedAt + initDuration
    }

    /// The most memory held so far. Asking the kernel takes several system calls, so invocations in quick succession
    /// share an answer that is at most `memoryAgeMax` old.
    private func memoryPeak() -> Int {
        let now = Clock.now()
        if let memoryReading, now - memoryReading.at < ExecutionEnvironment.memoryAgeMax { return memoryReading.peak }
        let peak = sandbox?.memory().peakBytes ?? 0
        memoryReading = (peak, now)
        return peak
    }

    /// The runtime calls for an invocation; the connection waits until there is one.
    func next(on connection: RuntimeConnection) throws(EnvironmentStateMachine.ProtocolError) {
        let action = try machine.next()
        waiting = connection
        deadline = nil
        switch action {
        case .initialised:
            initDuration = Clock.now() - initStartedAt
            sandbox?.applyCPULimit()
            observer.initialised(self)
        case .recovered, .released:
            observer.released(self)
        }
    }

    func initFailed(
        _ payload: ByteBuffer, errorType: String, acknowledge: () -> Void
    ) throws(EnvironmentStateMachine.ProtocolError) {
        let action = try machine.initErrorReported()
        acknowledge()
        switch action {
        case .failInit: failInit({ _ in .functionError(payload) }, status: "error", errorType: errorType)
        default: observer.broken(self)
        }
    }

    // MARK: Connections

    /// Who calls when a call comes in by this environment's listener.
    var callerEnvironment: CallerEnvironment {
        CallerEnvironment(
            id: id, functionARN: functionARN, tenant: owner?.tenant, isTenantIsolated: function.isTenantIsolated)
    }

    /// A handler for calls to AWS APIs from inside.
    func front() -> FrontConnection { observer.front(for: self) }

    /// One more connection from inside, of whatever kind. False: too many.
    func entered() -> Bool {
        entrances += 1
        return !machine.isTerminated && entrances <= ExecutionEnvironment.entrancesMax
    }

    func left() { entrances -= 1 }

    /// Bytes of request bodies that the server holds for calls from inside; negative when it no longer does. False: more
    /// than one environment may make it hold.
    @discardableResult
    func charge(_ bytes: Int) -> Bool {
        heldBytes += bytes
        return heldBytes <= ExecutionEnvironment.heldBytesMax
    }

    func opened(_ connection: RuntimeConnection) -> Bool {
        guard !machine.isTerminated, connections.count < ExecutionEnvironment.connectionsMax else { return false }
        connections[ObjectIdentifier(connection)] = connection
        return true
    }

    func closed(_ connection: RuntimeConnection) {
        left()
        connections[ObjectIdentifier(connection)] = nil
        guard waiting === connection else { return }
        waiting = nil
        act(machine.runtimeHungUp())
    }
}
