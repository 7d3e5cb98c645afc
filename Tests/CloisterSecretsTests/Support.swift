import CloisterCore
import CloisterKMS
import CloisterServiceKit
import CloisterStore
import Foundation
import Synchronization
import Testing

@testable import CloisterSecrets

/// A directory of its own for each test, removed in the end.
final class ScratchDirectory: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "/cloister-secrets-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// Time that stands still unless moved.
final class TestTime: Sendable {
    private let milliseconds: Mutex<Int64>

    init(_ start: Int64 = 1_700_000_000_000) { milliseconds = Mutex(start) }

    var now: Int64 { milliseconds.withLock { $0 } }

    func advance(days: Int) { milliseconds.withLock { $0 += Int64(days) * 86_400_000 } }
}

/// Remembers what it was asked, and refuses what it is told to refuse.
final class RecordingAuthorizer: Authorizer {
    private let requests = Mutex<[AccessRequest]>([])
    private let denied = Mutex<Set<String>>([])

    var asked: [AccessRequest] { requests.withLock { $0 } }

    /// An action, a resource, or `*` for everything.
    func deny(_ what: String) { denied.withLock { _ = $0.insert(what) } }

    func authorize(_ request: AccessRequest, for caller: Caller) async throws(ServiceError) {
        requests.withLock { $0.append(request) }
        let isDenied = denied.withLock { !$0.isDisjoint(with: [request.action, request.resource, "*"]) }
        if isDenied { throw ServiceError("AccessDeniedException", status: 400, message: "not authorized") }
    }
}

/// A rotation function as the AWS templates write it, run in place.
final class RotationFunction: FunctionInvoker {
    private let state = Mutex<(steps: [String], failing: String?, service: SecretsService?)>(([], nil, nil))

    var steps: [String] { state.withLock { $0.steps } }

    func attach(_ service: SecretsService) { state.withLock { $0.service = service } }
    func fail(in step: String?) { state.withLock { $0.failing = step } }

    func invoke(functionARN: String, payload: [UInt8], for caller: Caller) async throws(ServiceError) -> FunctionResult {
        guard let event = try? JSONDecoder().decode([String: String].self, from: Data(payload)),
            let step = event["Step"], let secret = event["SecretId"], let token = event["ClientRequestToken"]
        else { return FunctionResult(payload: [], functionError: "Unhandled") }
        let (isFailing, service) = state.withLock { state in
            state.steps.append(step)
            return (state.failing == step, state.service)
        }
        guard !isFailing, let service else { return FunctionResult(payload: [], functionError: "Unhandled") }
        await run(step, secret, token, Client(service: service, caller: caller))
        return FunctionResult(payload: Array("null".utf8))
    }

    private func run(_ step: String, _ secret: String, _ token: String, _ client: Client) async {
        switch step {
        case "createSecret":
            let pending = try? await client.call(
                "GetSecretValue", ["SecretId": secret, "VersionId": token, "VersionStage": "AWSPENDING"])
            guard pending?.type == "ResourceNotFoundException" else { return }
            _ = try? await client.call(
                "PutSecretValue",
                ["SecretId": secret, "ClientRequestToken": token, "SecretString": "new", "VersionStages": ["AWSPENDING"]])
        case "finishSecret":
            let described = try? await client.call("DescribeSecret", ["SecretId": secret])
            let stages = described?.body["VersionIdsToStages"] as? [String: [String]] ?? [:]
            guard let current = stages.first(where: { $0.value.contains("AWSCURRENT") })?.key else { return }
            _ = try? await client.call(
                "UpdateSecretVersionStage",
                [
                    "SecretId": secret, "VersionStage": "AWSCURRENT", "MoveToVersionId": token,
                    "RemoveFromVersionId": current,
                ])
        default: break
        }
    }
}

/// Calls a service as a client does and reads what a client would read.
struct Client: Sendable {
    struct Answer {
        let status: Int
        let body: [String: Any]

        var type: String? { body["__type"] as? String }
        var message: String? { body["message"] as? String }
        func text(_ name: String) -> String? { body[name] as? String }
        func list(_ name: String) -> [[String: Any]] { body[name] as? [[String: Any]] ?? [] }
        var stages: [String: [String]] { body["VersionIdsToStages"] as? [String: [String]] ?? [:] }
    }

    let service: any Service
    let caller: Caller

    func call(_ operation: String, _ input: [String: Any] = [:]) async throws -> Answer {
        try await send(operation, [UInt8](try JSONSerialization.data(withJSONObject: input)))
    }

    func send(_ operation: String, _ body: [UInt8]) async throws -> Answer {
        let target = (service.targetPrefix ?? "") + operation
        let response = await service.respond(
            to: ServiceRequest(
                method: "POST", path: "/", headers: [(name: "x-amz-target", value: target)], body: body, caller: caller,
                requestID: RequestID("r")))
        let value = try JSONSerialization.jsonObject(with: Data(response.body))
        return Answer(status: response.status, body: try #require(value as? [String: Any]))
    }
}

struct Fixture {
    let directory: ScratchDirectory
    let time = TestTime()
    let authorizer = RecordingAuthorizer()
    let keyAuthorizer = RecordingAuthorizer()
    let function = RotationFunction()
    let service: SecretsService
    let kms: KMSService

    init() throws {
        let directory = try ScratchDirectory()
        self.directory = directory
        let time = time
        kms = KMSService(
            documents: try SQLiteStore(path: directory.path + "/kms.db"),
            rootKey: try FileRootKey(path: directory.path + "/root.key"), authorizer: keyAuthorizer, now: { time.now })
        service = SecretsService(
            documents: try SQLiteStore(path: directory.path + "/secrets.db"), keys: kms.keys(for: "secretsmanager"),
            authorizer: authorizer, functions: function, now: { time.now })
        function.attach(service)
    }

    static func caller(_ account: String = "111111111111") throws -> Caller {
        Caller(
            account: try #require(AccountID(account)), region: "eu-west-1",
            principalARN: "arn:aws:iam::\(account):user/admin", accessKeyID: "AKIA")
    }

    func call(_ operation: String, _ input: [String: Any] = [:], account: String = "111111111111") async throws -> Client.Answer {
        try await Client(service: service, caller: try Fixture.caller(account)).call(operation, input)
    }

    func keys(_ operation: String, _ input: [String: Any] = [:]) async throws -> Client.Answer {
        try await Client(service: kms, caller: try Fixture.caller()).call(operation, input)
    }
}

/// A token of the right length.
func token(_ digit: Character) -> String { String(repeating: String(digit), count: 32) }
