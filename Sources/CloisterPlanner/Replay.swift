import CloisterCore
import HeapModule

/// Runs a workload through the scheduler that the server uses, under a virtual clock.
public struct Replay: ~Copyable {
    private enum Event {
        case ready(Int)
        case answered(Int)
        /// A hibernated environment reports what it still holds.
        case holds(Int, generation: Int)
    }

    private struct Planned: Comparable {
        let at: Int64
        let order: Int
        let event: Event

        static func < (lhs: Planned, rhs: Planned) -> Bool { (lhs.at, lhs.order) < (rhs.at, rhs.order) }
        static func == (lhs: Planned, rhs: Planned) -> Bool { lhs.order == rhs.order }
    }

    private struct Environment {
        /// -1 while it is nobody's.
        var tenant: Int32 = -1
        var memoryMiB: Int
        var heldMiB: Int
        /// Since when it holds that.
        var since: Int64
        /// What it held before it was anybody's, in MiB nanoseconds.
        var before = 0.0
        var isHibernated = false
        var generation = 0
        var uses = 0
    }

    private let workload: Workload
    private let policy: PlanPolicy
    private let costs: PlanCosts
    private var scheduler: Scheduler
    private var pools: [Int: PoolNumber] = [:]
    private var memories: [PoolKey: Int] = [:]
    private var owners: [EnvironmentOwner] = []
    private var numbers: [TenantID: Int32] = [:]
    private var environments: [Int: Environment] = [:]
    private var planned = Heap<Planned>()
    private var order = 0
    private var effects: [SchedulerEffect] = []
    private var now: Int64 = 0
    private var invoking = -1
    /// By tenant.
    private var calls: [Int]
    private var colds: [Int]
    private var held: [Double]
    private var heldByNobody = 0.0
    private var busyMiB = 0.0
    private var heldNow = 0
    private var heldPeak = 0
    private var course: [Double] = []
    private var result = PlanResult()

    public init(_ workload: Workload, policy: PlanPolicy, costs: PlanCosts = PlanCosts()) {
        self.workload = workload
        self.policy = policy
        self.costs = costs
        var configuration = SchedulerConfiguration()
        configuration.keepAlive = policy.keepAlive
        configuration.accountConcurrencyMax = 1 << 40
        configuration.tenantEnvironmentsPerThousand = 1_000
        configuration.waitingMax = 1 << 40
        configuration.startsMax = 1 << 40
        configuration.memoryMiBMax = costs.memoryMiBMax
        configuration.historiesMax = max(configuration.historiesMax, workload.tenants.count)
        scheduler = Scheduler(configuration: configuration)
        calls = Array(repeating: 0, count: workload.tenants.count)
        colds = calls
        held = Array(repeating: 0, count: workload.tenants.count)
        result.policy = policy.name
        for index in workload.tenants.indices {
            guard let tenant = TenantID("t\(index)") else { continue }
            owners.append(.tenant(tenant))
            numbers[tenant] = Int32(index)
        }
        for memory in Set(workload.tenants.map(\.memoryMiB)).sorted() { openPool(memory) }
    }

    private mutating func openPool(_ memory: Int) {
        let function = FunctionKey(region: "plan", name: "function-\(memory)")
        let key = PoolKey(version: FunctionVersionKey(function: function, version: .latest), revision: "1")
        memories[key] = memory
        pools[memory] = scheduler.openPool(key, memoryMiB: memory, isTenantIsolated: true)
    }

    // MARK: The loop

    public consuming func run() -> PlanResult {
        reserve()
        var next = 0
        while true {
            let call = next < workload.calls.count ? workload.calls[next].at : Int64.max
            let event = planned.min?.at ?? Int64.max
            let timer = scheduler.nextDeadline?.nanoseconds ?? Int64.max
            let due = min(call, min(event, timer))
            guard due < workload.span else { break }
            pass(to: due)
            if event == due, let event = planned.popMin()?.event {
                handle(event)
            } else if timer == due {
                scheduler.advance(to: moment, into: &effects)
            } else {
                invoke(next)
                next += 1
            }
            perform()
        }
        pass(to: workload.span)
        return summary()
    }

    private var moment: Moment { Moment(nanoseconds: now) }

    private mutating func pass(to time: Int64) {
        now = time
        while course.count < 240, Int64(course.count) * (workload.span / 240) <= now {
            course.append(Double(heldNow) / 1_024)
        }
    }

    private mutating func plan(_ event: Event, after milliseconds: Double) {
        order += 1
        planned.insert(Planned(at: now + Int64(milliseconds * 1e6), order: order, event: event))
    }

    private mutating func invoke(_ index: Int) {
        let call = workload.calls[index]
        let tenant = Int(call.tenant)
        calls[tenant] += Int(call.count)
        guard let pool = pools[workload.tenants[tenant].memoryMiB] else { return }
        invoking = index
        scheduler.invoke(
            InvocationNumber(index), pool: pool, owner: owners[tenant], now: moment, into: &effects)
    }

    private mutating func handle(_ event: Event) {
        switch event {
        case .ready(let number):
            scheduler.environmentReady(EnvironmentNumber(number), now: moment, into: &effects)
        case .answered(let number):
            scheduler.invocationAnswered(by: EnvironmentNumber(number), now: moment, into: &effects)
            scheduler.environmentReleased(EnvironmentNumber(number), now: moment, into: &effects)
        case .holds(let number, let generation):
            guard let environment = environments[number], environment.isHibernated, environment.generation == generation
            else { return }
            let least = max(costs.hibernatedMiBMin, environment.memoryMiB * costs.hibernatedPercent / 100)
            hold(number, min(least, environment.memoryMiB))
            scheduler.environmentHolds(EnvironmentNumber(number), memoryMiB: least, now: moment, into: &effects)
        }
    }

    /// What the tiers reserve, from the beginning.
    private mutating func reserve() {
        guard !policy.tiers.isEmpty else { return }
        var counts = Array(repeating: 0, count: workload.tenants.count)
        for call in workload.calls { counts[Int(call.tenant)] += Int(call.count) }
        let ranked = counts.indices.sorted { (counts[$0], $1) > (counts[$1], $0) }
        var first = 0
        var bound = 0.0
        for tier in policy.tiers {
            bound += tier.share
            let end = min(ranked.count, Int((bound * Double(ranked.count)).rounded()))
            for tenant in ranked[min(first, end)..<end] where tier.reserved > 0 {
                guard let id = owners[tenant].tenant, let pool = pools[workload.tenants[tenant].memoryMiB] else { continue }
                scheduler.setReservation(id, pool, tier.reserved, now: moment, into: &effects)
            }
            first = end
        }
        perform()
    }

    // MARK: Effects

    private mutating func perform() {
        guard !effects.isEmpty else { return }
        let current = effects
        effects.removeAll(keepingCapacity: true)
        for effect in current {
            switch effect {
            case .start(let number, let key): start(number.rawValue, memory: memories[key] ?? 0)
            case .run(let invocation, let bound, _): run(invocation.rawValue, bound)
            case .refuse, .failStart: result.refused += 1
            case .freeze: break
            case .bind(let bound):
                result.predictions += policy.tiers.isEmpty ? 1 : 0
                give(bound)
            case .hibernate(let number):
                environments[number.rawValue]?.isHibernated = true
                environments[number.rawValue]?.generation += 1
                let generation = environments[number.rawValue]?.generation ?? 0
                plan(.holds(number.rawValue, generation: generation), after: 200)
            case .resume(let number):
                result.predictions += 1
                wake(number.rawValue)
            case .destroy(let number, _):
                hold(number.rawValue, 0)
                environments[number.rawValue] = nil
            }
        }
        invoking = -1
    }

    private mutating func start(_ number: Int, memory: Int) {
        environments[number] = Environment(memoryMiB: memory, heldMiB: 0, since: now)
        hold(number, memory)
        plan(.ready(number), after: costs.coldStartMilliseconds)
    }

    private mutating func run(_ index: Int, _ bound: BoundEnvironment) {
        let number = bound.number.rawValue
        give(bound)
        guard let environment = environments[number] else { return }
        let call = workload.calls[index]
        let duration = Double(call.duration)
        var wait = Double(now - call.at) / 1e6
        if environment.isHibernated {
            result.resumes += 1
            wait += costs.resumeMilliseconds
            wake(number)
        } else if invoking != index, environment.uses == 0 {
            result.coldStarts += 1
            colds[Int(call.tenant)] += 1
        }
        environments[number]?.uses += 1
        result.latency.add(milliseconds: wait + duration)
        if call.count > 1 { result.latency.add(milliseconds: duration, count: Int(call.count) - 1) }
        // With minutes as the finest time, an environment is busy until the end of the minute.
        let busy = workload.isByMinute ? 60_000 - Double(now - call.at) / 1e6 : duration
        busyMiB += Double(environment.memoryMiB) * max(busy, 0) * 1e6
        plan(.answered(number), after: max(busy, 0))
    }

    private mutating func give(_ bound: BoundEnvironment) {
        let number = bound.number.rawValue
        guard environments[number]?.tenant == -1, let tenant = bound.owner.tenant.flatMap({ numbers[$0] }) else { return }
        environments[number]?.tenant = tenant
        held[Int(tenant)] += environments[number]?.before ?? 0
        heldByNobody -= environments[number]?.before ?? 0
    }

    private mutating func wake(_ number: Int) {
        environments[number]?.isHibernated = false
        if let memory = environments[number]?.memoryMiB { hold(number, memory) }
    }

    /// Counts what it has held until now, and what it holds from now on.
    private mutating func hold(_ number: Int, _ memoryMiB: Int) {
        guard let environment = environments[number] else { return }
        let sum = Double(environment.heldMiB) * Double(now - environment.since)
        if environment.tenant >= 0 {
            held[Int(environment.tenant)] += sum
        } else {
            environments[number]?.before += sum
            heldByNobody += sum
        }
        heldNow += memoryMiB - environment.heldMiB
        heldPeak = max(heldPeak, heldNow)
        environments[number]?.heldMiB = memoryMiB
        environments[number]?.since = now
    }

    // MARK: The end

    private mutating func summary() -> PlanResult {
        for number in environments.keys { hold(number, environments[number]?.heldMiB ?? 0) }
        let gigabyteHour = 1_024 * 3_600e9
        let hours = Double(workload.span) / 3_600e9
        result.calls = calls.reduce(0, +)
        result.coldShares = zip(colds, calls).compactMap { $1 > 0 ? Double($0) / Double($1) : nil }.sorted()
        result.gigabyteHours = (held.reduce(0, +) + heldByNobody) / gigabyteHour
        result.idleMeanGB = (result.gigabyteHours - busyMiB / gigabyteHour) / hours
        result.memoryMeanGB = result.gigabyteHours / hours
        result.memoryPeakGB = Double(heldPeak) / 1_024
        let monthly = 720 / hours * costs.dollarsPerGBHour
        result.monthlyCosts = zip(held, calls).compactMap { $1 > 0 ? $0 / gigabyteHour * monthly : nil }.sorted()
        result.monthlyTotal = result.gigabyteHours * monthly
        result.memoryCourse = course
        return result
    }
}
