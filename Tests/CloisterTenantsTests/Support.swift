import CloisterCore
import CloisterServiceKit
import CloisterStore
import CloisterTenants
import Foundation
import Logging
import Synchronization
import Testing

/// The registry over a real store in a directory of its own, with a data plane that only records.
final class Harness: Sendable {
    static let region = "eu-central-1"

    let root: String
    let store: SQLiteStore
    let directory = RecordingDirectory()
    let registry: TenantRegistry
    let service: TenantService
    private let keepsFiles: Bool

    init(root: String? = nil) throws {
        self.root = root ?? NSTemporaryDirectory() + "cloister-tenants-\(UUID().uuidString)"
        keepsFiles = root != nil
        try FileManager.default.createDirectory(atPath: self.root, withIntermediateDirectories: true)
        store = try SQLiteStore(path: self.root + "/cloister.db")
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        registry = TenantRegistry(account: .default, documents: store, directory: directory, logger: logger)
        service = TenantService(registry: registry, logger: logger)
    }

    deinit {
        if !keepsFiles { try? FileManager.default.removeItem(atPath: root) }
    }

    static func caller(_ type: PrincipalType = .administrator) -> Caller {
        Caller(
            account: .default, region: region, principalARN: "arn:aws:iam::000000000000:user/administrator",
            accessKeyID: "AKIATEST", principalType: type)
    }

    /// `path`: behind `/_cloister/`, percent-encoded.
    @discardableResult
    func send(
        _ method: String, _ path: String, _ body: String = "", query: [(name: String, value: String)] = [],
        as caller: Caller = Harness.caller()
    ) async throws -> Answer {
        let response = await service.respond(
            to: ServiceRequest(
                method: method, path: "/_cloister/" + path, query: query, body: Array(body.utf8), caller: caller,
                requestID: RequestID("r")))
        let object = try response.body.isEmpty ? nil : JSONSerialization.jsonObject(with: Data(response.body))
        return Answer(
            status: response.status, error: response.headers.first { $0.name == "x-amzn-ErrorType" }?.value,
            body: object as? [String: Any] ?? [:])
    }

    func settings(_ tenant: String) -> TenantSettings? { directory.tenants[tenant] }
}

struct Answer {
    let status: Int
    let error: String?
    let body: [String: Any]

    var message: String { body["message"] as? String ?? "" }
    func object(_ key: String) -> [String: Any] { body[key] as? [String: Any] ?? [:] }
    func list(_ key: String) -> [[String: Any]] { body[key] as? [[String: Any]] ?? [] }
}

final class RecordingDirectory: TenantDirectory {
    private let state = Mutex<(tenants: [String: TenantSettings], forgotten: [String], calls: Int)>(([:], [], 0))

    func register(_ tenants: [TenantSettings]) async {
        state.withLock { state in
            state.calls += 1
            for settings in tenants { state.tenants[settings.tenant.rawValue] = settings }
        }
    }

    func unregister(_ tenants: [TenantID]) async {
        state.withLock { state in
            for tenant in tenants {
                state.tenants[tenant.rawValue] = nil
                state.forgotten.append(tenant.rawValue)
            }
        }
    }

    var tenants: [String: TenantSettings] { state.withLock { $0.tenants } }
    var forgotten: [String] { state.withLock { $0.forgotten } }
}
