import BasicContainers
import DequeModule

/// What tests and the simulation look at: totals, and whether the scheduler's books agree with each other.
extension Scheduler {
    /// Everything that must be 0 when everything has ended.
    package struct Totals: Equatable, Sendable {
        package var pools = 0
        package var environments = 0
        package var unbound = 0
        package var invocations = 0
        package var waiting = 0
        package var startsInProgress = 0
        package var startRequests = 0
        package var active = 0
        package var activeUnreserved = 0
        package var memoryMiB = 0
        package var owners = 0
        package var holders = 0
        package var histories = 0

        package init() {}
    }

    package var totals: Totals {
        var totals = Totals()
        totals.pools = pools.count
        totals.environments = environments.count
        totals.unbound = unbound.count
        totals.invocations = invocations.count
        totals.waiting = waitingCount
        totals.startsInProgress = startsInProgress
        totals.startRequests = starts.count
        totals.active = ledger.active
        totals.activeUnreserved = ledger.activeUnreserved
        totals.memoryMiB = memoryMiB
        totals.owners = queues.count
        totals.holders = holders.count
        totals.histories = histories.count
        return totals
    }

    /// Contradictions in the scheduler's state; empty when all is well. Looks at everything: for tests only.
    package func contradictions() -> [String] {
        var found: [String] = []
        func expect(_ holds: Bool, _ text: @autoclosure () -> String) {
            if !holds { found.append(text()) }
        }
        var counted = 0
        var evictable = 0
        var starting = 0
        var busy = 0
        var byQueue: [Int: (bound: Int, idle: Int, finishing: Int)] = [:]
        var byPool: [PoolNumber: Int] = [:]
        var byHolder: [Int: (memory: Int, evictable: Int)] = [:]
        var provisioned: [PoolNumber: Int] = [:]
        var kept: [Int: Int] = [:]
        for (number, environment) in environments {
            counted += environment.countedMiB
            evictable += environment.evictableMiB
            byPool[environment.pool, default: 0] += 1
            if case .starting = environment.state { starting += 1 }
            byHolder[environment.holder, default: (0, 0)].memory += environment.countedMiB
            byHolder[environment.holder]?.evictable += environment.evictableMiB
            expect(!environment.isHibernated || environment.isFrozen, "\(number) is hibernated but not frozen")
            expect(!environment.isKept || environment.isResting, "\(number) is kept but not idle")
            expect(!environment.isKept || !environment.isHibernated, "\(number) is kept but hibernated")
            if environment.isProvisioned { provisioned[environment.pool, default: 0] += 1 }
            if environment.state == .unbound {
                let index = environment.unboundIndex
                expect(index < unbound.count && unbound[index].number == number, "\(number) isn't where it should be")
            }
            if environment.isEvictable { expect(environment.hasEvictionEntry, "\(number) can't be evicted") }
            if environment.isEvictable { expect(environment.keepAliveAt != nil, "\(number) never ages") }
            if case .busy = environment.state { busy += 1 }
            guard let queue = environment.queue else {
                expect(environment.bound == nil, "\(number) is bound but has no queue")
                continue
            }
            expect(queues[queue]?.owner == environment.bound?.owner, "\(number) is in another owner's queue")
            byQueue[queue, default: (0, 0, 0)].bound += 1
            if environment.state == .idle { byQueue[queue]?.idle += 1 }
            if environment.isKept, !environment.isProvisioned { kept[queue, default: 0] += 1 }
            if environment.state == .finishing || environment.state == .recovering { byQueue[queue]?.finishing += 1 }
        }
        expect(counted == memoryMiB, "memory is \(memoryMiB), its parts \(counted)")
        expect(evictable == evictableMiB, "evictable memory is \(evictableMiB), its parts \(evictable)")
        expect(starting == startsInProgress, "\(startsInProgress) starts in progress, but \(starting) environments start")
        expect(busy + waitingCount == invocations.count, "\(invocations.count) invocations, \(busy) run, \(waitingCount) wait")
        expect(invocations.count == ledger.active, "\(invocations.count) invocations, the ledger has \(ledger.active)")
        var queueCount = 0
        for (number, pool) in pools {
            var waiting = 0
            for queueNumber in pool.queues.values {
                guard let queue = queues[queueNumber] else {
                    found.append("pool \(number.rawValue) has a queue that is gone")
                    continue
                }
                queueCount += 1
                waiting += queue.waiting.count
                let actual = byQueue[queueNumber] ?? (0, 0, 0)
                expect(queue.environments == actual.bound, "an owner has \(queue.environments) environments, not \(actual.bound)")
                expect(queue.idle.count == actual.idle, "an owner has \(queue.idle.count) idle, not \(actual.idle)")
                expect(queue.finishing == actual.finishing, "an owner has \(queue.finishing) finishing, not \(actual.finishing)")
                expect(queue.kept == kept[queueNumber] ?? 0, "\(queue.kept) are kept, not \(kept[queueNumber] ?? 0)")
                expect(queue.kept <= queue.reserved, "\(queue.kept) are kept for a reservation of \(queue.reserved)")
                expect(queue.uncovered <= 0, "\(queue.uncovered) invocations wait for nothing")
                expect(queue.waiting.isEmpty || queue.idle.isEmpty, "an invocation waits beside an idle environment")
                expect(!queue.isUnused, "an owner's queue has no use")
            }
            expect(waiting == pool.waitingCount, "a pool has \(pool.waitingCount) waiting, not \(waiting)")
            expect(pool.waitingCount == 0 || pool.unbound.count == 0, "an invocation waits beside an unbound environment")
            expect(pool.environmentCount == byPool[number] ?? 0, "a pool has \(pool.environmentCount) environments, not \(byPool[number] ?? 0)")
            expect(pool.provisioned.available == provisioned[number] ?? 0, "a pool has \(provisioned[number] ?? 0) provisioned, not \(pool.provisioned.available)")
            expect(pool.provisioned.available <= pool.provisioned.requested || pool.isRetired, "more are provisioned than requested")
            let isPostponed = pool.replenishAt != nil
            expect(pool.isRetired || isPostponed || pool.provisionedShortage <= 0, "\(pool.provisionedShortage) provisioned lack")
            for queue in pool.reservedQueues {
                guard let owner = queues[queue], holders[owner.holder]?.isSuspended == false else { continue }
                let lacks = owner.reserved - owner.environments - owner.startingReserved
                expect(isPostponed || lacks <= 0, "\(lacks) of a reservation lack")
            }
            expect(!pool.isRetired || pool.unbound.count == 0, "a retired pool keeps unbound environments")
            expect(!pool.isRetired || !pool.isUnused, "a retired pool has no use")
        }
        expect(queueCount == queues.count, "\(queues.count) queues, the pools have \(queueCount)")
        var holding = 0
        for slot in 0..<holders.end {
            guard let holder = holders[slot] else { continue }
            let actual = byHolder[slot] ?? (0, 0)
            if actual.memory > 0 { holding += 1 }
            expect(holder.memoryMiB == actual.memory, "a holder has \(holder.memoryMiB) MiB, not \(actual.memory)")
            expect(holder.evictableMiB == actual.evictable, "a holder has \(holder.evictableMiB) MiB to evict, not \(actual.evictable)")
            expect(holder.requestedMiB >= 0, "a holder has asked for \(holder.requestedMiB) MiB")
            expect(!holder.isSuspended || actual.memory == 0, "a suspended tenant holds \(actual.memory) MiB")
            expect(!holder.isSuspended || holder.active == 0, "a suspended tenant runs \(holder.active) invocations")
            expect(!holder.isUnused, "a holder has no use")
        }
        expect(holding == holdingCount, "\(holding) holders hold memory, not \(holdingCount)")
        // Who found no room while above its share is looked at again by the timer.
        if startsInProgress < configuration.startsMax, !hasPumpTimer, let next = starts.next, let pool = pools[next.pool],
            let holder = next.purpose.queue.map({ queues[$0]?.holder }) ?? pool.holder,
            holders[holder]?.limits?.memoryMiBMax == nil, !isOverShare(holder, needed: pool.memoryMiB)
        {
            expect(
                memoryMiB - evictableMiB + pool.memoryMiB > configuration.memoryMiBMax,
                "an environment could start, but does not")
        }
        return found
    }
}
