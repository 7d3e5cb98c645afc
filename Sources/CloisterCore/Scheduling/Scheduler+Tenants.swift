import BasicContainers
import DequeModule
import HeapModule

/// What holds for one tenant over all functions, and what is remembered of it.
extension Scheduler {
    // MARK: Limits

    /// Nil takes the tenant's limits away. What it uses beyond new ones ends by itself; nothing more begins.
    public mutating func setLimits(_ limits: TenantLimits?, for tenant: TenantID) {
        let holder = openHolder(.tenant(tenant))
        holders[holder]?.limits = limits
        closeHolder(holder)
    }

    /// Refuses all of the tenant's invocations from now on, the waiting ones included, and destroys its environments at
    /// once; an invocation that one of them runs ends with it.
    public mutating func suspend(_ tenant: TenantID, now: Moment, into effects: inout [SchedulerEffect]) {
        let holder = openHolder(.tenant(tenant))
        holders[holder]?.isSuspended = true
        let numbers = pools.keys.filter { pools[$0]?.queues[.tenant(tenant)] != nil }.sorted { $0.rawValue < $1.rawValue }
        for pool in numbers {
            guard let queue = pools[pool]?.queues[.tenant(tenant)] else { continue }
            while let invocation = queues[queue]?.waiting.first {
                refuseWaiting(invocation, .tenantSuspended, into: &effects)
            }
        }
        for number in environments.filter({ $0.value.holder == holder }).keys.sorted() {
            if case .starting(let purpose) = environments[number]?.state {
                abandon(number, purpose)
            } else {
                destroy(number, .suspended, into: &effects)
            }
        }
        closeHolder(holder)
        pumpStarts(now: now, into: &effects)
        for pool in numbers { closeIfUnused(pool) }
    }

    /// Ends a suspension.
    public mutating func reinstate(_ tenant: TenantID, now: Moment, into effects: inout [SchedulerEffect]) {
        let holder = openHolder(.tenant(tenant))
        holders[holder]?.isSuspended = false
        closeHolder(holder)
        for pool in pools.keys.sorted(by: { $0.rawValue < $1.rawValue }) { replenish(pool, now: now, into: &effects) }
    }

    public func isSuspended(_ tenant: TenantID) -> Bool {
        holderSlots[.tenant(tenant)].flatMap { holders[$0]?.isSuspended } ?? false
    }

    /// What the tenant uses now: invocations that run or wait, and MiB that its environments are counted with.
    public func usage(of tenant: TenantID) -> (invocations: Int, memoryMiB: Int) {
        guard let slot = holderSlots[.tenant(tenant)], let holder = holders[slot] else { return (0, 0) }
        return (holder.active, holder.memoryMiB)
    }

    mutating func admit(_ holder: Int, now: Moment) -> Throttle? {
        guard holders[holder]?.hasRules == true else { return nil }
        return holders[holder]?.admit(now: now)
    }

    /// An environment that still starts belongs to nobody yet: it goes on, for whoever needs it.
    private mutating func abandon(_ number: EnvironmentNumber, _ purpose: StartPurpose) {
        guard let pool = environments[number]?.pool, let holder = pools[pool]?.holder, let queue = purpose.queue else {
            return
        }
        countStart(purpose, in: pool, by: -1)
        update(number) { $0.state = .starting(.nobody) }
        transfer(number, to: holder)
        dropIfUnused(queue)
    }

    // MARK: Holders

    /// The claimant's slot, for one more reference to it; `closeHolder` gives it back.
    mutating func openHolder(_ claimant: StartQueue.Claimant) -> Int {
        if let slot = holderSlots[claimant] {
            holders[slot]?.links += 1
            return slot
        }
        let slot = holders.insert(Holder(claimant: claimant))
        holders[slot]?.links = 1
        holderSlots[claimant] = slot
        return slot
    }

    mutating func closeHolder(_ slot: Int) {
        holders[slot]?.links -= 1
        guard let holder = holders[slot], holder.isUnused else { return }
        holderSlots[holder.claimant] = nil
        holders.remove(slot)
    }

    // MARK: Histories

    /// The slot of the owner's history, for one more queue; nil where none is kept, or there is no space for one.
    mutating func openHistory(_ key: HistoryKey) -> Int? {
        guard configuration.keepAlive.usesHistory else { return nil }
        if let slot = historySlots[key] {
            histories[slot]?.links += 1
            return slot
        }
        if histories.count >= configuration.historiesMax { forgetSomeHistory() }
        guard histories.count < configuration.historiesMax else { return nil }
        let slot = histories.insert(HistoryEntry(key: key, links: 1))
        historySlots[key] = slot
        return slot
    }

    /// Of the next few histories that no queue refers to, the one that has been silent for longest goes.
    private mutating func forgetSomeHistory() {
        var oldest: (slot: Int, last: Int64)?
        for _ in 0..<min(64, histories.end) {
            historyHand = (historyHand + 1) % histories.end
            guard let entry = histories[historyHand], entry.links == 0 else { continue }
            let last = entry.history.lastArrival?.nanoseconds ?? .min
            if oldest.map({ last < $0.last }) ?? true { oldest = (historyHand, last) }
        }
        if let oldest { forgetHistory(oldest.slot) }
    }

    private mutating func forgetHistory(_ slot: Int) {
        guard let key = histories[slot]?.key else { return }
        historySlots[key] = nil
        histories.remove(slot)
    }

    mutating func forgetHistories(of function: Int) {
        for slot in 0..<histories.end where histories[slot]?.key.function == function { forgetHistory(slot) }
    }
}
