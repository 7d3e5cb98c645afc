import CloisterCore
import CloisterServiceKit
import Crypto
import Foundation
import Logging
import Synchronization
import Testing

@testable import CloisterDynamoDB

/// KMS, as far as DynamoDB needs it: two keys in memory that can be disabled, and a record of who asked for what.
final class MemoryKeys: KeyService {
    private struct State {
        var disabled: Set<String> = []
        var contexts: [[String: String]] = []
    }

    private static let material = ["own": SymmetricKey(size: .bits256), "customer": SymmetricKey(size: .bits256)]
    private let state = Mutex(State())

    static let customerKey = "arn:aws:kms:eu-central-1:000000000000:key/customer"

    func disable(_ name: String) { state.withLock { _ = $0.disabled.insert(name) } }
    func enable(_ name: String) { state.withLock { _ = $0.disabled.remove(name) } }
    var contexts: [[String: String]] { state.withLock(\.contexts) }

    func encrypt(
        _ plaintext: [UInt8], under key: String, context: [String: String], for caller: Caller
    ) async throws(ServiceError) -> [UInt8] {
        let name = try name(key)
        try check(name, context)
        guard let material = MemoryKeys.material[name],
            let box = try? AES.GCM.seal(plaintext, using: material, authenticating: data(context)).combined
        else { throw ServiceError("NotFoundException", status: 400, message: "no such key") }
        return Array((name + ":").utf8) + Array(box)
    }

    func decrypt(
        _ blob: [UInt8], context: [String: String], for caller: Caller
    ) async throws(ServiceError) -> [UInt8] {
        let parts = blob.split(separator: UInt8(ascii: ":"), maxSplits: 1)
        let name = String(decoding: parts.first ?? [], as: UTF8.self)
        try check(name, context)
        guard parts.count == 2, let material = MemoryKeys.material[name],
            let box = try? AES.GCM.SealedBox(combined: Data(parts[1])),
            let plaintext = try? AES.GCM.open(box, using: material, authenticating: data(context))
        else { throw ServiceError("InvalidCiphertextException", status: 400, message: "") }
        return Array(plaintext)
    }

    func keyARN(_ key: String, for caller: Caller) async throws(ServiceError) -> String {
        "arn:aws:kms:eu-central-1:000000000000:key/\(try name(key))"
    }

    private func name(_ key: String) throws(ServiceError) -> String {
        if key == "alias/aws/dynamodb" { return "own" }
        if key == MemoryKeys.customerKey { return "customer" }
        throw ServiceError("NotFoundException", status: 400, message: "\(key) does not exist")
    }

    private func check(_ name: String, _ context: [String: String]) throws(ServiceError) {
        let isDisabled = state.withLock { state in
            state.contexts.append(context)
            return state.disabled.contains(name)
        }
        if isDisabled { throw ServiceError("DisabledException", status: 400, message: "\(name) is disabled.") }
    }

    private func data(_ context: [String: String]) -> Data {
        Data(context.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: "&").utf8)
    }
}

/// Records every question, and refuses what it is told to refuse.
final class RecordingAuthorizer: Authorizer {
    private let state = Mutex<(requests: [AccessRequest], denied: Set<String>)>(([], []))

    func deny(_ action: String) { state.withLock { _ = $0.denied.insert(action) } }
    var requests: [AccessRequest] { state.withLock(\.requests) }

    func authorize(_ request: AccessRequest, for caller: Caller) async throws(ServiceError) {
        let isDenied = state.withLock { state in
            state.requests.append(request)
            return state.denied.contains(request.action) || state.denied.contains("*")
        }
        if isDenied { throw ServiceError("AccessDeniedException", status: 400, message: "denied by the test") }
    }
}

/// A service on a directory of its own, with a clock that stands still.
final class Fixture: Sendable {
    let directory: String
    let keys: MemoryKeys
    let authorizer: RecordingAuthorizer
    let service: DynamoDBService
    let account: String

    init(directory: String? = nil, keys: MemoryKeys = MemoryKeys(), account: String = "000000000000") throws {
        let path = directory ?? NSTemporaryDirectory() + "dynamodb-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let clock = Clock()
        self.directory = path
        self.keys = keys
        self.account = account
        authorizer = RecordingAuthorizer()
        self.time = clock
        service = try DynamoDBService(
            directory: path, keys: keys, authorizer: authorizer, now: { clock.now })
    }

    let time: Clock

    final class Clock: Sendable {
        private let value = Mutex<Int64>(1_700_000_000_000)
        var now: Int64 { value.withLock { $0 } }
        func advance(seconds: Int64) { value.withLock { $0 += seconds * 1_000 } }
    }

    func remove() {
        try? service.storage.close()
        // Best effort: the directory is of this test alone.
        try? FileManager.default.removeItem(atPath: directory)
    }

    func respond(_ operation: String, _ body: String, account: String? = nil, region: String = "eu-central-1") async throws
        -> (status: Int, body: JSON, response: ServiceResponse)
    {
        let caller = Caller(
            account: try #require(AccountID(account ?? self.account)), region: region,
            principalARN: "arn:aws:iam::\(account ?? self.account):user/test", accessKeyID: "AKIATEST")
        let response = await service.respond(
            to: ServiceRequest(
                method: "POST", path: "/", headers: [(name: "x-amz-target", value: "DynamoDB_20120810." + operation)],
                body: Array(body.utf8), caller: caller, requestID: RequestID("test")))
        let json = try #require(JSONReader.read(response.body), "the answer is no JSON")
        return (response.status, json, response)
    }

    /// The answer of a call that must succeed.
    @discardableResult
    func call(_ operation: String, _ body: String, account: String? = nil) async throws -> JSON {
        let (status, json, _) = try await respond(operation, body, account: account)
        try #require(status == 200, "\(operation): \(String(decoding: json.bytes, as: UTF8.self))")
        return json
    }

    /// The name and the message of a call that must fail.
    func failure(_ operation: String, _ body: String, account: String? = nil) async throws -> String {
        let (status, json, _) = try await respond(operation, body, account: account)
        try #require(status != 200, "\(operation) succeeded: \(String(decoding: json.bytes, as: UTF8.self))")
        let type = try #require(json["__type"]?.string).split(separator: "#").last.map(String.init) ?? ""
        return "\(type): \(json["message"]?.string ?? json["Message"]?.string ?? "")"
    }

    static let keys = """
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"}, {"AttributeName": "g", "AttributeType": "S"},
            {"AttributeName": "n", "AttributeType": "N"}],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        "GlobalSecondaryIndexes": [{"IndexName": "by-g", "Projection": {"ProjectionType": "KEYS_ONLY"},
            "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}]}],
        "LocalSecondaryIndexes": [{"IndexName": "by-n", "Projection": {"ProjectionType": "ALL"},
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "n", "KeyType": "RANGE"}]}]
        """

    /// A table with string keys pk and sk, a global index over g and a local one over n.
    func createTable(_ name: String = "things", _ more: String = "", account: String? = nil) async throws {
        try await call(
            "CreateTable",
            "{\"TableName\": \"\(name)\", \"BillingMode\": \"PAY_PER_REQUEST\", \(Fixture.keys)\(more)}",
            account: account)
    }

    func put(_ item: String, in table: String = "things", _ more: String = "", account: String? = nil) async throws {
        try await call("PutItem", "{\"TableName\": \"\(table)\", \"Item\": \(item)\(more)}", account: account)
    }

    func get(_ pk: String, _ sk: String, from table: String = "things", account: String? = nil) async throws -> JSON? {
        try await call(
            "GetItem",
            "{\"TableName\": \"\(table)\", \"Key\": {\"pk\": {\"S\": \"\(pk)\"}, \"sk\": {\"S\": \"\(sk)\"}}}",
            account: account)["Item"]
    }
}

extension JSON {
    var string: String? {
        if case .string(let text) = self { text.string } else { nil }
    }

    var elements: [JSON] {
        if case .array(let elements) = self { elements } else { [] }
    }

    var number: String? {
        if case .number(let text) = self { text } else { nil }
    }
}

/// A value in JSON's own notation.
func json(_ text: String) throws -> JSON { try #require(JSONReader.read(Array(text.utf8))) }

func item(_ text: String) throws -> Item { try AttributeValueCoding.item(try json(text)) }
