import CCloisterLinux
import CloisterIsolation
import Foundation
import Glibc
import Testing

@testable import CloisterMicroVM

/// The host's relay with guests that are played by the tests.
@Suite(.serialized) struct RelayTests {
    @Test func aConnectionReachesTheMachinesOwnListener() async throws {
        let relays = try ChannelRelays()
        let first = try PlayedGuest(relays)
        let second = try PlayedGuest(relays)
        #expect(first.guest.open() == 2)
        try first.send(2, Array("ask".utf8))
        let connection = try await first.accept()
        defer { close(connection) }
        #expect(try await PlayedGuest.read(connection, count: 3) == Array("ask".utf8))
        _ = Glibc.send(connection, "answer", 6, Int32(MSG_NOSIGNAL))
        shutdown(connection, Int32(SHUT_WR))
        let events = try await first.events(until: { $0 == .ended(2) })
        #expect(events.contains(.data(2, Array("answer".utf8))))
        #expect(Glibc.accept(second.listener, nil, nil) < 0 && errno == EAGAIN)
        // The clock came before everything else.
        guard case .notice(.moment(let moment)) = try #require(events.first) else { Issue.record("no moment"); return }
        #expect(abs(Double(moment.wallNanoseconds) / 1e9 - Date.now.timeIntervalSince1970) < 60)
        #expect(moment.seed.count == 32 && Set(moment.seed).count > 1)
        first.end(relays)
        second.end(relays)
    }

    @Test func nonsenseLosesTheMachineAndNoOther() async throws {
        let relays = try ChannelRelays()
        let hostile = try PlayedGuest(relays)
        let other = try PlayedGuest(relays)
        try hostile.write([9, 9, 0, 0])
        #expect(try await PlayedGuest.read(hostile.agent, count: 1).isEmpty, "the agent's stream must end")
        other.guest.send(.memory(.init(currentBytes: 1, peakBytes: 2, outOfMemoryKills: 3)))
        try other.send(0, [129, 0, 0, 0, 0])
        #expect(try await PlayedGuest.read(other.agent, count: 5) == [129, 0, 0, 0, 0])
        #expect(other.status.memory == .init(currentBytes: 1, peakBytes: 2, outOfMemoryKills: 3))
        hostile.end(relays)
        other.end(relays)
    }

    /// Says ever more without hearing the answers: the relay stops listening to it, and to it alone.
    @Test func aGuestThatNeverReadsIsNotListenedTo() async throws {
        let relays = try ChannelRelays()
        let hostile = try PlayedGuest(relays)
        let other = try PlayedGuest(relays)
        // Opened and closed again: the relay answers each close.
        let round: [UInt8] = [2, 2, 0, 0, 4, 2, 0, 0]
        let rounds = [[UInt8]](repeating: round, count: 4000).flatMap { $0 }
        var refusals = 0
        while refusals < 200 {
            let count = rounds.withUnsafeBytes { cloister_stream_write(hostile.channel, $0.baseAddress, $0.count) }
            guard count >= 0 else { break }
            if count > 0 { refusals = 0 }
            refusals += 1
            if count == 0 { try await Task.sleep(for: .milliseconds(2)) }
        }
        try other.send(0, [129, 0, 0, 0, 0])
        #expect(try await PlayedGuest.read(other.agent, count: 5) == [129, 0, 0, 0, 0])
        hostile.end(relays)
        other.end(relays)
    }

    @Test func outputWaitsForItsReaderAndLosesNothing() async throws {
        let relays = try ChannelRelays()
        let player = try PlayedGuest(relays)
        let whole = (0..<600_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        var sent = 0
        var received: [UInt8] = []
        while received.count < whole.count {
            let room = player.guest.room(StreamMultiplexer.outputStream)
            if room > 0, sent < whole.count {
                let end = min(whole.count, sent + room)
                try player.send(StreamMultiplexer.outputStream, Array(whole[sent..<end]))
                sent = end
            }
            received += try await PlayedGuest.read(player.output, count: 1, atMost: 50_000)
            _ = try player.pump()
        }
        #expect(received == whole)
        player.end(relays)
    }

    @Test func whatWasAskedIsSaidAnewAfterARestore() async throws {
        let relays = try ChannelRelays()
        let player = try PlayedGuest(relays)
        _ = player.guest.open()
        try player.send(2, Array("first".utf8))
        let connection = try await player.accept()
        defer { close(connection) }
        _ = try await PlayedGuest.read(connection, count: 5)
        _ = Glibc.send(connection, "done", 4, Int32(MSG_NOSIGNAL))
        _ = try await player.events(until: { $0 == .data(2, Array("done".utf8)) })
        try player.send(2, Array("second".utf8))
        _ = try await PlayedGuest.read(connection, count: 6)
        let number = player.number
        let asked = Task.detached { relays.quiesce(number, milliseconds: 30_000) }
        _ = try await player.events(until: { $0 == .notice(.quiesce) })
        player.guest.send(.quiescent)
        try player.flush()
        let channel = try #require(await asked.value)
        #expect(channel.requests == [2: Array("second".utf8)])
        let clone = try PlayedGuest(relays, restored: channel)
        let again = try await clone.accept()
        defer { close(again) }
        #expect(try await PlayedGuest.read(again, count: 6) == Array("second".utf8))
        player.end(relays)
        clone.end(relays)
    }
}

/// A machine whose guest is the test.
private final class PlayedGuest {
    struct Silence: Error {}

    var guest = StreamMultiplexer(side: .guest)
    let channel: Int32
    let listener: Int32
    let agent: Int32
    let output: Int32
    let status = MachineStatus()
    let number: RelayInbox.Number
    private let folder: String

    init(_ relays: ChannelRelays, restored: QuiescentChannel? = nil) throws {
        folder = "/var/tmp/cloister-relay-tests-" + UUID().uuidString
        mkdir(folder, 0o700)
        var descriptors = MachineDescriptors()
        let ends = try MachineEnds(directory: folder, &descriptors)
        var relay = StreamRelay(restored?.multiplexer ?? StreamMultiplexer(side: .host), channel: ends.channel)
        relay.attach(StreamMultiplexer.agentStream, ends.agent)
        relay.attach(StreamMultiplexer.outputStream, ends.output, isReadable: false)
        number = relays.add(RelayedMachine(relay: relay, folder: ends.folder, status: status, restored: restored))
        channel = ends.channelTheirs
        _ = fcntl(channel, F_SETFL, fcntl(channel, F_GETFL) | O_NONBLOCK)
        listener = ends.channels.runtimeListener
        agent = ends.channels.agent
        output = ends.channels.output
        for unused in [ends.control, ends.controlTheirs, ends.complaints, ends.complaintsTheirs] { close(unused) }
    }

    func end(_ relays: ChannelRelays) {
        relays.remove(number)
        for descriptor in [channel, listener, agent, output] { close(descriptor) }
        try? FileManager.default.removeItem(atPath: folder)
    }

    func write(_ bytes: [UInt8]) throws {
        guard Glibc.write(channel, bytes, bytes.count) == bytes.count else { throw Silence() }
    }

    func send(_ stream: Int, _ bytes: [UInt8]) throws {
        _ = bytes.withUnsafeBytes { guest.send(stream, $0) }
        try flush()
    }

    func flush() throws {
        for _ in 0..<5000 where !guest.outgoing.isEmpty {
            let count = guest.outgoing.withBytes { cloister_stream_write(channel, $0.baseAddress, $0.count) }
            guard count >= 0 else { throw Silence() }
            guest.wrote(count)
            if count == 0 { usleep(1000) }
        }
    }

    /// What has come, without waiting.
    func pump() throws -> [StreamMultiplexer.Event] {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = bytes.withUnsafeMutableBytes { cloister_stream_read(channel, $0.baseAddress, $0.count) }
        if count > 0 { bytes.withUnsafeBytes { guest.append(UnsafeRawBufferPointer(rebasing: $0[..<count])) } }
        var events: [StreamMultiplexer.Event] = []
        while case .event(let event) = guest.next() { events.append(event) }
        return events
    }

    func events(until isLast: (StreamMultiplexer.Event) -> Bool) async throws -> [StreamMultiplexer.Event] {
        var events: [StreamMultiplexer.Event] = []
        for _ in 0..<6000 {
            events += try pump()
            if events.contains(where: isLast) { return events }
            try await Task.sleep(for: .milliseconds(5))
        }
        throw Silence()
    }

    func accept() async throws -> Int32 {
        for _ in 0..<6000 {
            let connection = Glibc.accept(listener, nil, nil)
            if connection >= 0 { return connection }
            try await Task.sleep(for: .milliseconds(5))
        }
        throw Silence()
    }

    /// At least `count` bytes; fewer only at the end of file.
    static func read(_ descriptor: Int32, count: Int, atMost: Int = 4096) async throws -> [UInt8] {
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: atMost)
        for _ in 0..<6000 {
            let got = Glibc.read(descriptor, &chunk, chunk.count)
            if got == 0 { return bytes }
            if got > 0 { bytes += chunk[..<got] }
            if bytes.count >= count { return bytes }
            if got < 0 { try await Task.sleep(for: .milliseconds(5)) }
        }
        throw Silence()
    }
}
