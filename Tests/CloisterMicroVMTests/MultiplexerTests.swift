import Testing

@testable import CloisterMicroVM

/// Both ends, joined in memory.
private struct Channel {
    var host = StreamMultiplexer(side: .host)
    var guest = StreamMultiplexer(side: .guest)

    static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    /// Moves at most `limit` bytes and returns what the receiver makes of them.
    static func move(
        _ from: inout StreamMultiplexer, _ to: inout StreamMultiplexer, limit: Int = .max
    ) -> [StreamMultiplexer.Step] {
        let count = min(limit, from.outgoing.count)
        from.outgoing.withBytes { to.append(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        from.wrote(count)
        return steps(&to)
    }

    static func steps(_ multiplexer: inout StreamMultiplexer) -> [StreamMultiplexer.Step] {
        var steps: [StreamMultiplexer.Step] = []
        while true {
            let step = multiplexer.next()
            if step == .incomplete { return steps }
            steps.append(step)
            if step == .malformed { return steps }
        }
    }

    mutating func toHost() -> [StreamMultiplexer.Step] { Channel.move(&guest, &host) }
    mutating func toGuest() -> [StreamMultiplexer.Step] { Channel.move(&host, &guest) }
}

extension StreamMultiplexer {
    @discardableResult
    fileprivate mutating func send(_ number: Int, _ bytes: [UInt8]) -> Int { bytes.withUnsafeBytes { send(number, $0) } }

    fileprivate mutating func append(_ bytes: [UInt8]) { bytes.withUnsafeBytes { append($0) } }
}

@Suite struct MultiplexerTests {
    private let first = StreamMultiplexer.firstConnection

    @Test func aConnectionOpensTalksEndsAndIsFreeAgain() {
        var channel = Channel()
        #expect(channel.guest.open() == first)
        channel.guest.send(first, Array("ask".utf8))
        #expect(channel.toHost() == [.event(.opened(first)), .event(.data(first, Array("ask".utf8)))])
        channel.host.send(first, Array("answer".utf8))
        channel.host.end(first)
        #expect(channel.toGuest() == [.event(.data(first, Array("answer".utf8))), .event(.ended(first))])
        channel.guest.end(first)
        channel.guest.close(first)
        #expect(channel.toHost() == [.event(.ended(first)), .event(.closed(first))])
        #expect(!channel.host.isLive(first))
        #expect(channel.toGuest().isEmpty)
        #expect(channel.guest.open() == first)
        #expect(channel.toHost() == [.event(.opened(first))])
    }

    @Test func bothSidesMayCloseAtOnce() {
        var channel = Channel()
        _ = channel.guest.open()
        _ = channel.toHost()
        channel.guest.close(first)
        channel.host.close(first)
        #expect(channel.toHost().isEmpty)
        #expect(channel.toGuest().isEmpty)
        #expect(channel.guest.hasFreeConnection && channel.guest.open() == first)
        #expect(channel.toHost() == [.event(.opened(first))])
    }

    @Test func whatArrivesAfterACloseIsDropped() {
        var channel = Channel()
        _ = channel.guest.open()
        _ = channel.toHost()
        channel.guest.send(first, [1, 2, 3])
        channel.host.close(first)
        #expect(channel.toHost().isEmpty)
        #expect(channel.toGuest() == [.event(.closed(first))])
        #expect(channel.toHost().isEmpty)
        #expect(channel.guest.room(first) == 0)
    }

    @Test func nobodySendsMoreThanTheWindowUntilItIsDelivered() {
        var channel = Channel()
        let window = StreamMultiplexer.windowBytes
        let large = [UInt8](repeating: 7, count: window + 100)
        #expect(channel.guest.send(StreamMultiplexer.outputStream, large) == window)
        #expect(channel.guest.room(StreamMultiplexer.outputStream) == 0)
        var received = 0
        for step in channel.toHost() {
            guard case .event(.data(StreamMultiplexer.outputStream, let bytes)) = step else { Issue.record("\(step)"); return }
            received += bytes.count
        }
        #expect(received == window)
        channel.host.delivered(StreamMultiplexer.outputStream, window)
        #expect(channel.toGuest().isEmpty)
        #expect(channel.guest.room(StreamMultiplexer.outputStream) == window)
    }

    @Test func allConnectionsInUseRefuseAnother() {
        var channel = Channel()
        for _ in StreamMultiplexer.firstConnection..<StreamMultiplexer.streamCount { #expect(channel.guest.open() != nil) }
        #expect(!channel.guest.hasFreeConnection)
        #expect(channel.guest.open() == nil)
    }

    @Test func noticesArriveWholeInAnyPieces() {
        var moment = ChannelNotice.HostMoment(wallNanoseconds: 1_700_000_000_123_456_789, seed: [])
        moment.seed = (0..<UInt8(ChannelNotice.HostMoment.seedBytes)).map { $0 }
        for piece in 1...50 {
            var channel = Channel()
            channel.host.send(.moment(moment))
            channel.host.send(.quiesce)
            var steps: [StreamMultiplexer.Step] = []
            while !channel.host.outgoing.isEmpty { steps += Channel.move(&channel.host, &channel.guest, limit: piece) }
            #expect(steps == [.event(.notice(.moment(moment))), .event(.notice(.quiesce))])
        }
        var channel = Channel()
        let memory = ChannelNotice.GuestMemory(currentBytes: 1, peakBytes: .max, outOfMemoryKills: 3)
        channel.guest.send(.memory(memory))
        channel.guest.send(.quiescent)
        #expect(channel.toHost() == [.event(.notice(.memory(memory))), .event(.notice(.quiescent))])
    }

    /// What a hostile guest may say, each on a channel with one open connection (stream 2).
    @Test(arguments: [
        [0, 0, 0, 0], [7, 0, 0, 0], [255, 2, 0, 0],  // No such type.
        [1, 34, 1, 0, 9], [1, 255, 1, 0, 9],  // No such stream.
        [1, 3, 1, 0, 9],  // Not open.
        [1, 2, 0, 0],  // No data.
        [1, 2, 1, 128],  // Longer than a frame may be.
        [2, 2, 0, 0],  // Open already.
        [2, 0, 0, 0], [2, 1, 0, 0],  // Not to be opened.
        [2, 3, 1, 0, 9],  // A payload where none belongs.
        [3, 0, 0, 0], [4, 1, 0, 0], [3, 5, 0, 0],  // Permanent, or not open.
        [5, 2, 4, 0, 1, 0, 0, 0], [5, 2, 4, 0, 255, 255, 255, 255], [5, 2, 1, 0, 1],  // More than was ever taken.
        [6, 0, 0, 0], [6, 0, 1, 0, 3], [6, 0, 1, 0, 2], [6, 2, 1, 0, 4],  // The host's notices, cut ones, elsewhere.
        [3, 2, 0, 0, 3, 2, 0, 0],  // Ended twice.
        [3, 2, 0, 0, 1, 2, 1, 0, 9],  // Data after the end.
    ] as [[UInt8]])
    func hostileFramesAreRefused(_ bytes: [UInt8]) {
        var channel = Channel()
        _ = channel.guest.open()
        _ = channel.toHost()
        channel.host.append(bytes)
        #expect(Channel.steps(&channel.host).last == .malformed)
    }

    @Test func moreThanTheWindowIsRefused() {
        var host = StreamMultiplexer(side: .host)
        for _ in 0..<2 { host.append([1, 1, 0, 128] + [UInt8](repeating: 1, count: 32_768)) }
        #expect(!Channel.steps(&host).contains(.malformed))
        host.append([1, 1, 1, 0, 1])
        #expect(Channel.steps(&host) == [.malformed])
    }

    @Test func theHostOpensNothing() {
        var guest = StreamMultiplexer(side: .guest)
        guest.append([2, 2, 0, 0])
        #expect(Channel.steps(&guest) == [.malformed])
        var host = StreamMultiplexer(side: .host)
        #expect(host.open() == nil)
    }
}
