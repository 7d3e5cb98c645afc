import CloisterCore
import CloisterServiceKit
import Foundation
import Testing

@testable import CloisterLogs

@Suite struct LogStoreTests {
    @Test func readsSeeWhatWasAppendedBefore() async throws {
        let logs = try StoreFixture()
        logs.append(["one", "two"])
        #expect(try await logs.messages() == ["one", "two"])
        logs.append(["three"])
        #expect(try await logs.messages(.stream("s")) == ["one", "two", "three"])
    }

    @Test func recordsKeepTenantAndRequest() async throws {
        let logs = try StoreFixture()
        logs.append(["init"])
        logs.append(["start"], tenant: "acme")
        let records = try await logs.read().records
        #expect(records.map(\.tenant) == [nil, TenantID("acme")])
        #expect(records.map(\.requestID) == [RequestID("r-init"), RequestID("r-start")])
        #expect(records.allSatisfy { $0.group == "/aws/lambda/f" && $0.stream == "s" && $0.region == "eu-west-1" })
    }

    @Test func oneTenantsQuerySeesNoOther() async throws {
        let logs = try StoreFixture()
        logs.append(["a1"], stream: "1", tenant: "a")
        logs.append(["b1"], stream: "2", tenant: "b")
        logs.append(["none"], stream: "3")
        logs.append(["a2"], stream: "1", tenant: "a")
        #expect(try await logs.messages(tenant: "a") == ["a1", "a2"])
        #expect(try await logs.messages(tenant: "b") == ["b1"])
        #expect(try await logs.messages(tenant: "c") == [])
    }

    @Test func streamsAreMergedByTimeAndArrival() async throws {
        let logs = try StoreFixture()
        logs.append(["c"], stream: "1", at: 30)
        logs.append(["a"], stream: "2", at: 10)
        _ = try await logs.read()
        logs.append(["b", "b2"], stream: "1", at: 20)
        logs.append(["c2"], stream: "2", at: 30)
        #expect(try await logs.messages() == ["a", "b", "b2", "c", "c2"])
        #expect(try await logs.messages(.group(streams: ["2"], prefix: nil)) == ["a", "c2"])
        #expect(try await logs.messages(.group(streams: nil, prefix: "1")) == ["b", "b2", "c"])
        #expect(try await logs.messages(.group(streams: nil, prefix: "%")) == [])
    }

    @Test(arguments: [1, 2, 3, 7, 100]) func pagesGiveEveryRecordOnceInOrder(limit: Int) async throws {
        let logs = try StoreFixture()
        var random = SeededRandom(seed: 42)
        for index in 0..<200 {
            logs.append(["\(index)"], stream: "\(index % 3)", at: Int64.random(in: 0..<50, using: &random) * 30_000)
            if index % 17 == 0 { try await logs.store.flush() }
        }
        let all = try await logs.read().records
        #expect(all.count == 200)
        #expect(all.map(\.position) == all.map(\.position).sorted())
        #expect(try await allPages(logs, .group(streams: nil, prefix: nil), limit: limit) == all)
        let backward = try await allPages(logs, .streamBackward("1"), limit: limit)
        #expect(Set(backward.map(\.position)) == Set(all.filter { $0.stream == "1" }.map(\.position)))
    }

    private func allPages(_ logs: StoreFixture, _ scope: LogQuery.Scope, limit: Int) async throws -> [StoredLogRecord] {
        var records: [StoredLogRecord] = []
        var beyond: LogPosition?
        for _ in 0..<1_000 {
            let page = try await logs.read(scope, limit: limit, beyond: beyond)
            #expect(page.records.count <= limit)
            records += page.records
            guard let next = page.next else { return records }
            beyond = next
        }
        Issue.record("paging does not end")
        return records
    }

    @Test func pagesHoldAtMostOneMebibyte() async throws {
        let logs = try StoreFixture()
        for index in 0..<30 { logs.append([String(repeating: "x", count: 100_000)], at: Int64(index)) }
        let page = try await logs.read()
        #expect(page.records.count == 10)
        #expect(page.next == page.records.last?.position)
        #expect(try await allPages(logs, .stream("s"), limit: 10_000).count == 30)
    }

    @Test func longMessagesAreCut() async throws {
        let logs = try StoreFixture()
        logs.append([String(repeating: "x", count: 300_000)])
        #expect(try await logs.messages().first?.utf8.count == 262_144)
    }

    @Test func aFullBufferDropsAndReportsInTheStream() async throws {
        var configuration = LogStore.Configuration()
        configuration.bufferRecordsMax = 3
        let logs = try StoreFixture(configuration)
        for index in 0..<10 { logs.append(["\(index)"]) }
        #expect(logs.store.droppedRecords == 7)
        let messages = try await logs.messages()
        #expect(messages.prefix(3) == ["0", "1", "2"])
        let report = try #require(try JSONSerialization.jsonObject(with: Data(messages[3].utf8)) as? [String: Any])
        #expect(report["type"] as? String == "platform.logsDropped")
        #expect((report["record"] as? [String: Any])?["droppedRecords"] as? Int == 7)
        #expect(report["time"] as? String == "2023-11-14T22:13:20.000Z")
    }

    @Test func theOldestGoWhenTheSizeIsReached() async throws {
        var configuration = LogStore.Configuration()
        configuration.sizeBytesMax = 100_000
        let logs = try StoreFixture(configuration)
        for index in 0..<50 {
            logs.append(["\(index) " + String(repeating: "x", count: 10_000)], stream: "stream \(index)")
            try await logs.store.flush()
        }
        let kept = try await logs.messages().map { $0.prefix { $0 != " " } }
        #expect(kept.last == "49" && kept.count < 10 && kept.count > 5)
        #expect(kept == (50 - kept.count..<50).map { "\($0)"[...] })
        let group = try await logs.store.group(region: "eu-west-1", name: "/aws/lambda/f")
        #expect(group.storedBytes <= 100_000 && group.storedBytes > 50_000)
        let streams = try await logs.store.streams(
            region: "eu-west-1", group: "/aws/lambda/f", order: .name(after: nil), isDescending: false, limit: 100)
        #expect(streams.count == kept.count)
    }

    @Test func retentionHidesAtOnceAndRemovesLater() async throws {
        let logs = try StoreFixture()
        logs.append(["old"], stream: "old")
        try await logs.store.flush()
        logs.time.advance(by: 2 * 86_400_000)
        logs.append(["new"], stream: "new")
        #expect(try await logs.messages() == ["old", "new"])
        try await logs.store.setRetention(region: "eu-west-1", group: "/aws/lambda/f", days: 1)
        #expect(try await logs.messages() == ["new"])
        logs.time.advance(by: 86_400_001)
        #expect(try await logs.messages() == [])
        let group = try await logs.store.group(region: "eu-west-1", name: "/aws/lambda/f")
        #expect(group.storedBytes == 0)
    }

    @Test func aCopyOfTheFilesAtAnyMomentOpensWithAllThatWasFlushed() async throws {
        let logs = try StoreFixture()
        logs.append(["kept"], tenant: "a")
        try await logs.store.flush()
        logs.append(["only in memory"])
        // What a kill leaves: the files as they are, write-ahead log and all, with nothing closed.
        let copy = try ScratchDirectory()
        for name in ["logs.db", "logs.db-wal"] {
            try FileManager.default.copyItem(atPath: "\(logs.directory.path)/\(name)", toPath: "\(copy.path)/\(name)")
        }
        let reopened = try LogStore(directory: copy.path)
        let page = try await reopened.records(
            LogQuery(region: "eu-west-1", group: "/aws/lambda/f", scope: .stream("s")))
        #expect(page.records.map(\.message) == ["kept"])
        #expect(reopened.tokenKey == logs.store.tokenKey)
    }

    @Test func positionsAreNotUsedAgainAfterDeletion() async throws {
        let logs = try StoreFixture()
        logs.append(["one"])
        let first = try #require(try await logs.read().records.first)
        try await logs.store.deleteGroup(region: "eu-west-1", name: "/aws/lambda/f")
        logs.append(["two"])
        let second = try #require(try await logs.read().records.first)
        #expect(second.position > first.position)
        #expect(second.message == "two")
    }

    @Test func groupsOfRegionsAreApart() async throws {
        let logs = try StoreFixture()
        logs.append(["here"])
        let query = LogQuery(region: "us-east-1", group: "/aws/lambda/f", scope: .group(streams: nil, prefix: nil))
        await #expect(throws: LogStoreError(.groupNotFound)) { try await logs.store.records(query) }
    }

    @Test func aCancelledReaderLosesNobodysRecords() async throws {
        let logs = try StoreFixture()
        for index in 0..<50 {
            logs.append(["\(index)"])
            let reader = Task { try await logs.read() }
            reader.cancel()
            _ = await reader.result
        }
        #expect(try await logs.messages() == (0..<50).map(String.init))
    }

    @Test func runWritesInTheBackgroundAndOnceMoreAtTheEnd() async throws {
        var configuration = LogStore.Configuration()
        configuration.flushInterval = .milliseconds(5)
        let logs = try StoreFixture(configuration)
        let subscription = try logs.store.subscribe(
            LogSubscriptionFilter(region: "eu-west-1", groups: ["/aws/lambda/f"]))
        let running = Task { await logs.store.run() }
        logs.append(["live"])
        var iterator = subscription.makeAsyncIterator()
        #expect(await iterator.next()?.message == "live")
        logs.append(["last"])
        running.cancel()
        await running.value
        #expect(await iterator.next()?.message == "last")
        #expect(await iterator.next() == nil)
    }
}

/// SplitMix64, so that a failing order can be had again.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}
