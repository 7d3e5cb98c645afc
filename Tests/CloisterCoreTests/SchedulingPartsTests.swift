import Testing

@testable import CloisterCore

@Suite struct StartQueueTests {
    private func request(_ number: Int) -> StartQueue.Request { StartQueue.Request(pool: PoolNumber(1), purpose: .invocation(queue: number)) }

    private func tenant(_ index: Int) -> StartQueue.Claimant {
        guard let tenant = TenantID("t\(index)") else { preconditionFailure("a tenant id") }
        return .tenant(tenant)
    }

    @Test func claimantsTakeTurns() {
        var queue = StartQueue()
        for number in 0..<3 { queue.push(request(number), claimant: tenant(1)) }
        for number in 10..<12 { queue.push(request(number), claimant: tenant(2)) }
        #expect(queue.next?.purpose.queue == 0)
        #expect((0..<5).compactMap { _ in queue.pop()?.purpose.queue } == [0, 10, 1, 11, 2])
        #expect(queue.isEmpty)
        #expect(queue.claimantCount == 0)
    }

    @Test func weightsAreShares() {
        var queue = StartQueue()
        for number in 0..<20 { queue.push(request(number), claimant: tenant(1), weight: 3) }
        for number in 100..<120 { queue.push(request(number), claimant: tenant(2)) }
        let first = (0..<12).compactMap { _ in queue.pop()?.purpose.queue }
        #expect(first.filter { $0 < 100 }.count == 9)
    }

    @Test func anIdleClaimantSavesNothingUp() {
        var queue = StartQueue()
        for number in 0..<50 { queue.push(request(number), claimant: tenant(1)) }
        for _ in 0..<40 { _ = queue.pop() }
        for number in 100..<105 { queue.push(request(number), claimant: tenant(2)) }
        #expect((0..<6).compactMap { _ in queue.pop()?.purpose.queue } == [40, 100, 41, 101, 42, 102])
    }

    @Test func claimantsOfThePastAreForgotten() {
        var queue = StartQueue()
        queue.push(request(0), claimant: tenant(0))
        for index in 1...10_000 {
            queue.push(request(index), claimant: tenant(index))
            _ = queue.pop()
        }
        #expect(queue.count == 1)
        #expect(queue.claimantCount < 100)
    }
}

@Suite struct ConcurrencyLedgerTests {
    private let function = FunctionKey(region: "r", name: "f")

    @Test func aReservationMovesWhatRunsBetweenTheAccounts() {
        var configuration = SchedulerConfiguration()
        configuration.accountConcurrencyMax = 10
        var ledger = ConcurrencyLedger(configuration: configuration)
        let slot = ledger.open(function)
        for _ in 1...4 { ledger.begin(slot, owner: .function) }
        #expect(ledger.activeUnreserved == 4)
        ledger.setReserved(3, for: function)
        #expect(ledger.activeUnreserved == 0)
        #expect(ledger.reservedSum == 3)
        #expect(ledger.refusal(slot, owner: .function) == .reservedConcurrency)
        ledger.setReserved(5, for: function)
        #expect(ledger.refusal(slot, owner: .function) == nil)
        #expect(ledger.reservedSum == 5)
        ledger.end(slot, owner: .function)
        ledger.setReserved(nil, for: function)
        #expect(ledger.activeUnreserved == 3)
        #expect(ledger.reservedSum == 0)
        for _ in 1...3 { ledger.end(slot, owner: .function) }
        #expect(ledger.active == 0)
        #expect(ledger.activeUnreserved == 0)
        ledger.close(slot)
        #expect(ledger.functionCount == 0)
    }

    @Test func slotsOfFunctionsInUseAreKept() {
        var ledger = ConcurrencyLedger(configuration: SchedulerConfiguration())
        let slot = ledger.open(function)
        #expect(ledger.open(function) == slot)
        ledger.close(slot)
        #expect(ledger.functionCount == 1)
        ledger.setReserved(1, for: function)
        ledger.close(slot)
        #expect(ledger.functionCount == 1)
        ledger.setReserved(nil, for: function)
        #expect(ledger.functionCount == 0)
        ledger.setReserved(nil, for: function)
        #expect(ledger.functionCount == 0)
    }
}

@Suite struct SlotsTests {
    @Test func numbersAreUsedAgain() {
        var slots = Slots<String>()
        #expect(slots.insert("a") == 0)
        #expect(slots.insert("b") == 1)
        slots.remove(0)
        slots.remove(0)
        #expect(slots[0] == nil)
        #expect(slots.count == 1)
        #expect(slots.insert("c") == 0)
        #expect(slots.insert("d") == 2)
        slots[1]? += "!"
        #expect(slots[1] == "b!")
    }
}
