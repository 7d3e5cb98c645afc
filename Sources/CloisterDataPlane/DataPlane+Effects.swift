import CloisterCore
import CloisterIsolation
import CloisterServiceKit
import CloisterWire
import Glibc
import Logging
import NIOCore

/// Does what the scheduler decides, and tells it what came of it.
extension DataPlane: EnvironmentObserver {
    func perform(_ effect: SchedulerEffect) {
        switch effect {
        case .start(let number, let pool): start(number, pool)
        case .run(let invocation, let bound, let isFrozen): run(invocation, bound, isFrozen: isFrozen)
        case .refuse(let invocation, .tenantSuspended): end(invocation, DataPlane.suspended)
        case .refuse(let invocation, let throttle):
            end(invocation, .throttled(throttle))
        case .failStart(let number, let environment):
            guard let invocation = invocations[number] else { return }
            end(number, environments[environment]?.startFailure?(invocation.requestID) ?? DataPlane.lost)
        case .freeze(let number): freeze(number)
        case .bind(let bound):
            guard let environment = environments[bound.number] else { return }
            precondition(environment.owner == nil, "an environment must not be bound twice")
            environment.owner = bound.owner
        // No level can give memory back yet: the report says that it still holds what it held.
        case .hibernate(let number): reportMemory(number)
        case .resume: break
        case .destroy(let number, let reason):
            logger.debug("environment ends", metadata: ["reason": "\(reason.rawValue)", "id": "\(environments[number]?.id.rawValue ?? "")"])
            end(number)
        }
    }

    /// How often an invocation is handed to an environment that turns out to be gone.
    static let deliveriesMax = 3

    static let lost = InvocationResult.failed(
        ServiceError("ServiceException", status: 500, message: "The execution environment could not be started.", fault: .service))

    static let suspended = InvocationResult.failed(refusal(.suspended))

    private func end(_ number: InvocationNumber, _ result: InvocationResult) {
        guard let invocation = invocations.removeValue(forKey: number) else { return }
        invocation.sink.ended(result, of: invocation, logTail: nil)
    }

    private func run(_ number: InvocationNumber, _ bound: BoundEnvironment, isFrozen: Bool) {
        guard let invocation = invocations.removeValue(forKey: number), let environment = environments[bound.number]
        else { return }
        if environment.owner == nil { environment.owner = bound.owner }
        precondition(environment.owner == bound.owner && EnvironmentOwner(invocation.tenant) == bound.owner)
        if isFrozen || environment.isFrozen { thaw(environment) }
        if !environment.deliver(invocation) { retry(invocation, insteadOf: environment) }
    }

    /// The runtime hung up before it got the invocation, which therefore hasn't run: another environment may run it.
    private func retry(_ invocation: Invocation, insteadOf environment: ExecutionEnvironment) {
        lose(environment)
        invocation.deliveries += 1
        guard invocation.deliveries < DataPlane.deliveriesMax,
            let pool = functions[invocation.function.key.function]?.pools[PoolKey(invocation.function)]
        else {
            return invocation.sink.ended(DataPlane.lost, of: invocation, logTail: nil)
        }
        invocation.number = nextInvocationNumber()
        begin(invocation, pool: pool)
    }

    private func freeze(_ number: EnvironmentNumber) {
        guard let environment = environments[number], let sandbox = environment.sandbox else { return }
        sandbox.freeze()
        environment.output?.drain()
        environment.output?.passOn()
        environment.isFrozen = true
        reportMemory(number)
    }

    private func reportMemory(_ number: EnvironmentNumber) {
        guard let sandbox = environments[number]?.sandbox else { return }
        let held = (sandbox.memory().currentBytes + (1 << 20) - 1) >> 20
        schedule { $0.environmentHolds(number, memoryMiB: held, now: $1, into: &$2) }
    }

    private func thaw(_ environment: ExecutionEnvironment) {
        environment.sandbox?.thaw()
        environment.isFrozen = false
        readOutputs()
    }

    /// Reads what the environments that run print, again and again as long as there is one.
    func readOutputs() {
        guard !isReadingOutputs else { return }
        isReadingOutputs = true
        loop.scheduleTask(in: DataPlane.outputInterval) {
            self.isReadingOutputs = false
            let awake = self.environments.values.filter { !$0.isFrozen }
            self.readOutputs(of: awake)
            if !awake.isEmpty { self.readOutputs() }
        }
    }

    /// In turns, up to a budget: who prints without end waits for the others, and they don't wait for it.
    private func readOutputs(of awake: [ExecutionEnvironment]) {
        var budget = DataPlane.outputBytesPerInterval
        for offset in awake.indices where budget > 0 {
            let environment = awake[(outputTurn &+ offset) % awake.count]
            budget -= environment.output?.drain(EnvironmentOutput.intervalBytesMax) ?? 0
            environment.output?.passOn()
        }
        outputTurn = (outputTurn + 1) % 1_000_003
    }

    // MARK: Start

    private func start(_ number: EnvironmentNumber, _ pool: PoolKey) {
        guard !isStopping, let function = poolSnapshots[pool] else {
            return schedule { $0.environmentLost(number, now: $1, into: &$2) }
        }
        let backend = configuration.backend
        if let minimum = function.isolationMinimum, backend.level < minimum {
            let environment = open(number, function)
            return failedToStart(environment) { _ in
                .failed(
                    ServiceError(
                        "InvalidParameterValueException", status: 400,
                        message: "The function demands the isolation level \(minimum.rawValue); in force is \(backend.level.rawValue)."))
            }
        }
        if let blank = preboot?.take(function) {
            let environment = open(number, function, id: blank.sandbox.id)
            environment.isAgentReady = true
            environment.isRuntimeStarted = blank.isRuntimeStarted
            start(environment, with: blank)
        } else {
            start(open(number, function))
        }
    }

    private func open(
        _ number: EnvironmentNumber, _ function: FunctionSnapshot, id: EnvironmentID? = nil
    ) -> ExecutionEnvironment {
        let environment = ExecutionEnvironment(
            number: number, id: id ?? EnvironmentID(random: randomness.next(), randomness.next()), function: function,
            functionARN: function.key.function.arn(account: configuration.account), observer: self, loop: loop)
        environment.isStartedAhead = scheduler.isStartedAhead(number)
        environments[number] = environment
        readOutputs()
        return environment
    }

    private func start(_ environment: ExecutionEnvironment) {
        let function = environment.function
        let wanted = SandboxConfiguration(
            id: environment.id, imageDirectory: function.imageDirectory, codeDirectory: function.codeDirectory,
            layersDirectory: function.layersDirectory, memoryMiB: function.memoryMiB,
            ephemeralStorageMiB: function.ephemeralStorageMiB)
        let backend = configuration.backend
        start(environment) { () throws(IsolationError) in try await backend.start(wanted) }
    }

    /// A sandbox that was booted in advance gets the function's code. Where that fails, one is started for it.
    private func start(_ environment: ExecutionEnvironment, with blank: PrebootShelf.Blank) {
        let function = environment.function
        let contents = SandboxContents(
            codeDirectory: function.codeDirectory, layersDirectory: function.layersDirectory,
            memoryMiB: function.memoryMiB)
        starting[environment.number] = Task {
            do throws(IsolationError) {
                let sandbox = try await blank.sandbox.furnish(contents)
                self.loop.execute {
                    self.starting[environment.number] = nil
                    self.attach(sandbox, to: environment)
                }
            } catch {
                blank.sandbox.channels.close()
                await blank.sandbox.destroy()
                self.loop.execute { self.startAnew(environment, error) }
            }
        }
    }

    private func startAnew(_ environment: ExecutionEnvironment, _ error: IsolationError) {
        logger.warning("a sandbox booted in advance was of no use", metadata: ["error": "\(error)"])
        starting[environment.number] = nil
        guard environments[environment.number] === environment, !isStopping else { return }
        start(open(environment.number, environment.function))
    }

    private func start(
        _ environment: ExecutionEnvironment,
        _ makeSandbox: @escaping @Sendable () async throws(IsolationError) -> any Sandbox
    ) {
        let number = environment.number
        starting[number] = Task {
            do throws(IsolationError) {
                let sandbox = try await makeSandbox()
                self.loop.execute { self.attach(sandbox, to: environment) }
            } catch {
                self.loop.execute { self.startFailed(environment, error) }
            }
            self.loop.execute { self.starting[number] = nil }
        }
    }

    private func startFailed(_ environment: ExecutionEnvironment, _ error: IsolationError) {
        logger.error("sandbox did not start", metadata: ["id": "\(environment.id)", "error": "\(error)"])
        failedToStart(environment) { _ in DataPlane.lost }
    }

    private func attach(_ sandbox: any Sandbox, to environment: ExecutionEnvironment) {
        let function = environment.function
        let credentials = configuration.issuer.credentials(
            environment: environment.id, functionARN: function.key.function.arn(account: configuration.account),
            functionName: function.key.function.name, roleARN: function.roleARN)
        let variables = EnvironmentVariables.make(
            for: function, logStream: environment.logStream, credentials: credentials,
            isStartedAhead: environment.isStartedAhead)
        let message = AgentMessage.start(arguments: function.bootstrap, environment: variables)
        guard environments[environment.number] === environment, let frame = message.encoded() else {
            sandbox.channels.close()
            destroy(sandbox, environment.number)
            return
        }
        do {
            try environment.attach(sandbox, startMessage: frame, variables: variables, logs: configuration.logs)
        } catch {
            logger.error("channels were not adopted", metadata: ["id": "\(environment.id)", "error": "\(error)"])
            failedToStart(environment) { _ in DataPlane.lost }
        }
    }

    func front(for environment: ExecutionEnvironment) -> FrontConnection {
        FrontConnection(plane: self, origin: environment)
    }

    // MARK: Reports

    func initialised(_ environment: ExecutionEnvironment) {
        schedule { $0.environmentReady(environment.number, now: $1, into: &$2) }
    }

    func answered(_ environment: ExecutionEnvironment) {
        schedule { $0.invocationAnswered(by: environment.number, now: $1, into: &$2) }
    }

    func released(_ environment: ExecutionEnvironment) {
        schedule { $0.environmentReleased(environment.number, now: $1, into: &$2) }
    }

    func recovering(_ environment: ExecutionEnvironment) {
        if environment.isFrozen { thaw(environment) }
        guard environment.owner != nil else { return broken(environment) }
        schedule { $0.environmentRecovering(environment.number, now: $1, into: &$2) }
    }

    func failedToStart(_ environment: ExecutionEnvironment, _ failure: @escaping StartFailure) {
        environment.startFailure = failure
        lose(environment)
    }

    func broken(_ environment: ExecutionEnvironment) {
        if let invocation = environment.invocation {
            environment.invocation = nil
            invocation.sink.ended(DataPlane.lost, of: invocation, logTail: nil)
        }
        lose(environment)
    }

    /// Tells the scheduler first, which may still ask why the environment failed, then ends it.
    private func lose(_ environment: ExecutionEnvironment) {
        guard environments[environment.number] === environment else { return }
        let number = environment.number
        schedule { $0.environmentLost(number, now: $1, into: &$2) }
        loop.execute { self.end(number) }
    }

    // MARK: End

    func end(_ number: EnvironmentNumber) {
        guard let environment = environments.removeValue(forKey: number) else { return }
        if let invocation = environment.invocation {
            environment.invocation = nil
            invocation.sink.ended(DataPlane.lost, of: invocation, logTail: nil)
        }
        environment.close()
        if let sandbox = environment.sandbox { destroy(sandbox, number) }
    }

    private func destroy(_ sandbox: any Sandbox, _ number: EnvironmentNumber) {
        destroying[number] = Task {
            await sandbox.destroy()
            self.loop.execute { self.destroying[number] = nil }
        }
    }
}
