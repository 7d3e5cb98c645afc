import CloisterCore
import CloisterServiceKit
import Foundation
import Synchronization
import Testing

@testable import CloisterIAM

/// Seeded, so that a failure can be had again.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}

func principal(_ arn: String = "arn:aws:iam::000000000000:user/ann", role: String? = nil, service: String? = nil) -> PolicyPrincipal {
    PolicyPrincipal(account: "000000000000", arn: arn, roleARN: role, service: service)
}

/// A store that forgets, for tests that aren't about the disk.
actor MemoryDocuments: DocumentStore {
    private var all: [DocumentKey: Document] = [:]
    private var isFailing = false

    func fail(_ isFailing: Bool) { self.isFailing = isFailing }

    func document(_ key: DocumentKey) async throws(StoreError) -> Document? { all[key] }

    func documents(kind: String, prefix: String, after: String?, limit: Int) async throws(StoreError) -> [Document] {
        Array(
            all.values.filter { $0.key.kind == kind && $0.key.name.hasPrefix(prefix) && $0.key.name > after ?? "" }
                .sorted { $0.key.name < $1.key.name }.prefix(limit))
    }

    func apply(_ changes: [DocumentChange]) async throws(StoreError) {
        if isFailing { throw StoreError(.unavailable, "the disk is full") }
        for change in changes {
            all[change.key] = change.body.map { Document(key: change.key, revision: (all[change.key]?.revision ?? 0) + 1, body: $0) }
        }
    }
}

/// Keeps what it sees.
final class RecordingObserver: AccessObserver {
    private let seen = Mutex<[AccessEvent]>([])

    func observed(_ event: AccessEvent) { seen.withLock { $0.append(event) } }

    var events: [AccessEvent] { seen.withLock { $0 } }
}

final class TestTime: Sendable {
    private let seconds = Mutex<Int64>(1_700_000_000)

    var now: Int64 { seconds.withLock { $0 } }

    func advance(_ amount: Int64) { seconds.withLock { $0 += amount } }
}

/// IAM and STS with an administrator, called as clients do.
struct Fixture {
    static let administratorKey = "AKIAADMINISTRATOR000"
    static let region = "eu-west-1"

    struct Answer {
        let status: Int
        let body: String
        let headers: [(name: String, value: String)]

        /// The text of the first element of that name.
        func text(_ name: String) -> String? {
            guard let start = body.range(of: "<\(name)>"), let end = body.range(of: "</\(name)>", range: start.upperBound..<body.endIndex)
            else { return nil }
            return String(body[start.upperBound..<end.lowerBound])
        }

        var code: String? { text("Code") }
        var message: String? { text("Message") }
    }

    let documents: any DocumentStore
    let time = TestTime()
    let observer = RecordingObserver()
    let store: IAMStore
    let directory: IAMCredentialDirectory
    let authorizer: IAMAuthorizer
    let issuer: SessionIssuer
    let iam: IAMService
    let sts: STSService

    init(
        documents: any DocumentStore = MemoryDocuments(), rootKey: [UInt8] = Array(0..<32),
        unmanagedRoles: UnmanagedRoles = .powerUser, boundary: TenantBoundary = .standard
    ) async throws {
        self.documents = documents
        let time = time
        store = IAMStore(account: .default, documents: documents, rootKey: rootKey)
        try await store.load()
        directory = IAMCredentialDirectory(
            store: store, administrators: [.init(id: Fixture.administratorKey, secret: "s")], observer: observer, now: { time.now })
        authorizer = IAMAuthorizer(
            store: store, boundary: boundary, unmanagedRoles: unmanagedRoles, observer: observer, now: { time.now })
        issuer = SessionIssuer(store: store, now: { time.now })
        iam = IAMService(store: store, authorizer: authorizer, now: { time.now })
        sts = STSService(issuer: issuer, authorizer: authorizer)
    }

    func administrator() throws -> Caller { try caller(Fixture.administratorKey, nil) }

    func caller(_ id: String, _ token: String?, channel: CallChannel = .front) throws -> Caller {
        var caller = try directory.credential(accessKeyID: id, sessionToken: token, channel: channel).caller
        caller.region = Fixture.region
        return caller
    }

    func call(_ service: any Service, _ action: String, _ parameters: [String: String] = [:], as caller: Caller? = nil) async throws -> Answer {
        let version = service.signingName == "iam" ? "2010-05-08" : "2011-06-15"
        let form = parameters.merging(["Action": action, "Version": version]) { $1 }.map { name, value in
            let allowed = CharacterSet.alphanumerics
            return "\(name)=\(value.addingPercentEncoding(withAllowedCharacters: allowed) ?? "")"
        }
        let caller = try caller ?? administrator()
        let response = await service.respond(
            to: ServiceRequest(
                method: "POST", path: "/", body: Array(form.joined(separator: "&").utf8), caller: caller,
                requestID: RequestID("r")))
        return Answer(status: response.status, body: String(decoding: response.body, as: UTF8.self), headers: response.headers)
    }

    @discardableResult
    func ok(_ action: String, _ parameters: [String: String] = [:], as caller: Caller? = nil) async throws -> Answer {
        let answer = try await call(iam, action, parameters, as: caller)
        #expect(answer.status == 200, "\(action): \(answer.body)")
        return answer
    }

    static func policy(effect: String = "Allow", _ action: String, on resource: String = "*", _ more: String = "") -> String {
        #"{"Version":"2012-10-17","Statement":[{"Effect":"\#(effect)","Action":"\#(action)","Resource":"\#(resource)"\#(more)}]}"#
    }

    static func trust(_ principal: String, _ more: String = "", actions: String = #"["sts:AssumeRole","sts:TagSession"]"#) -> String {
        #"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":\#(principal),"Action":\#(actions)\#(more)}]}"#
    }

    static let root = #"{"AWS":"arn:aws:iam::000000000000:root"}"#

    /// A user with a key, who calls.
    func user(_ name: String, policy: String? = nil) async throws -> Caller {
        try await ok("CreateUser", ["UserName": name])
        if let policy { try await ok("PutUserPolicy", ["UserName": name, "PolicyName": "p", "PolicyDocument": policy]) }
        let key = try await ok("CreateAccessKey", ["UserName": name])
        return try caller(try #require(key.text("AccessKeyId")), nil)
    }

    func role(_ name: String, trust: String = Fixture.trust(Fixture.root), policy: String? = nil) async throws {
        try await ok("CreateRole", ["RoleName": name, "AssumeRolePolicyDocument": trust])
        if let policy { try await ok("PutRolePolicy", ["RoleName": name, "PolicyName": "p", "PolicyDocument": policy]) }
    }

    func assume(_ role: String, _ parameters: [String: String] = [:], as caller: Caller? = nil) async throws -> Answer {
        let all = parameters.merging(["RoleArn": "arn:aws:iam::000000000000:role/\(role)", "RoleSessionName": "session"]) { given, _ in given }
        return try await call(sts, "AssumeRole", all, as: caller)
    }

    func session(_ answer: Answer, channel: CallChannel = .front) throws -> Caller {
        let id = try #require(answer.text("AccessKeyId"), "\(answer.body)")
        return try caller(id, answer.text("SessionToken"), channel: channel)
    }

    /// What leaves an environment of function `f`, whose role is `role`, bound to `tenant`.
    func environment(_ tenant: String?, role: String = "unknown", id: String = "e1", isIsolated: Bool = true) throws -> Caller {
        let function = "arn:aws:lambda:eu-west-1:000000000000:function:f"
        let place = CallerEnvironment(
            id: EnvironmentID(id), functionARN: function, tenant: tenant.flatMap { TenantID($0) }, isTenantIsolated: isIsolated)
        let credentials = issuer.credentials(
            environment: place.id, functionARN: function, functionName: "f", roleARN: "arn:aws:iam::000000000000:role/\(role)")
        return try caller(credentials.accessKeyID, credentials.sessionToken, channel: .environment(place))
    }

    func isAllowed(_ action: String, _ resource: String = "*", _ conditions: [String: [String]] = [:], as caller: Caller) -> Bool {
        do {
            try authorizer.decide(AccessRequest(action: action, resource: resource, conditions: conditions), for: caller)
            return true
        } catch {
            return false
        }
    }

    func denial(_ request: AccessRequest, as caller: Caller) -> ServiceError? {
        do throws(ServiceError) {
            try authorizer.decide(request, for: caller)
            return nil
        } catch {
            return error
        }
    }
}
