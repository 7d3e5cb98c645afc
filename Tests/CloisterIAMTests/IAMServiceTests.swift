import CloisterCore
import CloisterServiceKit
import CloisterStore
import Foundation
import Testing

@testable import CloisterIAM

struct IAMServiceTests {
    @Test func answersAreInTheQueryProtocol() async throws {
        let fixture = try await Fixture()
        let made = try await fixture.ok("CreateUser", ["UserName": "ann", "Path": "/team/", "Tags.member.1.Key": "k", "Tags.member.1.Value": "v"])
        #expect(made.body.contains(#"<CreateUserResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><CreateUserResult><User><Path>/team/</Path>"#))
        #expect(XML.escaped("<&\"\u{1}>") == "&lt;&amp;&quot;?&gt;" && made.body.contains("<ResponseMetadata><RequestId>r</RequestId>"))
        let again = try await fixture.call(fixture.iam, "CreateUser", ["UserName": "Ann"])
        #expect(again.status == 409 && again.code == "EntityAlreadyExists" && again.text("Type") == "Sender")
        let missing = try await fixture.call(fixture.iam, "GetRole", ["RoleName": "x"])
        #expect(missing.status == 404 && missing.message == "The role with name x cannot be found.")
        #expect(try await fixture.call(fixture.iam, "NoSuchThing").code == "InvalidAction")
        #expect(try await fixture.call(fixture.iam, "CreateSAMLProvider").status == 501)
    }

    @Test(arguments: ["Action=%", "Action=%zz", "Action=a&Action=b", "=%ff", "Action=CreateUser&UserName=%00", "Version=1&Action=GetUser", "%"])
    func hostileForms(_ form: String) async throws {
        let fixture = try await Fixture()
        let response = await fixture.iam.respond(
            to: ServiceRequest(method: "POST", path: "/", body: Array(form.utf8), caller: try fixture.administrator(), requestID: RequestID("r")))
        #expect((400..<500).contains(response.status), "\(String(decoding: response.body, as: UTF8.self))")
    }

    @Test func malformedDocumentsAreRefused() async throws {
        let fixture = try await Fixture()
        try await fixture.role("r")
        for (action, parameter) in [("PutRolePolicy", "PolicyDocument"), ("UpdateAssumeRolePolicy", "PolicyDocument")] {
            let answer = try await fixture.call(fixture.iam, action, ["RoleName": "r", "PolicyName": "p", parameter: "{"])
            #expect(answer.code == "MalformedPolicyDocument" && answer.status == 400)
        }
        let large = Fixture.policy(String(repeating: "a", count: 100) + ":*", on: "arn:aws:s3:::" + String(repeating: "x", count: 3_900))
        for index in 0..<2 { try await fixture.ok("PutRolePolicy", ["RoleName": "r", "PolicyName": "p\(index)", "PolicyDocument": large]) }
        let third = try await fixture.call(fixture.iam, "PutRolePolicy", ["RoleName": "r", "PolicyName": "p3", "PolicyDocument": large])
        #expect(third.code == "LimitExceeded" && third.status == 409)
    }

    @Test func pages() async throws {
        let fixture = try await Fixture()
        for name in ["a", "b", "c"] { try await fixture.ok("CreateUser", ["UserName": name]) }
        let first = try await fixture.ok("ListUsers", ["MaxItems": "2"])
        #expect(first.text("IsTruncated") == "true" && first.body.contains("user/b") && !first.body.contains("user/c"))
        let second = try await fixture.ok("ListUsers", ["Marker": try #require(first.text("Marker"))])
        #expect(second.text("IsTruncated") == "false" && second.body.contains("user/c") && !second.body.contains("user/b"))
        #expect(try await fixture.call(fixture.iam, "ListUsers", ["Marker": "*"]).status == 400)
        #expect(try await fixture.call(fixture.iam, "ListUsers", ["MaxItems": "0"]).status == 400)
    }

    @Test func whatIsInUseStays() async throws {
        let fixture = try await Fixture()
        let arn = try #require(try await fixture.ok("CreatePolicy", ["PolicyName": "p", "PolicyDocument": Fixture.policy("a:*")]).text("Arn"))
        try await fixture.role("r", policy: Fixture.policy("a:*"))
        try await fixture.ok("AttachRolePolicy", ["RoleName": "r", "PolicyArn": arn])
        #expect(try await fixture.call(fixture.iam, "DeletePolicy", ["PolicyArn": arn]).code == "DeleteConflict")
        #expect(try await fixture.call(fixture.iam, "DeleteRole", ["RoleName": "r"]).code == "DeleteConflict")
        try await fixture.ok("DetachRolePolicy", ["RoleName": "r", "PolicyArn": arn])
        #expect(try await fixture.call(fixture.iam, "DeleteRole", ["RoleName": "r"]).code == "DeleteConflict")
        try await fixture.ok("DeleteRolePolicy", ["RoleName": "r", "PolicyName": "p"])
        try await fixture.ok("DeleteRole", ["RoleName": "r"])
        try await fixture.ok("DeletePolicy", ["PolicyArn": arn])
        _ = try await fixture.user("ann")
        #expect(try await fixture.call(fixture.iam, "DeleteUser", ["UserName": "ann"]).code == "DeleteConflict")
    }

    @Test func simulation() async throws {
        let fixture = try await Fixture()
        try await fixture.ok("CreateUser", ["UserName": "ann"])
        try await fixture.ok("PutUserPolicy", ["UserName": "ann", "PolicyName": "own", "PolicyDocument": Fixture.policy("s3:Get*", on: "arn:aws:s3:::${aws:username}/*")])
        func decision(_ action: String, _ resource: String) async throws -> Fixture.Answer {
            try await fixture.ok(
                "SimulatePrincipalPolicy",
                ["PolicySourceArn": "arn:aws:iam::000000000000:user/ann", "ActionNames.member.1": action, "ResourceArns.member.1": resource])
        }
        let allowed = try await decision("s3:GetObject", "arn:aws:s3:::ann/x")
        #expect(allowed.text("EvalDecision") == "allowed" && allowed.text("SourcePolicyId") == "own" && allowed.text("SourcePolicyType") == "user")
        #expect(try await decision("s3:GetObject", "arn:aws:s3:::bob/x").text("EvalDecision") == "implicitDeny")
        #expect(try await decision("s3:PutObject", "arn:aws:s3:::ann/x").text("EvalDecision") == "implicitDeny")
        let custom = try await fixture.ok(
            "SimulateCustomPolicy",
            ["PolicyInputList.member.1": Fixture.policy(effect: "Deny", "s3:*", on: "*", #","Condition":{"StringEquals":{"aws:PrincipalTag/team":"red"}}"#),
             "ActionNames.member.1": "s3:GetObject", "ContextEntries.member.1.ContextKeyName": "aws:PrincipalTag/team",
             "ContextEntries.member.1.ContextKeyValues.member.1": "red", "ContextEntries.member.1.ContextKeyType": "string"])
        #expect(custom.text("EvalDecision") == "explicitDeny" && custom.text("SourcePolicyId") == "PolicyInputList.1")
    }

    /// Through the real store, opened anew.
    @Test func everythingIsThereAfterARestart() async throws {
        let directory = NSTemporaryDirectory() + "/cloister-iam-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let store = try SQLiteStore(path: directory + "/cloister.db")
        let before = try await Fixture(documents: store)
        let key = try await before.user("ann", policy: Fixture.policy("dynamodb:*")).accessKeyID
        try await before.role("r")
        let session = try await before.assume("r")
        try await before.ok("CreatePolicy", ["PolicyName": "p", "PolicyDocument": Fixture.policy("a:*")])
        try await before.ok("CreateUser", ["UserName": "gone"])
        try await before.ok("DeleteUser", ["UserName": "gone"])
        try store.close()
        let after = try await Fixture(documents: try SQLiteStore(path: directory + "/cloister.db"))
        #expect(after.isAllowed("dynamodb:Scan", as: try after.caller(key, nil)))
        _ = try after.session(session)
        #expect(after.store.snapshot.users.keys.sorted() == ["ann"] && after.store.snapshot.policies.count == 1)
    }

    @Test func aChangeThatIsntOnDiskDidntHappen() async throws {
        let documents = MemoryDocuments()
        let fixture = try await Fixture(documents: documents)
        await documents.fail(true)
        let answer = try await fixture.call(fixture.iam, "CreateUser", ["UserName": "ann"])
        #expect(answer.status == 503 && answer.code == "ServiceFailure")
        await documents.fail(false)
        #expect(try await fixture.call(fixture.iam, "GetUser", ["UserName": "ann"]).status == 404)
        try await fixture.ok("CreateUser", ["UserName": "ann"])
    }

    @Test func manyChangesAtOnce() async throws {
        let fixture = try await Fixture()
        try await fixture.ok("CreateUser", ["UserName": "ann"])
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<30 {
                group.addTask { try await fixture.ok("TagUser", ["UserName": "ann", "Tags.member.1.Key": "k\(index)", "Tags.member.1.Value": "v"]) }
            }
            try await group.waitForAll()
        }
        #expect(fixture.store.snapshot.user("ann")?.tags.count == 30)
    }
}
