import CloisterCore
import Testing

@Suite struct PrebootPoolTests {
    private let python = PrebootKey(image: "python3.13", memoryMiB: 128)
    private let node = PrebootKey(image: "nodejs20.x", memoryMiB: 128)

    private func at(_ milliseconds: Int64) -> Moment { Moment(nanoseconds: milliseconds * 1_000_000) }

    private func pool(_ change: (inout PrebootConfiguration) -> Void = { _ in }) -> PrebootPool {
        var configuration = PrebootConfiguration()
        configuration.bootsMax = 100
        change(&configuration)
        return PrebootPool(configuration: configuration)
    }

    private func boots(_ effects: [PrebootEffect]) -> [PrebootNumber] {
        effects.compactMap { if case .boot(let number, _) = $0 { number } else { nil } }
    }

    @Test func theFirstStartMissesAndTheSecondHits() {
        var pool = pool()
        var effects: [PrebootEffect] = []
        #expect(pool.take(python, now: at(0), into: &effects) == nil)
        #expect(effects.first == .boot(PrebootNumber(1), python))
        for number in boots(effects) { pool.booted(number, now: at(100), into: &effects) }
        #expect(pool.readyCount(python) > 0)
        #expect(pool.take(python, now: at(200), into: &effects) != nil)
        #expect((pool.hits, pool.misses) == (1, 1))
    }

    @Test func whatIsTakenIsReplacedAndNeverHandedOutAgain() {
        var pool = pool()
        var effects: [PrebootEffect] = []
        pool.setMinimum(python, 3, now: at(0), into: &effects)
        #expect(boots(effects).count == 3)
        for number in boots(effects) { pool.booted(number, now: at(100), into: &effects) }
        effects = []
        let taken = (0..<3).map { _ in pool.take(python, now: at(200), into: &effects) }
        #expect(Set(taken.compactMap { $0 }).count == 3)
        #expect(boots(effects).count >= 3)
        #expect(Set(boots(effects)).isDisjoint(with: taken.compactMap { $0 }))
        #expect(pool.take(python, now: at(200), into: &effects) == nil, "the new ones still boot")
    }

    @Test func oneKeysSandboxesAreNotAnothers() {
        var pool = pool()
        var effects: [PrebootEffect] = []
        pool.setMinimum(python, 1, now: at(0), into: &effects)
        pool.booted(PrebootNumber(1), now: at(1), into: &effects)
        #expect(pool.take(node, now: at(2), into: &effects) == nil)
        #expect(pool.take(PrebootKey(image: "python3.13", memoryMiB: 256), now: at(2), into: &effects) == nil)
        #expect(pool.take(python, now: at(2), into: &effects) == PrebootNumber(1))
    }

    @Test func aBurstIsRememberedAndThenFades() {
        var pool = pool()
        var effects: [PrebootEffect] = []
        for _ in 0..<20 { _ = pool.take(python, now: at(0), into: &effects) }
        #expect(pool.wantedCount(python, now: at(0)) == 20)
        #expect(pool.wantedCount(python, now: at(120_000)) == 10)
        #expect(pool.wantedCount(python, now: at(1_000_000)) == 1)
        #expect(pool.wantedCount(python, now: at(3_600_000)) == 0)
    }

    @Test func demandGoneEverythingIsRetired() {
        var pool = pool()
        var effects: [PrebootEffect] = []
        for _ in 0..<20 { _ = pool.take(python, now: at(0), into: &effects) }
        for number in boots(effects) { pool.booted(number, now: at(100), into: &effects) }
        #expect(pool.count == 20)
        var reviews = 0
        while let due = pool.nextDeadline, reviews < 10_000 {
            pool.advance(to: due, into: &effects)
            reviews += 1
        }
        #expect(pool.count == 0)
        #expect(reviews < 1_000)
    }

    @Test func theBudgetIsSharedBeforeAnyoneGetsMore() {
        var pool = pool {
            $0.memoryMiBMax = 100
            $0.heldMiB = 25
        }
        var effects: [PrebootEffect] = []
        for _ in 0..<20 { _ = pool.take(python, now: at(0), into: &effects) }
        for number in boots(effects) { pool.booted(number, now: at(1), into: &effects) }
        #expect(pool.memoryMiB == 100)
        _ = pool.take(node, now: at(2), into: &effects)
        #expect(pool.allottedCount(node) == 1)
        #expect(pool.allottedCount(python) == 3)
        effects = []
        pool.setMemoryMax(50, now: at(3), into: &effects)
        #expect(pool.memoryMiB <= 50)
    }

    @Test func failedBootsAreTriedAgainMoreAndMoreSlowly() {
        var pool = pool()
        var effects: [PrebootEffect] = []
        pool.setMinimum(python, 1, now: at(0), into: &effects)
        var pauses: [Int64] = []
        var now = at(0)
        for _ in 0..<9 {
            guard let number = boots(effects).last else { break }
            effects = []
            pool.lost(number, now: now, into: &effects)
            #expect(effects == [])
            guard let due = pool.nextDeadline else { break }
            pauses.append((due - now).nanoseconds / 1_000_000_000)
            now = due
            pool.advance(to: now, into: &effects)
        }
        #expect(pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60])
    }

    @Test func reportsOutOfTurnChangeNothing() {
        var pool = pool()
        var effects: [PrebootEffect] = []
        pool.booted(PrebootNumber(7), now: at(0), into: &effects)
        pool.lost(PrebootNumber(7), now: at(0), into: &effects)
        pool.advance(to: at(0), into: &effects)
        #expect(effects == [])
        #expect(pool.nextDeadline == nil)
    }

    @Test func keysAreBounded() {
        var pool = pool { $0.keysMax = 4 }
        var effects: [PrebootEffect] = []
        pool.setMinimum(python, 1, now: at(0), into: &effects)
        for index in 0..<100 {
            _ = pool.take(PrebootKey(image: "image-\(index)", memoryMiB: 128), now: at(Int64(index)), into: &effects)
        }
        #expect(pool.bootingCount(python) == 1, "a key with a minimum stays")
        #expect(pool.count <= 40)
    }
}
