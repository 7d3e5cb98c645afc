import CloisterCore
import CloisterServiceKit
import CloisterStore
import Foundation
import Synchronization
import Testing

@testable import CloisterKMS

/// A directory of its own for each test, removed in the end.
final class ScratchDirectory: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "/cloister-kms-\(UUID().uuidString)"
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
    static let denial = ServiceError("AccessDeniedException", status: 400, message: "not authorized")

    var asked: [AccessRequest] { requests.withLock { $0 } }

    /// `*` refuses everything.
    func deny(_ action: String) { denied.withLock { _ = $0.insert(action) } }
    func forget() { requests.withLock { $0 = [] } }

    func authorize(_ request: AccessRequest, for caller: Caller) async throws(ServiceError) {
        requests.withLock { $0.append(request) }
        let isDenied = denied.withLock { $0.contains(request.action) || $0.contains("*") }
        if isDenied { throw RecordingAuthorizer.denial }
    }
}

func testCaller(_ account: String = "111111111111", user: String = "admin", region: String = "eu-west-1") throws -> Caller {
    Caller(
        account: try #require(AccountID(account)), region: region,
        principalARN: "arn:aws:iam::\(account):user/\(user)", accessKeyID: "AKIA")
}

/// Calls the service as a client does and reads what a client would read.
struct ServiceFixture {
    struct Answer {
        let status: Int
        let body: [String: Any]

        var type: String? { body["__type"] as? String }
        var message: String? { body["message"] as? String }
        func text(_ name: String) -> String? { body[name] as? String }
        func bytes(_ name: String) -> Data? { text(name).flatMap { Data(base64Encoded: $0) } }
        func list(_ name: String) -> [[String: Any]] { body[name] as? [[String: Any]] ?? [] }
        var metadata: [String: Any] { body["KeyMetadata"] as? [String: Any] ?? [:] }
        var keyID: String { metadata["KeyId"] as? String ?? "" }
    }

    let directory: ScratchDirectory
    let time: TestTime
    let authorizer: RecordingAuthorizer
    let store: SQLiteStore
    let service: KMSService

    init(directory: ScratchDirectory? = nil, time: TestTime = TestTime(), rootKey: (any RootKey)? = nil) throws {
        let directory = try directory ?? ScratchDirectory()
        self.directory = directory
        self.time = time
        authorizer = RecordingAuthorizer()
        store = try SQLiteStore(path: directory.path + "/kms.db", erasesDeleted: true)
        service = KMSService(
            documents: store, rootKey: try rootKey ?? FileRootKey(path: directory.path + "/kms-root.key"),
            authorizer: authorizer, now: { time.now })
    }

    func call(_ operation: String, _ input: [String: Any] = [:], as caller: Caller? = nil) async throws -> Answer {
        let body = try JSONSerialization.data(withJSONObject: input)
        return try await send("TrentService.\(operation)", [UInt8](body), as: caller)
    }

    func send(_ target: String, _ body: [UInt8], as caller: Caller? = nil) async throws -> Answer {
        let response = await service.respond(
            to: ServiceRequest(
                method: "POST", path: "/", headers: [(name: "x-amz-target", value: target)], body: body,
                caller: try caller ?? testCaller(), requestID: RequestID("r")))
        #expect(response.headers.first { $0.name == "Content-Type" }?.value == "application/x-amz-json-1.1")
        let value = response.body.isEmpty ? [:] : try JSONSerialization.jsonObject(with: Data(response.body))
        return Answer(status: response.status, body: try #require(value as? [String: Any]))
    }

    /// Makes a key and gives its id.
    func makeKey(_ input: [String: Any] = [:], as caller: Caller? = nil) async throws -> String {
        let answer = try await call("CreateKey", input, as: caller)
        #expect(answer.status == 200, "\(answer.body)")
        return answer.keyID
    }
}

func base64(_ text: String) -> String { Data(text.utf8).base64EncodedString() }
func base64(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }
