import CloisterServiceKit
import Testing

@testable import CloisterIAM

struct STSServiceTests {
    @Test func callerIdentity() async throws {
        let fixture = try await Fixture()
        let admin = try await fixture.call(fixture.sts, "GetCallerIdentity")
        #expect(admin.text("Arn") == "arn:aws:iam::000000000000:user/administrator" && admin.text("Account") == "000000000000")
        try await fixture.role("r")
        let session = try fixture.session(try await fixture.assume("r"))
        let own = try await fixture.call(fixture.sts, "GetCallerIdentity", as: session)
        #expect(own.text("Arn") == "arn:aws:sts::000000000000:assumed-role/r/session")
        #expect(own.text("UserId")?.hasSuffix(":session") == true && own.text("UserId")?.hasPrefix("AROA") == true)
    }

    @Test func trustDecidesWhoBecomesARole() async throws {
        let fixture = try await Fixture()
        let user = try await fixture.user("ann")
        try await fixture.role("named", trust: Fixture.trust(#"{"AWS":"arn:aws:iam::000000000000:user/ann"}"#))
        try await fixture.role("account")
        try await fixture.role("function", trust: Fixture.trust(#"{"Service":"lambda.amazonaws.com"}"#))
        try await fixture.role("external", trust: Fixture.trust(Fixture.root, #","Condition":{"StringEquals":{"sts:ExternalId":"x"}}"#))
        #expect(try await fixture.assume("named", as: user).status == 200)
        let refused = try await fixture.assume("account", as: user)
        #expect(refused.status == 403 && refused.code == "AccessDenied")
        #expect(refused.message?.hasPrefix("User: arn:aws:iam::000000000000:user/ann is not authorized to perform: sts:AssumeRole on resource: ") == true)
        // Named by neither: not even for the administrator.
        #expect(try await fixture.assume("function").status == 403)
        #expect(try await fixture.assume("missing").status == 403)
        #expect(try await fixture.assume("account").status == 200)
        #expect(try await fixture.assume("external").status == 403)
        #expect(try await fixture.assume("external", ["ExternalId": "y"]).status == 403)
        #expect(try await fixture.assume("external", ["ExternalId": "x"]).status == 200)
        try await fixture.ok("PutUserPolicy", ["UserName": "ann", "PolicyName": "p", "PolicyDocument": Fixture.policy("sts:AssumeRole")])
        #expect(try await fixture.assume("account", as: user).status == 200)
    }

    @Test func sessionPoliciesOnlyTakeAway() async throws {
        let fixture = try await Fixture()
        try await fixture.role("r", policy: Fixture.policy("dynamodb:*"))
        let session = try fixture.session(
            try await fixture.assume("r", ["Policy": Fixture.policy("dynamodb:GetItem"), "PolicyArns.member.1.arn": "arn:aws:iam::aws:policy/IAMReadOnlyAccess"]))
        #expect(fixture.isAllowed("dynamodb:GetItem", as: session) && !fixture.isAllowed("dynamodb:PutItem", as: session))
        #expect(!fixture.isAllowed("iam:GetUser", as: session))
        #expect(fixture.denial(AccessRequest(action: "dynamodb:PutItem", resource: "*"), as: session)?.message
            .hasSuffix("because no session policy allows the dynamodb:PutItem action") == true)
        #expect(try await fixture.assume("r", ["Policy": "{"]).code == "MalformedPolicyDocument")
        #expect(try await fixture.assume("r", ["PolicyArns.member.1.arn": "arn:aws:iam::aws:policy/None"]).status == 400)
    }

    @Test func sessionTagsAndChains() async throws {
        let fixture = try await Fixture()
        try await fixture.role("one", policy: Fixture.policy("sts:*"))
        try await fixture.role("two", policy: Fixture.policy("kms:*", on: "*", #","Condition":{"StringEquals":{"aws:PrincipalTag/tenant_id":"acme"}}"#))
        let tags = ["Tags.member.1.Key": "tenant_id", "Tags.member.1.Value": "acme", "Tags.member.2.Key": "team", "Tags.member.2.Value": "red"]
        let first = try fixture.session(try await fixture.assume("one", tags.merging(["TransitiveTagKeys.member.1": "tenant_id"]) { $1 }))
        #expect(first.principalTags == ["tenant_id": "acme", "team": "red"])
        let second = try fixture.session(try await fixture.assume("two", as: first))
        #expect(second.principalTags == ["tenant_id": "acme"] && fixture.isAllowed("kms:Decrypt", as: second))
        #expect(try await fixture.assume("two", ["Tags.member.1.Key": "Tenant_ID", "Tags.member.1.Value": "globex"], as: first).status == 400)
        #expect(try await fixture.assume("two", ["DurationSeconds": "3601"], as: first).status == 400)
        #expect(try await fixture.assume("one", ["TransitiveTagKeys.member.1": "none"]).status == 400)
        // A role that doesn't let its sessions be tagged.
        try await fixture.role("untagged", trust: Fixture.trust(Fixture.root, actions: #""sts:AssumeRole""#))
        #expect(try await fixture.assume("untagged").status == 200)
        #expect(try await fixture.assume("untagged", tags).status == 403)
    }

    @Test func durations() async throws {
        let fixture = try await Fixture()
        try await fixture.role("r")
        let answer = try await fixture.assume("r", ["DurationSeconds": "900"])
        #expect(answer.text("Expiration") == PolicyDate.text(epochSeconds: fixture.time.now + 900))
        for seconds in ["899", "3601", "43201", "x"] {
            #expect(try await fixture.assume("r", ["DurationSeconds": seconds]).code == "ValidationError", "\(seconds)")
        }
        for name in ["a", "a b", String(repeating: "a", count: 65), "a/b"] {
            #expect(try await fixture.assume("r", ["RoleSessionName": name]).code == "ValidationError", "\(name)")
        }
    }

    @Test func sessionTokens() async throws {
        let fixture = try await Fixture()
        let user = try await fixture.user("ann", policy: Fixture.policy("*"))
        let answer = try await fixture.call(fixture.sts, "GetSessionToken", as: user)
        let session = try fixture.session(answer)
        #expect(session.principalARN == user.principalARN && fixture.isAllowed("dynamodb:Scan", as: session))
        // As on AWS, these may neither call IAM nor make more of themselves.
        #expect(!fixture.isAllowed("iam:ListUsers", as: session))
        #expect(try await fixture.call(fixture.sts, "GetSessionToken", as: session).code == "AccessDenied")
        let admin = try fixture.session(try await fixture.call(fixture.sts, "GetSessionToken"))
        #expect(admin.principalType == .administrator && fixture.isAllowed("iam:ListUsers", as: admin))
        #expect(try await fixture.call(fixture.sts, "GetSessionToken", ["SerialNumber": "x", "TokenCode": "123456"]).status == 403)
    }

    @Test func messagesThatWereNotMadeHere() async throws {
        let fixture = try await Fixture()
        let answer = try await fixture.call(fixture.sts, "DecodeAuthorizationMessage", ["EncodedMessage": "AAAA"])
        #expect(answer.code == "InvalidAuthorizationMessageException" && answer.status == 400)
    }
}
