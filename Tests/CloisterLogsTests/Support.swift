import CloisterCore
import CloisterServiceKit
import Foundation
import Synchronization
import Testing

@testable import CloisterLogs

/// A directory of its own for each test, removed in the end.
final class ScratchDirectory: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "/cloister-logs-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// Time that stands still unless moved.
final class TestTime: Sendable {
    private let milliseconds: Mutex<Int64>

    init(_ start: Int64 = 1_700_000_000_000) { milliseconds = Mutex(start) }

    var now: Int64 { milliseconds.withLock { $0 } }

    func advance(by amount: Int64) { milliseconds.withLock { $0 += amount } }
}

struct StoreFixture {
    let directory: ScratchDirectory
    let time: TestTime
    let store: LogStore

    init(_ configuration: LogStore.Configuration = LogStore.Configuration()) throws {
        let directory = try ScratchDirectory()
        let time = TestTime()
        self.directory = directory
        self.time = time
        store = try LogStore(directory: directory.path, configuration: configuration, now: { time.now })
    }

    func append(_ messages: [String], stream: String = "s", tenant: String? = nil, at timestamp: Int64? = nil) {
        let records = messages.map { record($0, tenant: tenant, at: timestamp) }
        store.append(records, region: "eu-west-1", group: "/aws/lambda/f", stream: stream)
    }

    func record(_ message: String, tenant: String? = nil, at timestamp: Int64? = nil) -> LogRecord {
        LogRecord(
            timestamp: timestamp ?? time.now, message: message, tenant: tenant.flatMap { TenantID($0) },
            requestID: RequestID("r-\(message.prefix(8))"))
    }

    func read(
        _ scope: LogQuery.Scope = .group(streams: nil, prefix: nil), tenant: String? = nil, limit: Int = 10_000,
        beyond: LogPosition? = nil
    ) async throws -> LogPage {
        try await store.records(
            LogQuery(
                region: "eu-west-1", group: "/aws/lambda/f", scope: scope, tenant: tenant.flatMap { TenantID($0) },
                beyond: beyond, limit: limit))
    }

    func messages(_ scope: LogQuery.Scope = .group(streams: nil, prefix: nil), tenant: String? = nil) async throws -> [String] {
        try await read(scope, tenant: tenant).records.map(\.message)
    }
}

/// Calls the service as a client does and reads what a client would read.
struct ServiceFixture {
    struct Answer {
        let status: Int
        let body: [String: Any]

        var type: String? { body["__type"] as? String }
        var message: String? { body["message"] as? String }
        func text(_ name: String) -> String? { body[name] as? String }
        func list(_ name: String) -> [[String: Any]] { body[name] as? [[String: Any]] ?? [] }
        func texts(_ list: String, _ member: String) -> [String] { self.list(list).compactMap { $0[member] as? String } }
    }

    let logs: StoreFixture
    let service: LogsService

    init() throws {
        logs = try StoreFixture()
        service = LogsService(store: logs.store)
    }

    func call(_ operation: String, _ input: [String: Any] = [:], region: String = "eu-west-1") async throws -> Answer {
        let body = try JSONSerialization.data(withJSONObject: input)
        return try await send("Logs_20140328.\(operation)", [UInt8](body), region: region)
    }

    func send(_ target: String, _ body: [UInt8], region: String = "eu-west-1") async throws -> Answer {
        let caller = Caller(
            account: .default, region: region, principalARN: "arn:aws:iam::000000000000:user/admin", accessKeyID: "AKIA")
        let response = await service.respond(
            to: ServiceRequest(
                method: "POST", path: "/", headers: [(name: "x-amz-target", value: target)], body: body, caller: caller,
                requestID: RequestID("r")))
        #expect(response.headers.first { $0.name == "Content-Type" }?.value == "application/x-amz-json-1.1")
        let value = try JSONSerialization.jsonObject(with: Data(response.body))
        return Answer(status: response.status, body: try #require(value as? [String: Any]))
    }

    /// A group `g` with a stream `s` and these events, one a second, the last of them now.
    func prepare(_ messages: [String] = []) async throws {
        #expect(try await call("CreateLogGroup", ["logGroupName": "g"]).status == 200)
        #expect(try await call("CreateLogStream", ["logGroupName": "g", "logStreamName": "s"]).status == 200)
        guard !messages.isEmpty else { return }
        let start = logs.time.now - Int64(messages.count - 1) * 1_000
        let events: [[String: Any]] = messages.enumerated().map { ["timestamp": start + Int64($0) * 1_000, "message": $1] }
        let answer = try await call("PutLogEvents", ["logGroupName": "g", "logStreamName": "s", "logEvents": events])
        #expect(answer.status == 200)
    }
}
