import CloisterCore
import CloisterServiceKit
import Foundation
import Testing

@testable import CloisterIAM

struct CredentialTests {
    private static let function = "arn:aws:lambda:eu-west-1:000000000000:function:f"

    private func place(_ id: String, _ tenant: String?) -> CallChannel {
        .environment(
            CallerEnvironment(
                id: EnvironmentID(id), functionARN: Self.function, tenant: tenant.flatMap { TenantID($0) }, isTenantIsolated: true))
    }

    private func issue(_ fixture: Fixture, _ environment: String, role: String = "r") -> TemporaryCredentials {
        fixture.issuer.credentials(
            environment: EnvironmentID(environment), functionARN: Self.function, functionName: "f",
            roleARN: "arn:aws:iam::000000000000:role/\(role)")
    }

    @Test func keysOfUsersEndWithTheirStatusAndTheirUser() async throws {
        let fixture = try await Fixture()
        try await fixture.ok("CreateUser", ["UserName": "ann"])
        let made = try await fixture.ok("CreateAccessKey", ["UserName": "ann"])
        let id = try #require(made.text("AccessKeyId"))
        let secret = try #require(made.text("SecretAccessKey"))
        let found = try fixture.directory.credential(accessKeyID: id, sessionToken: nil, channel: .front)
        #expect(found.secret == secret && secret.count == 40)
        #expect(found.caller.principalARN == "arn:aws:iam::000000000000:user/ann" && found.caller.principalType == .user)
        #expect(throws: CredentialRefusal.unknown) { try fixture.caller(id, "token") }
        try await fixture.ok("UpdateAccessKey", ["UserName": "ann", "AccessKeyId": id, "Status": "Inactive"])
        #expect(throws: CredentialRefusal.unknown) { try fixture.caller(id, nil) }
        try await fixture.ok("UpdateAccessKey", ["UserName": "ann", "AccessKeyId": id, "Status": "Active"])
        _ = try fixture.caller(id, nil)
        try await fixture.ok("DeleteAccessKey", ["UserName": "ann", "AccessKeyId": id])
        #expect(throws: CredentialRefusal.unknown) { try fixture.caller(id, nil) }
    }

    @Test func secretsAreKeptWrapped() async throws {
        let documents = MemoryDocuments()
        let fixture = try await Fixture(documents: documents)
        try await fixture.ok("CreateUser", ["UserName": "ann"])
        let made = try await fixture.ok("CreateAccessKey", ["UserName": "ann"])
        let secret = try #require(made.text("SecretAccessKey"))
        for document in try await documents.documents(kind: IAMState.userKind, prefix: "", after: nil, limit: 9) {
            #expect(!String(decoding: document.body, as: UTF8.self).contains(secret))
        }
        let id = try #require(made.text("AccessKeyId"))
        let again = try await Fixture(documents: documents)
        #expect(try again.directory.credential(accessKeyID: id, sessionToken: nil, channel: .front).secret == secret)
        let other = try await Fixture(documents: documents, rootKey: Array(repeating: 9, count: 32))
        #expect(throws: CredentialRefusal.unknown) { try other.caller(id, nil) }
        #expect(!"\(try again.directory.credential(accessKeyID: id, sessionToken: nil, channel: .front))".contains(secret))
    }

    @Test func environmentsCredentialsAreGoodOnTheirChannelOnly() async throws {
        let fixture = try await Fixture()
        try await fixture.role("r")
        let acme = issue(fixture, "e1")
        let globex = issue(fixture, "e2")
        let caller = try fixture.caller(acme.accessKeyID, acme.sessionToken, channel: place("e1", "acme"))
        #expect(caller.tenant == TenantID("acme") && caller.functionARN == Self.function)
        #expect(caller.principalTags == ["tenant_id": "acme"])
        #expect(caller.principalARN == "arn:aws:sts::000000000000:assumed-role/r/f")
        for (credentials, channel) in [(acme, CallChannel.front), (acme, place("e2", "globex")), (globex, place("e1", "acme"))] {
            #expect(throws: CredentialRefusal.foreignChannel) {
                try fixture.caller(credentials.accessKeyID, credentials.sessionToken, channel: channel)
            }
        }
        #expect(fixture.observer.events.map(\.kind) == [.stolenCredential, .stolenCredential, .stolenCredential])
        #expect(fixture.observer.events[0].reason.contains("e1"))
    }

    @Test func whatIsAssumedInAnEnvironmentStaysThere() async throws {
        let fixture = try await Fixture()
        try await fixture.role("r", policy: Fixture.policy("sts:*"))
        try await fixture.role("other", policy: Fixture.policy("dynamodb:*"))
        let caller = try fixture.environment("acme", role: "r")
        let assumed = try await fixture.assume("other", as: caller)
        #expect(assumed.status == 200, "\(assumed.body)")
        #expect(throws: CredentialRefusal.foreignChannel) { try fixture.session(assumed) }
        let session = try fixture.session(assumed, channel: place("e1", "acme"))
        #expect(session.tenant == TenantID("acme") && session.principalTags["tenant_id"] == "acme")
        let table = "arn:aws:dynamodb:eu-west-1:000000000000:table/t"
        #expect(fixture.isAllowed("dynamodb:GetItem", table, ["dynamodb:LeadingKeys": ["TENANT#acme"]], as: session))
        #expect(!fixture.isAllowed("dynamodb:GetItem", table, ["dynamodb:LeadingKeys": ["TENANT#globex"]], as: session))
        // Keys that were brought in are held as well.
        let user = try await fixture.user("ann", policy: Fixture.policy("dynamodb:*"))
        let inside = try fixture.caller(user.accessKeyID, nil, channel: place("e1", "acme"))
        #expect(!fixture.isAllowed("dynamodb:GetItem", table, ["dynamodb:LeadingKeys": ["TENANT#globex"]], as: inside))
    }

    @Test func tokensExpireAndCantBeForged() async throws {
        let fixture = try await Fixture()
        try await fixture.role("r")
        let one = try await fixture.assume("r")
        let two = try await fixture.assume("r")
        let id = try #require(one.text("AccessKeyId"))
        let token = try #require(one.text("SessionToken"))
        _ = try fixture.session(one)
        #expect(throws: CredentialRefusal.unknown) { try fixture.caller(id, nil) }
        #expect(throws: CredentialRefusal.unknown) { try fixture.caller(id, two.text("SessionToken")) }
        #expect(throws: CredentialRefusal.unknown) { try fixture.caller(id, "") }
        #expect(throws: CredentialRefusal.unknown) { try fixture.caller("ASIAAAAAAAAAAAAAAAAA", token) }
        var bytes = try #require(Data(base64Encoded: token))
        for index in stride(from: 0, to: bytes.count, by: 7) {
            bytes[index] ^= 1
            let forged = bytes.base64EncodedString()
            #expect(throws: CredentialRefusal.unknown) { try fixture.caller(id, forged) }
            bytes[index] ^= 1
        }
        fixture.time.advance(3_599)
        _ = try fixture.session(one)
        fixture.time.advance(1)
        #expect(throws: CredentialRefusal.expired) { try fixture.session(one) }
    }

    @Test func sessionsEndWithTheirRole() async throws {
        let fixture = try await Fixture()
        try await fixture.role("r")
        let answer = try await fixture.assume("r")
        _ = try fixture.session(answer)
        try await fixture.ok("DeleteRole", ["RoleName": "r"])
        #expect(throws: CredentialRefusal.unknown) { try fixture.session(answer) }
        try await fixture.role("r")
        #expect(throws: CredentialRefusal.unknown) { try fixture.session(answer) }
    }

    @Test func rootKeyFile() throws {
        let path = NSTemporaryDirectory() + "/cloister-iam-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let key = try RootKeyFile.readOrCreate(path: path)
        #expect(key.count == 32)
        #expect(try RootKeyFile.readOrCreate(path: path) == key)
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
        #expect(throws: RootKeyFileError.self) { try RootKeyFile.readOrCreate(path: path) }
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        try Data([1, 2]).write(to: URL(fileURLWithPath: path))
        #expect(throws: RootKeyFileError.self) { try RootKeyFile.readOrCreate(path: path) }
    }
}
