import CloisterCore
import CloisterIsolation
import CloisterServiceKit
import CloisterWire
import Logging
import NIOCore
import NIOPosix

/// The way of every invocation: front, admission, scheduler, environments, event queue, all on one event loop, so that
/// an invocation crosses no thread and takes no lock. What takes time (starting sandboxes, control-plane services, the
/// store) runs elsewhere and reports back to the loop.
///
/// Loop-confined: every stored property is touched on `loop` only, hence `@unchecked Sendable`; the public methods hop.
public final class DataPlane: @unchecked Sendable {
    static let connectionsMax = 4_096
    /// How often the output of running environments is read while no invocation ends.
    static let outputInterval = TimeAmount.milliseconds(25)
    static let outputBytesPerInterval = 128 << 10
    /// How late the scheduler's deadlines may be seen to.
    static let timerStep = TimeSpan.milliseconds(2)

    let configuration: DataPlaneConfiguration
    let loop: any EventLoop
    let logger: Logger
    private(set) var services: [String: any Service] = [:]
    var scheduler: Scheduler
    var effects: [SchedulerEffect] = []
    var functions: [FunctionKey: PublishedFunction] = [:]
    var poolSnapshots: [PoolKey: FunctionSnapshot] = [:]
    /// The registered tenants, and those with a reservation of a function.
    var tenants: [TenantID: TenantSettings] = [:]
    var reservingTenants: [FunctionKey: Set<TenantID>] = [:]
    var environments: [EnvironmentNumber: ExecutionEnvironment] = [:]
    var invocations: [InvocationNumber: Invocation] = [:]
    /// Sandboxes that are being started and destroyed, so that a shutdown waits for them.
    var starting: [EnvironmentNumber: Task<Void, Never>] = [:]
    var destroying: [EnvironmentNumber: Task<Void, Never>] = [:]
    /// Nil where the backend can't boot in advance, or nobody wants it.
    private(set) lazy var preboot: PrebootShelf? = {
        guard let backend = configuration.backend as? any PrebootingBackend, configuration.preboot.memoryMiBMax > 0 else {
            return nil
        }
        return PrebootShelf(
            backend: backend, configuration: configuration.preboot, loop: loop, logger: logger,
            startsUnderWay: { [unowned self] in self.starting.count })
    }()
    var events = EventInvokeQueue()
    /// What `events` decides about, without payloads.
    var pendingEvents: [RequestID: QueuedEvent] = [:]
    var eventsArmedFor: Int64?
    var randomness = Randomness()
    var verifier = SigV4Verifier()
    private var connections: [ObjectIdentifier: FrontConnection] = [:]
    private var lastInvocation = 0
    private var armedDeadline: Moment?
    private var isPerforming = false
    var isReadingOutputs = false
    var outputTurn = 0
    var isStopping = false
    private var date = (second: Int64(-1), text: "")
    private var listener: (any Channel)?

    /// A function as the data plane knows it. By reference, like its versions: a copy of all their members for each
    /// invocation would show.
    final class PublishedFunction {
        let entry: FunctionEntry
        let pools: [PoolKey: PoolNumber]
        let versions: [FunctionVersion: LoadedVersion]
        /// Without a qualifier.
        let arn: String

        init(entry: FunctionEntry, arn: String, pools: [PoolKey: PoolNumber]) {
            self.entry = entry
            self.arn = arn
            self.pools = pools
            self.versions = entry.versions.compactMapValues { snapshot in
                pools[PoolKey(snapshot)].map { LoadedVersion(snapshot: snapshot, pool: $0) }
            }
        }
    }

    public init(configuration: DataPlaneConfiguration, loop: any EventLoop) {
        self.configuration = configuration
        self.loop = loop
        self.logger = configuration.logger
        self.scheduler = Scheduler(configuration: configuration.scheduler)
    }

    /// Mounts services by the service name in the signature's scope. Before `start`.
    public func mount(_ services: [any Service]) {
        for service in services { self.services[service.signingName] = service }
    }

    /// Takes up what an earlier run had accepted, then listens. Returns the address in use.
    public func start(host: String, port: Int) async throws -> SocketAddress? {
        let pending = try await configuration.events.pending()
        try await loop.submit { self.restore(pending) }.get()
        let listener = try await ServerBootstrap(group: loop)
            .serverChannelOption(.backlog, value: 1_024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            // One read an event: a second one would nearly always find nothing.
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(FrontConnection(plane: self))
                }
            }
            .bind(host: host, port: port).get()
        try await loop.submit {
            self.listener = listener
            self.loop.scheduleRepeatedTask(initialDelay: .seconds(5), delay: .seconds(5)) { _ in self.closeOverdue() }
        }.get()
        return listener.localAddress
    }

    /// Stops listening and destroys every environment. Invocations that run are answered with an error.
    public func stop() async {
        let starting = try? await loop.submit { () -> [Task<Void, Never>] in
            self.isStopping = true
            self.listener?.close(promise: nil)
            for number in self.environments.keys.sorted() { self.end(number) }
            for connection in self.connections.values { connection.close() }
            return Array(self.starting.values)
        }.get()
        await (try? await loop.submit { self.preboot }.get())??.stop()
        // What was just being started is destroyed as soon as it is there: its environment is gone.
        for task in starting ?? [] { await task.value }
        let destroying = try? await loop.submit { Array(self.destroying.values) }.get()
        for task in destroying ?? [] { await task.value }
    }

    // MARK: Connections

    func opened(_ connection: FrontConnection) -> Bool {
        guard connections.count < DataPlane.connectionsMax else { return false }
        connections[ObjectIdentifier(connection)] = connection
        return true
    }

    func closed(_ connection: FrontConnection) { connections[ObjectIdentifier(connection)] = nil }

    private func closeOverdue() {
        let now = Clock.now()
        for connection in connections.values where connection.isOverdue(now: now) { connection.close() }
    }

    func nextRequestID() -> RequestID { RequestID(random: randomness.next(), randomness.next()) }

    func nextInvocationNumber() -> InvocationNumber {
        lastInvocation += 1
        return InvocationNumber(lastInvocation)
    }

    /// The `Date` field's value, made once a second.
    var httpDate: String {
        let second = Clock.wallMilliseconds() / 1_000
        if date.second != second { date = (second, WallTime.http(epochSeconds: second)) }
        return date.text
    }

    // MARK: Scheduler

    /// Gives an event to the scheduler, then does what it says. Effects that lead to further events on the same stack
    /// are done after the ones before them.
    func schedule(_ event: (inout Scheduler, Moment, inout [SchedulerEffect]) -> Void) {
        loop.assertInEventLoop()
        event(&scheduler, Clock.now(), &effects)
        guard !isPerforming else { return }
        isPerforming = true
        var index = 0
        while index < effects.count {
            perform(effects[index])
            index += 1
        }
        effects.removeAll(keepingCapacity: true)
        isPerforming = false
        armTimer()
    }

    private func armTimer() {
        guard let deadline = scheduler.nextDeadline else { return }
        if let armedDeadline, armedDeadline <= deadline { return }
        armedDeadline = deadline
        // A little late, so that what falls due within one step is done together.
        let due = deadline + DataPlane.timerStep
        loop.scheduleTask(deadline: .uptimeNanoseconds(UInt64(max(0, due.nanoseconds)))) {
            guard self.armedDeadline == deadline else { return }
            self.armedDeadline = nil
            self.schedule { $0.advance(to: $1, into: &$2) }
        }
    }
}
