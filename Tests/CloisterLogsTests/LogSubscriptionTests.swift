import CloisterCore
import Testing

@testable import CloisterLogs

@Suite struct LogSubscriptionTests {
    @Test func subscribersGetWhatTheirFilterWants() async throws {
        let logs = try StoreFixture()
        let pattern = try LogFilterPattern("ERROR")
        let stream = try logs.store.subscribe(
            LogSubscriptionFilter(
                region: "eu-west-1", groups: ["/aws/lambda/f"], streams: ["1"], tenant: TenantID("a"), pattern: pattern))
        logs.append(["ERROR 1", "INFO"], stream: "1", tenant: "a")
        logs.append(["ERROR 2"], stream: "1", tenant: "b")
        logs.append(["ERROR 3"], stream: "2", tenant: "a")
        logs.append(["ERROR 4"], stream: "1", tenant: "a")
        try await logs.store.flush()
        var iterator = stream.makeAsyncIterator()
        #expect(await iterator.next()?.message == "ERROR 1")
        #expect(await iterator.next()?.message == "ERROR 4")
    }

    @Test func aSlowSubscriberLosesAndLearnsHowMany() async throws {
        var configuration = LogStore.Configuration()
        configuration.subscriberRecordsMax = 2
        let logs = try StoreFixture(configuration)
        let stream = try logs.store.subscribe(LogSubscriptionFilter(region: "eu-west-1", groups: ["/aws/lambda/f"]))
        logs.append(["1", "2", "3", "4", "5"])
        try await logs.store.flush()
        var iterator = stream.makeAsyncIterator()
        #expect(await iterator.next()?.message == "1")
        #expect(await iterator.next()?.message == "2")
        logs.append(["6"])
        try await logs.store.flush()
        let next = await iterator.next()
        #expect(next?.message == "6" && next?.skippedBefore == 3)
    }

    @Test func thereIsAMostOfSubscribersAndLeavingMakesRoom() throws {
        let logs = try StoreFixture()
        let filter = LogSubscriptionFilter(region: "r", groups: [])
        var streams = try (0..<64).map { _ in try logs.store.subscribe(filter) }
        #expect(throws: LogStoreError(.tooManySubscribers)) { try logs.store.subscribe(filter) }
        streams.removeAll()
        _ = try logs.store.subscribe(filter)
    }
}
