import CloisterCore
import HeapModule

/// A discrete-event simulation of the real scheduler, lifecycle machine and event-invoke queue, under a virtual clock
/// and a seeded generator. After every event it checks that
///
/// - no environment runs invocations of two owners, and none runs two invocations at once;
/// - an invocation enters only an environment of its own pool, the owner's last idle one first, and only one that
///   waits for it (its lifecycle machine agrees);
/// - each invocation ends exactly once: run and then answered or lost, refused, or failed with its start;
/// - it is refused only for a limit that is reached, and let in only when none is;
/// - nothing starts beyond `startsMax`, the tenant environments' limit, or `memoryMiBMax`. (The memory counted may
///   exceed the maximum only by what thawed or restarted environments are counted with again; nothing starts then.)
/// - no invocation waits beside an environment that could serve it, nor longer than `waitMax`, nor while nothing
///   is on its way although a start is possible;
/// - environments are frozen, hibernated, reaped, evicted and retired only when it is due, and never those that
///   provisioned concurrency or a reservation keeps;
/// - environments are bound ahead of need only for a reservation or an expected call; a suspended tenant runs nothing
///   and holds nothing; tenants' limits hold;
/// - a retired pool takes nothing new; an accepted event ends exactly once;
/// - the scheduler's totals are the ones counted here from its effects, and 0 at the end.
public final class Simulation {
    enum Event {
        case arrival
        /// A caller that always waits for as long.
        case periodic(function: Int, owner: EnvironmentOwner, TimeSpan)
        case burst(function: Int, owner: EnvironmentOwner, left: Int)
        case started(Int, epoch: Int)
        case answered(Int, epoch: Int)
        case returned(Int, epoch: Int)
        case restarted(Int, epoch: Int)
        case holds(Int, epoch: Int)
        /// The sandbox is gone, unless its state has changed meanwhile.
        case vanished(Int, epoch: Int)
        case functionCreated(Int)
        /// The scheduler no longer counts on its return.
        case overdue(Int, epoch: Int)
    }

    struct Planned: Comparable {
        let at: Moment
        let order: Int
        let event: Event

        static func < (lhs: Planned, rhs: Planned) -> Bool { (lhs.at, lhs.order) < (rhs.at, rhs.order) }
        static func == (lhs: Planned, rhs: Planned) -> Bool { lhs.order == rhs.order }
    }

    let scenario: Scenario
    var scheduler: Scheduler
    var queue: EventInvokeQueue
    var witness = Witness()
    var random: SplitMix64
    var report: SimulationReport
    var now = Moment(nanoseconds: 0)
    var effects: [SchedulerEffect] = []
    /// Pools and owners that the current event has touched.
    var touched: [Witness.OwnerKey] = []
    /// Waiting invocations, oldest first; may hold ones that no longer wait.
    var oldest: [Int] = []
    var oldestIndex = 0
    /// Events under way, accepted and not completed.
    var events: [RequestID: AcceptedEvent] = [:]
    var endedEvents: [(RequestID, EventInvokeQueue.Outcome)] = []
    var tenants: [EnvironmentOwner] = []
    private var zipf: [Double] = []
    private var planned = Heap<Planned>()
    private var order = 0
    var isDraining = false

    struct AcceptedEvent {
        let function: Int
        let owner: EnvironmentOwner
        let acceptedAt: Int64
        let configuration: EventInvokeConfiguration
        var isDelivering = false
    }

    public init(_ scenario: Scenario) {
        self.scenario = scenario
        scheduler = Scheduler(configuration: scenario.scheduler)
        queue = EventInvokeQueue(deliveriesMax: scenario.deliveriesMax)
        random = SplitMix64(seed: scenario.seed)
        report = SimulationReport(seed: scenario.seed)
        tenants = (0..<scenario.tenantCount).compactMap { TenantID("tenant-\($0)") }.map { .tenant($0) }
        var sum = 0.0
        zipf = (0..<scenario.tenantCount).map {
            sum += 1 / Double($0 + 1)
            return sum
        }
        for index in 0..<scenario.functionCount {
            let key = FunctionKey(region: "eu-central-1", name: "function-\(index)")
            let isIsolated = random.chance(scenario.isolatedShare)
            witness.functions.append(Witness.Function(key: key, isIsolated: isIsolated, memoryMiB: 0))
            openPool(index)
        }
        plan(.arrival, after: TimeSpan(nanoseconds: 0))
        guard scenario.isAdaptive else { return }
        for _ in 0..<3 {
            let function = random.below(witness.functions.count)
            plan(
                .periodic(function: function, owner: anOwner(of: function), .milliseconds(Int64(random.between(1_100, 9_000)))),
                after: .seconds(1))
        }
    }

    // MARK: The loop

    public func run() -> SimulationReport {
        while report.failure == nil, step() {}
        if report.failure == nil { finish() }
        return report
    }

    /// One event, whichever comes next; false when nothing is left.
    private func step() -> Bool {
        if report.steps >= scenario.stepsMax, !isDraining {
            isDraining = true
            drain()
        }
        let timer = scheduler.nextDeadline.map { $0 + scenario.lateness }
        let delivery = queue.nextDue.map { Moment(nanoseconds: $0 * 1_000_000) }
        let candidates = [planned.min?.at, timer, delivery].compactMap { $0 }
        guard let next = candidates.min() else { return false }
        now = max(now, next)
        report.steps += 1
        if timer == next {
            scheduler.advance(to: now, into: &effects)
            perform()
            if let deadline = scheduler.nextDeadline, deadline <= now { fail("advance leaves a timer that is due") }
        } else if planned.min?.at == next, let event = planned.popMin()?.event {
            handle(event)
        } else {
            deliver()
        }
        settleEvents()
        check()
        return report.failure == nil
    }

    func plan(_ event: Event, after span: TimeSpan) {
        order += 1
        planned.insert(Planned(at: now + span, order: order, event: event))
    }

    private func handle(_ event: Event) {
        switch event {
        case .arrival: arrive()
        case .burst(let function, let owner, let left): burst(function, owner, left)
        case .periodic(let function, let owner, let period):
            guard !isDraining else { return }
            invoke(function, owner, event: nil)
            plan(event, after: period)
        case .started(let number, let epoch): if isCurrent(number, epoch) { started(number) }
        case .answered(let number, let epoch): if isCurrent(number, epoch) { answered(number) }
        case .returned(let number, let epoch): if isCurrent(number, epoch) { returned(number) }
        case .restarted(let number, let epoch): if isCurrent(number, epoch) { restarted(number) }
        case .holds(let number, let epoch): if isCurrent(number, epoch) { holds(number, random.between(0, 600)) }
        case .vanished(let number, let epoch): if isCurrent(number, epoch) { vanish(number) }
        case .overdue(let number, let epoch): if isCurrent(number, epoch) { witness.expect(number, false) }
        case .functionCreated(let index): if witness.functions[index].pool == nil { openPool(index) }
        }
    }

    private func isCurrent(_ number: Int, _ epoch: Int) -> Bool { witness.environments[number].epoch == epoch }

    func fail(_ text: String) {
        if report.failure == nil { report.failure = text }
    }

    var milliseconds: Int64 { now.nanoseconds / 1_000_000 }

    // MARK: What comes in

    private func arrive() {
        guard !isDraining else { return }
        plan(.arrival, after: random.span(1, scenario.arrivalGapMax))
        if random.chance(scenario.chaos) { disturb() }
        let function = random.below(witness.functions.count)
        let owner = anOwner(of: function)
        if random.chance(scenario.burstChance) {
            plan(
                .burst(function: function, owner: owner, left: random.between(2, scenario.burstMax)),
                after: .milliseconds(0))
        }
        if random.chance(scenario.eventShare) {
            accept(function, owner)
        } else {
            invoke(function, owner, event: nil)
        }
    }

    private func burst(_ function: Int, _ owner: EnvironmentOwner, _ left: Int) {
        invoke(function, owner, event: nil)
        guard left > 1, !isDraining else { return }
        plan(.burst(function: function, owner: owner, left: left - 1), after: TimeSpan(nanoseconds: 1_000))
    }

    /// A tenant by Zipf's law.
    private func anOwner(of function: Int) -> EnvironmentOwner {
        guard witness.functions[function].isIsolated, let sum = zipf.last else { return .function }
        let wanted = random.share() * sum
        var low = 0
        var high = zipf.count - 1
        while low < high {
            let middle = (low + high) / 2
            if zipf[middle] < wanted { low = middle + 1 } else { high = middle }
        }
        return tenants[low]
    }

    func openPool(_ function: Int) {
        let key = PoolKey(
            version: FunctionVersionKey(function: witness.functions[function].key, version: .latest),
            revision: String(witness.pools.count))
        let memory = random.pick(scenario.memorySizes)
        let isIsolated = witness.functions[function].isIsolated
        let number = scheduler.openPool(key, memoryMiB: memory, isTenantIsolated: isIsolated)
        guard number.rawValue == witness.pools.count else { return fail("a pool's number is out of order") }
        witness.pools.append(Witness.Pool(function: function, isIsolated: isIsolated, memoryMiB: memory))
        witness.functions[function].memoryMiB = memory
        witness.functions[function].pool = number.rawValue
    }
}
