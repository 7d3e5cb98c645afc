import Testing

@testable import CloisterMicroVM

struct SeededRandom: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ (state >> 29)
    }

    mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(max(1, limit))) }
}

@Suite struct MultiplexerFuzzTests {
    /// Two well-behaved ends do random things in random order, and bytes move in random pieces: every stream's bytes arrive
    /// in order and whole, neither end ever calls the other malformed, and both hold a bounded amount.
    @Test(arguments: 0..<8)
    func randomTrafficArrivesInOrder(_ seed: Int) {
        var random = SeededRandom(state: UInt64(seed) &+ 1)
        var traffic = Traffic()
        for _ in 0..<4000 {
            traffic.act(&random)
            #expect(!traffic.isBroken)
            if traffic.isBroken { return }
        }
        traffic.settle()
        #expect(traffic.arrived == traffic.sent)
        #expect(!traffic.isBroken)
    }

    /// Valid traffic with bytes changed, cut out or put in: the host never traps, and holds a bounded amount.
    @Test(arguments: 0..<10)
    func mutatedTrafficNeverTraps(_ seed: Int) {
        var random = SeededRandom(state: UInt64(seed) &* 977 &+ 5)
        var guest = StreamMultiplexer(side: .guest)
        var valid: [UInt8] = []
        for _ in 0..<200 {
            switch random.below(5) {
            case 0: _ = guest.open()
            case 1: guest.end(random.below(StreamMultiplexer.streamCount))
            case 2: guest.close(random.below(StreamMultiplexer.streamCount))
            case 3: guest.send(.memory(.init(currentBytes: random.next(), peakBytes: 2, outOfMemoryKills: 0)))
            default:
                let bytes = [UInt8](repeating: 1, count: random.below(300))
                _ = bytes.withUnsafeBytes { guest.send(random.below(StreamMultiplexer.streamCount), $0) }
            }
            guest.outgoing.withBytes { valid += Array($0) }
            guest.wrote(guest.outgoing.count)
        }
        for _ in 0..<25 {
            var host = StreamMultiplexer(side: .host)
            var bytes = valid
            for _ in 0...random.below(6) { mutate(&bytes, &random) }
            var start = 0
            feeding: while start < bytes.count {
                let end = min(bytes.count, start + 1 + random.below(500))
                bytes[start..<end].withUnsafeBytes { host.append($0) }
                start = end
                while true {
                    let step = host.next()
                    if step == .malformed { break feeding }
                    if step == .incomplete { break }
                    if case .event(.data(let number, let payload)) = step { host.delivered(number, payload.count) }
                }
            }
            #expect(host.outgoing.count <= 16 * bytes.count)
        }
    }

    private func mutate(_ bytes: inout [UInt8], _ random: inout SeededRandom) {
        guard !bytes.isEmpty else { return }
        let place = random.below(bytes.count)
        switch random.below(3) {
        case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
        case 1: bytes.remove(at: place)
        default: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: place)
        }
    }
}

/// Host and guest with what each stream carried, towards the host and towards the guest.
private struct Traffic {
    private static let streams = StreamMultiplexer.streamCount

    private var host = StreamMultiplexer(side: .host)
    private var guest = StreamMultiplexer(side: .guest)
    private(set) var sent = [[UInt8]](repeating: [], count: 2 * streams)
    private(set) var arrived = [[UInt8]](repeating: [], count: 2 * streams)
    private(set) var isBroken = false
    private var counter: UInt8 = 0

    mutating func act(_ random: inout SeededRandom) {
        let number = random.below(Traffic.streams)
        switch random.below(8) {
        case 0: _ = guest.open()
        case 1, 2: send(toHost: true, number, random.below(5000))
        case 3: if number != StreamMultiplexer.outputStream { send(toHost: false, number, random.below(5000)) }
        case 4: random.below(2) == 0 ? guest.end(number) : host.end(number)
        case 5: moveToHost(random.below(20_000))
        case 6: moveToGuest(random.below(20_000))
        default: break
        }
        #expect(host.outgoing.count + guest.outgoing.count < 8 << 20)
    }

    mutating func settle() {
        while !host.outgoing.isEmpty || !guest.outgoing.isEmpty {
            moveToHost(.max)
            moveToGuest(.max)
        }
    }

    private mutating func send(toHost: Bool, _ number: Int, _ count: Int) {
        let bytes = (0..<count).map { _ in
            counter &+= 1
            return counter
        }
        let taken = bytes.withUnsafeBytes { toHost ? guest.send(number, $0) : host.send(number, $0) }
        sent[(toHost ? 0 : Traffic.streams) + number] += bytes.prefix(taken)
    }

    private mutating func moveToHost(_ limit: Int) {
        Traffic.move(&guest, &host, limit)
        take(Traffic.received(&host), base: 0)
    }

    private mutating func moveToGuest(_ limit: Int) {
        Traffic.move(&host, &guest, limit)
        take(Traffic.received(&guest), base: Traffic.streams)
    }

    private static func move(_ from: inout StreamMultiplexer, _ to: inout StreamMultiplexer, _ limit: Int) {
        let count = min(limit, from.outgoing.count)
        from.outgoing.withBytes { to.append(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        from.wrote(count)
    }

    /// Nil when it is malformed.
    private static func received(_ multiplexer: inout StreamMultiplexer) -> [(number: Int, bytes: [UInt8])]? {
        var data: [(number: Int, bytes: [UInt8])] = []
        while true {
            switch multiplexer.next() {
            case .incomplete: return data
            case .malformed: return nil
            case .event(.data(let number, let bytes)):
                data.append((number, bytes))
                multiplexer.delivered(number, bytes.count)
            case .event: break
            }
        }
    }

    private mutating func take(_ data: [(number: Int, bytes: [UInt8])]?, base: Int) {
        isBroken = isBroken || data == nil
        for (number, bytes) in data ?? [] { arrived[base + number] += bytes }
    }
}
