/// Decides how many sandboxes are booted in advance, of which runtime image and size class. Such a sandbox has no
/// function and no tenant; a cold start takes one, and its way never leads back here.
///
/// Pure: events come in with the time, effects come out.
///
///     booting ──booted──> ready ──take──> gone: it belongs to an environment now
///        └── lost, retired ─┴── lost, retired ──> gone
///
/// The number of each key follows the rate and the bursts of starts (`PrebootDemand`). Where memory doesn't suffice
/// for all, each key gets its first one before any gets its second. What is too many is retired after a delay, the
/// oldest first; what is taken is the youngest.
public struct PrebootPool: Sendable {
    private struct Sandbox {
        let key: PrebootKey
        let bootedFrom: Moment
        var isReady = false
    }

    private struct Shelf {
        let order: Int
        var demand: PrebootDemand
        var minimum = 0
        /// Oldest first.
        var ready: [PrebootNumber] = []
        var booting: [PrebootNumber] = []
        var failures = 0
        var retryAt: Moment?
        /// Since when there are more than allotted.
        var excessSince: Moment?
        var allotted = 0

        var count: Int { ready.count + booting.count }
    }

    public private(set) var configuration: PrebootConfiguration
    private var shelves: [PrebootKey: Shelf] = [:]
    private var sandboxes: [PrebootNumber: Sandbox] = [:]
    private var lastNumber = 0
    private var lastOrder = 0
    private var bootsInProgress = 0
    private var reviewAt: Moment?

    /// Starts that found one, and that did not. Monotonic.
    public private(set) var hits = 0
    public private(set) var misses = 0

    public init(configuration: PrebootConfiguration = PrebootConfiguration()) { self.configuration = configuration }

    /// What all of them are counted with, in MiB.
    public var memoryMiB: Int { sandboxes.count * configuration.heldMiB }
    public var count: Int { sandboxes.count }
    /// Whether it is one of the pool's, ready or booting.
    public func holds(_ number: PrebootNumber) -> Bool { sandboxes[number] != nil }

    public func readyCount(_ key: PrebootKey) -> Int { shelves[key]?.ready.count ?? 0 }
    public func bootingCount(_ key: PrebootKey) -> Int { shelves[key]?.booting.count ?? 0 }
    /// How many the demand asks for, and how many memory allows of them.
    public func wantedCount(_ key: PrebootKey, now: Moment) -> Int { shelves[key].map { wanted($0, now: now) } ?? 0 }
    public func allottedCount(_ key: PrebootKey) -> Int { shelves[key]?.allotted ?? 0 }

    // MARK: Wishes

    /// Keeps at least `count` of the key, whatever the demand, as far as memory allows; 0 takes that back. For a key
    /// whose functions have just been deployed, for example.
    public mutating func setMinimum(
        _ key: PrebootKey, _ count: Int, now: Moment, into effects: inout [PrebootEffect]
    ) {
        open(key, now: now, into: &effects)
        shelves[key]?.minimum = min(max(0, count), configuration.countMax)
        balance(now: now, into: &effects)
    }

    /// Changes the budget; what is too much for a smaller one is retired at once.
    public mutating func setMemoryMax(_ memoryMiBMax: Int, now: Moment, into effects: inout [PrebootEffect]) {
        configuration.memoryMiBMax = max(0, memoryMiBMax)
        balance(now: now, into: &effects)
    }

    /// A cold start needs a sandbox: one that is ready, which then is no longer the pool's, or nil. Counts as demand.
    public mutating func take(
        _ key: PrebootKey, now: Moment, into effects: inout [PrebootEffect]
    ) -> PrebootNumber? {
        open(key, now: now, into: &effects)
        shelves[key]?.demand.started(now: now)
        let taken = shelves[key]?.ready.popLast()
        if let taken {
            sandboxes[taken] = nil
            hits += 1
        } else {
            misses += 1
        }
        balance(now: now, into: &effects)
        return taken
    }

    // MARK: Reports

    /// A sandbox that was to be booted waits. A report for one that isn't booting changes nothing.
    public mutating func booted(_ number: PrebootNumber, now: Moment, into effects: inout [PrebootEffect]) {
        guard let sandbox = sandboxes[number], !sandbox.isReady else { return }
        sandboxes[number]?.isReady = true
        bootsInProgress -= 1
        shelves[sandbox.key]?.booting.removeAll { $0 == number }
        shelves[sandbox.key]?.ready.append(number)
        shelves[sandbox.key]?.demand.booted(in: now - sandbox.bootedFrom)
        shelves[sandbox.key]?.failures = 0
        balance(now: now, into: &effects)
    }

    /// A sandbox did not boot, or died while it waited. After failed boots the next one waits for longer and longer.
    public mutating func lost(_ number: PrebootNumber, now: Moment, into effects: inout [PrebootEffect]) {
        guard let sandbox = sandboxes[number] else { return }
        if !sandbox.isReady { pauseBoots(of: sandbox.key, now: now) }
        forget(number, sandbox)
        balance(now: now, into: &effects)
    }

    private mutating func pauseBoots(of key: PrebootKey, now: Moment) {
        let failures = shelves[key]?.failures ?? 0
        let delay = configuration.retryDelay.nanoseconds << Int64(min(failures, 16))
        shelves[key]?.failures = failures + 1
        shelves[key]?.retryAt = now + TimeSpan(nanoseconds: min(delay, configuration.retryDelayMax.nanoseconds))
    }

    // MARK: Time

    /// Does what has fallen due.
    public mutating func advance(to now: Moment, into effects: inout [PrebootEffect]) {
        guard let due = nextDeadline, due <= now else { return }
        balance(now: now, into: &effects)
    }

    /// When `advance` has something to do next; nil for never.
    public var nextDeadline: Moment? { reviewAt }

    // MARK: Balance

    private mutating func balance(now: Moment, into effects: inout [PrebootEffect]) {
        let keys = shelves.keys.sorted { (shelves[$0]?.order ?? 0) < (shelves[$1]?.order ?? 0) }
        allot(keys, now: now)
        for key in keys { retireExcess(of: key, now: now, into: &effects) }
        retireOverBudget(keys, into: &effects)
        boot(keys, now: now, into: &effects)
        for key in keys where isForgettable(key, now: now) { shelves[key] = nil }
        reviewAt = nextReview(now: now)
    }

    private func wanted(_ shelf: Shelf, now: Moment) -> Int {
        max(shelf.minimum, shelf.demand.wanted(now: now, configuration: configuration))
    }

    /// Divides the budget: one each in turn, until all have what they want or nothing is left.
    private mutating func allot(_ keys: [PrebootKey], now: Moment) {
        var left = configuration.memoryMiBMax / max(1, configuration.heldMiB)
        var missing = keys.map { key in shelves[key].map { wanted($0, now: now) } ?? 0 }
        for key in keys { shelves[key]?.allotted = 0 }
        while left > 0, missing.contains(where: { $0 > 0 }) {
            for (index, key) in keys.enumerated() where missing[index] > 0 && left > 0 {
                missing[index] -= 1
                left -= 1
                shelves[key]?.allotted += 1
            }
        }
    }

    /// Memory above the budget is given back at once: of the keys that have most above their share.
    private mutating func retireOverBudget(_ keys: [PrebootKey], into effects: inout [PrebootEffect]) {
        while memoryMiB > configuration.memoryMiBMax {
            guard let key = keys.max(by: { excess($0) < excess($1) }), excess(key) > 0 else { return }
            retireOne(of: key, into: &effects)
        }
    }

    private func excess(_ key: PrebootKey) -> Int { shelves[key].map { $0.count - $0.allotted } ?? 0 }

    private mutating func retireExcess(of key: PrebootKey, now: Moment, into effects: inout [PrebootEffect]) {
        guard excess(key) > 0 else {
            shelves[key]?.excessSince = nil
            return
        }
        let since = shelves[key]?.excessSince ?? now
        shelves[key]?.excessSince = since
        guard since + configuration.retireDelay <= now else { return }
        while excess(key) > 0 { retireOne(of: key, into: &effects) }
        shelves[key]?.excessSince = nil
    }

    private mutating func retireOne(of key: PrebootKey, into effects: inout [PrebootEffect]) {
        guard let number = shelves[key]?.booting.last ?? shelves[key]?.ready.first, let sandbox = sandboxes[number]
        else { return }
        forget(number, sandbox)
        effects.append(.retire(number))
    }

    /// One each in turn, whoever has least of its share first.
    private mutating func boot(_ keys: [PrebootKey], now: Moment, into effects: inout [PrebootEffect]) {
        while bootsInProgress < configuration.bootsMax, memoryMiB + configuration.heldMiB <= configuration.memoryMiBMax {
            let candidates = keys.filter { excess($0) < 0 && shelves[$0]?.retryAt ?? now <= now }
            guard let key = candidates.min(by: { shelves[$0]?.count ?? 0 < shelves[$1]?.count ?? 0 }) else { return }
            lastNumber += 1
            let number = PrebootNumber(lastNumber)
            sandboxes[number] = Sandbox(key: key, bootedFrom: now)
            shelves[key]?.booting.append(number)
            shelves[key]?.retryAt = nil
            bootsInProgress += 1
            effects.append(.boot(number, key))
        }
    }

    private func nextReview(now: Moment) -> Moment? {
        var next: Moment?
        for shelf in shelves.values {
            // Demand fades by and by: look again while there is some, or something to retire or to try again.
            let fades = shelf.count > shelf.minimum || shelf.demand.lastStart != nil
            let dues = [
                fades ? now + configuration.retireDelay : nil,
                shelf.excessSince.map { $0 + configuration.retireDelay },
                shelf.count < shelf.allotted ? shelf.retryAt : nil,
            ]
            for due in dues.compactMap({ $0 }) where due > now { next = next.map { min($0, due) } ?? due }
        }
        return next
    }

    // MARK: Keys

    /// A key to keep in mind; where there are too many, the one that has been unused for longest goes.
    private mutating func open(_ key: PrebootKey, now: Moment, into effects: inout [PrebootEffect]) {
        guard shelves[key] == nil else { return }
        if shelves.count >= configuration.keysMax, let oldest = shelves.min(by: { isOlder($0.value, $1.value) })?.key {
            while shelves[oldest]?.count ?? 0 > 0 { retireOne(of: oldest, into: &effects) }
            shelves[oldest] = nil
        }
        lastOrder += 1
        shelves[key] = Shelf(order: lastOrder, demand: PrebootDemand(configuration: configuration))
    }

    private func isOlder(_ one: Shelf, _ other: Shelf) -> Bool {
        if (one.minimum > 0) != (other.minimum > 0) { return one.minimum == 0 }
        let times = (one.demand.lastStart?.nanoseconds ?? .min, other.demand.lastStart?.nanoseconds ?? .min)
        return times.0 == times.1 ? one.order < other.order : times.0 < times.1
    }

    private func isForgettable(_ key: PrebootKey, now: Moment) -> Bool {
        guard let shelf = shelves[key] else { return false }
        return shelf.count == 0 && wanted(shelf, now: now) == 0
    }

    private mutating func forget(_ number: PrebootNumber, _ sandbox: Sandbox) {
        sandboxes[number] = nil
        if !sandbox.isReady { bootsInProgress -= 1 }
        shelves[sandbox.key]?.ready.removeAll { $0 == number }
        shelves[sandbox.key]?.booting.removeAll { $0 == number }
    }
}
