import CloisterCore
import HeapModule

/// Drives a `PrebootPool` with random starts, slow and failing boots, deaths and changes of the budget. After every
/// event it checks, by an account of its own, that
///
/// - a sandbox is handed out at most once, of the key that was asked for, and only one that has booted;
/// - nothing boots beyond `bootsMax`, `countMax` or the memory budget, and nothing of a key in its pause;
/// - what is retired exists, and nothing is retired and taken;
/// - the pool's counts are the ones counted here, and it forgets everything when nobody asks any more.
public final class PrebootSimulation {
    private enum Event {
        case start
        case booted(PrebootNumber)
        case lost(PrebootNumber)
        case change
    }

    private struct Planned: Comparable {
        let at: Moment
        let order: Int
        let event: Event

        static func < (lhs: Planned, rhs: Planned) -> Bool { (lhs.at, lhs.order) < (rhs.at, rhs.order) }
        static func == (lhs: Planned, rhs: Planned) -> Bool { lhs.order == rhs.order }
    }

    private var pool: PrebootPool
    private var random: SplitMix64
    private let keys: [PrebootKey]
    private let stepsMax: Int
    private let gapMax: Int
    private let bootMax: Int
    private let failure: Double
    private var effects: [PrebootEffect] = []
    private var planned = Heap<Planned>()
    private var order = 0
    private var now = Moment(nanoseconds: 0)
    /// By number: the key, and whether it has booted. Gone ones are not in it.
    private var alive: [PrebootNumber: (key: PrebootKey, isReady: Bool)] = [:]
    private var boots = 0
    public private(set) var report: SimulationReport

    public init(seed: UInt64, stepsMax: Int) {
        self.stepsMax = stepsMax
        random = SplitMix64(seed: seed ^ 0xb007)
        report = SimulationReport(seed: seed)
        keys = (0..<random.between(1, 6)).map { PrebootKey(image: "image-\($0 % 3)", memoryMiB: 128 << ($0 / 3)) }
        gapMax = random.pick([2_000, 100_000, 5_000_000])
        bootMax = random.pick([10_000, 300_000, 3_000_000])
        failure = random.pick([0, 0.02, 0.5])
        var configuration = PrebootConfiguration()
        configuration.memoryMiBMax = random.pick([20, 100, 1_000])
        configuration.countMax = random.pick([1, 8, 64])
        configuration.bootsMax = random.pick([1, 2, 8])
        configuration.keysMax = random.pick([2, 64])
        configuration.halfLife = random.pick([.seconds(2), .seconds(120)])
        configuration.retireDelay = random.pick([.milliseconds(100), .seconds(30)])
        pool = PrebootPool(configuration: configuration)
    }

    public func run() -> SimulationReport {
        plan(.start, after: TimeSpan(nanoseconds: 0))
        while report.failure == nil, let next = [planned.min?.at, pool.nextDeadline].compactMap({ $0 }).min() {
            now = max(now, next)
            report.steps += 1
            if report.steps > 4 * stepsMax + 100_000 { fail("the pool never comes to rest") }
            if pool.nextDeadline == next {
                pool.advance(to: now, into: &effects)
                if let due = pool.nextDeadline, due <= now { fail("advance leaves something due") }
            } else if let event = planned.popMin()?.event {
                handle(event)
            }
            perform()
            check()
        }
        if report.failure == nil, pool.count != 0 { fail("\(pool.count) sandboxes outlive all demand") }
        return report
    }

    private func plan(_ event: Event, after span: TimeSpan) {
        order += 1
        planned.insert(Planned(at: now + span, order: order, event: event))
    }

    private func handle(_ event: Event) {
        switch event {
        case .start:
            if report.steps < stepsMax {
                plan(.start, after: random.span(1, gapMax))
                if random.chance(0.02) { plan(.change, after: random.span(1, gapMax)) }
            } else {
                for key in keys { pool.setMinimum(key, 0, now: now, into: &effects) }
                return
            }
            for _ in 0..<(random.chance(0.01) ? random.between(2, 100) : 1) { take(random.pick(keys)) }
        case .booted(let number):
            guard alive[number]?.isReady == false else { return }
            alive[number]?.isReady = true
            boots -= 1
            pool.booted(number, now: now, into: &effects)
            if random.chance(0.02) { plan(.lost(number), after: random.span(1_000, 10_000_000)) }
        case .lost(let number):
            guard let lost = alive.removeValue(forKey: number) else { return }
            if !lost.isReady { boots -= 1 }
            report.count("preboot: lost")
            pool.lost(number, now: now, into: &effects)
        case .change:
            if report.steps < stepsMax, random.chance(0.5) {
                pool.setMinimum(random.pick(keys), random.between(-1, 6), now: now, into: &effects)
            } else {
                pool.setMemoryMax(random.pick([0, 40, 100, 1_000]), now: now, into: &effects)
                report.count("preboot: budget changed")
            }
        }
    }

    private func take(_ key: PrebootKey) {
        let before = pool.readyCount(key)
        guard let taken = pool.take(key, now: now, into: &effects) else {
            if before > 0 { fail("a start misses beside \(before) that are ready") }
            report.count("preboot: missed")
            return
        }
        guard let sandbox = alive.removeValue(forKey: taken) else { return fail("\(taken) is handed out twice") }
        if sandbox.key != key { fail("a start gets a sandbox of another key") }
        if !sandbox.isReady { fail("a start gets a sandbox that still boots") }
        if effects.contains(.retire(taken)) { fail("a sandbox is retired and handed out") }
        report.count("preboot: taken")
        perform()
    }

    private func perform() {
        for effect in effects {
            switch effect {
            case .boot(let number, let key):
                report.count("preboot: booted")
                if alive[number] != nil { fail("sandbox \(number) boots twice") }
                alive[number] = (key, false)
                boots += 1
                let isFailing = random.chance(failure)
                plan(isFailing ? .lost(number) : .booted(number), after: random.span(1_000, bootMax))
            case .retire(let number):
                report.count("preboot: retired")
                guard let retired = alive.removeValue(forKey: number) else { return fail("\(number) is retired twice") }
                if !retired.isReady { boots -= 1 }
                pool.lost(number, now: now, into: &late)
                if !late.isEmpty { fail("a report on a retired sandbox has effects") }
            }
        }
        effects.removeAll(keepingCapacity: true)
    }

    private var late: [PrebootEffect] = []

    private func check() {
        let configuration = pool.configuration
        if pool.count != alive.count { fail("the pool has \(pool.count), not \(alive.count)") }
        if boots > configuration.bootsMax { fail("\(boots) boot at once") }
        if pool.memoryMiB > configuration.memoryMiBMax { fail("\(pool.memoryMiB) MiB are held") }
        for key in keys {
            let counts = alive.values.reduce(into: (ready: 0, booting: 0)) {
                guard $1.key == key else { return }
                if $1.isReady { $0.ready += 1 } else { $0.booting += 1 }
            }
            if pool.readyCount(key) != counts.ready || pool.bootingCount(key) != counts.booting {
                fail("the pool's counts of a key are wrong")
            }
            if counts.booting > 0, counts.ready + counts.booting > configuration.countMax { fail("too many of one key boot") }
        }
    }

    private func fail(_ text: String) {
        if report.failure == nil { report.failure = text }
    }
}
