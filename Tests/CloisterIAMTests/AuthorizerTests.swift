import CloisterCore
import CloisterServiceKit
import Testing

@testable import CloisterIAM

struct AuthorizerTests {
    private static let table = "arn:aws:dynamodb:eu-west-1:000000000000:table/orders"

    @Test func denialsAreInAWSsWords() async throws {
        let fixture = try await Fixture()
        let user = try await fixture.user("ann", policy: Fixture.policy("dynamodb:GetItem", on: Self.table))
        let request = AccessRequest(action: "dynamodb:PutItem", resource: Self.table)
        let start = "User: arn:aws:iam::000000000000:user/ann is not authorized to perform: dynamodb:PutItem on resource: \(Self.table) "
        let denial = try #require(fixture.denial(request, as: user))
        #expect(denial.message == start + "because no identity-based policy allows the dynamodb:PutItem action")
        #expect(denial.code == "AccessDeniedException" && denial.status == 400)
        try await fixture.ok("PutUserPolicy", ["UserName": "ann", "PolicyName": "deny", "PolicyDocument": Fixture.policy(effect: "Deny", "dynamodb:Put*")])
        #expect(fixture.denial(request, as: user)?.message == start + "with an explicit deny in an identity-based policy")
        #expect(fixture.observer.events.last?.kind == .denied && fixture.observer.events.last?.request == request)
        // Somebody who may can read the whole of it.
        let encoded = try #require(fixture.denial(request, as: user)?.headers[AccessDenial.headerName])
        let decoded = try await fixture.call(fixture.sts, "DecodeAuthorizationMessage", ["EncodedMessage": encoded])
        #expect(decoded.body.contains("dynamodb:PutItem") && decoded.body.contains("&quot;explicitDeny&quot;:true"))
        let refused = try await fixture.call(fixture.sts, "DecodeAuthorizationMessage", ["EncodedMessage": encoded], as: user)
        #expect(refused.code == "AccessDenied" && refused.status == 403)
    }

    @Test func groupsManagedPoliciesAndBoundaries() async throws {
        let fixture = try await Fixture()
        let user = try await fixture.user("ann")
        func isAllowed() -> Bool { fixture.isAllowed("dynamodb:GetItem", Self.table, as: user) }
        #expect(!isAllowed())
        try await fixture.ok("CreateGroup", ["GroupName": "g"])
        try await fixture.ok("AddUserToGroup", ["GroupName": "g", "UserName": "ann"])
        try await fixture.ok("AttachGroupPolicy", ["GroupName": "g", "PolicyArn": "arn:aws:iam::aws:policy/AmazonDynamoDBReadOnlyAccess"])
        #expect(isAllowed() && !fixture.isAllowed("dynamodb:PutItem", Self.table, as: user))
        let made = try await fixture.ok("CreatePolicy", ["PolicyName": "only-kms", "PolicyDocument": Fixture.policy("kms:*")])
        let arn = try #require(made.text("Arn"))
        try await fixture.ok("PutUserPermissionsBoundary", ["UserName": "ann", "PermissionsBoundary": arn])
        #expect(!isAllowed())
        try await fixture.ok(
            "CreatePolicyVersion", ["PolicyArn": arn, "PolicyDocument": Fixture.policy("dynamodb:*"), "SetAsDefault": "true"])
        #expect(isAllowed())
        try await fixture.ok("DetachGroupPolicy", ["GroupName": "g", "PolicyArn": "arn:aws:iam::aws:policy/AmazonDynamoDBReadOnlyAccess"])
        #expect(!isAllowed())
    }

    @Test func rolesThatIAMDoesntKnow() async throws {
        let open = try await Fixture()
        #expect(open.isAllowed("dynamodb:Scan", Self.table, as: try open.environment(nil, isIsolated: false)))
        #expect(!open.isAllowed("iam:CreateUser", as: try open.environment(nil, isIsolated: false)))
        let closed = try await Fixture(unmanagedRoles: .nothing)
        #expect(!closed.isAllowed("dynamodb:Scan", Self.table, as: try closed.environment(nil, isIsolated: false)))
        // One that it knows has what its policies say.
        try await open.role("r", policy: Fixture.policy("dynamodb:GetItem"))
        let caller = try open.environment(nil, role: "r", isIsolated: false)
        #expect(open.isAllowed("dynamodb:GetItem", Self.table, as: caller) && !open.isAllowed("dynamodb:Scan", Self.table, as: caller))
    }

    @Test func policiesSeeTheTenantOfTheEnvironment() async throws {
        let fixture = try await Fixture()
        let condition = #","Condition":{"ForAllValues:StringEquals":{"dynamodb:LeadingKeys":"TENANT#${aws:PrincipalTag/tenant_id}"}}"#
        try await fixture.role("r", policy: Fixture.policy("dynamodb:GetItem", on: Self.table, condition))
        for tenant in ["acme", "globex"] {
            let caller = try fixture.environment(tenant, role: "r", id: tenant)
            #expect(fixture.isAllowed("dynamodb:GetItem", Self.table, ["dynamodb:LeadingKeys": ["TENANT#\(tenant)"]], as: caller))
            #expect(!fixture.isAllowed("dynamodb:GetItem", Self.table, ["dynamodb:LeadingKeys": ["CONFIG#x"]], as: caller))
        }
    }

    @Test func aCallerCantSayWhoItIs() async throws {
        let fixture = try await Fixture()
        let condition = #","Condition":{"StringEquals":{"aws:username":"root","aws:PrincipalTag/team":"red"}}"#
        let user = try await fixture.user("ann", policy: Fixture.policy("kms:*", on: "*", condition))
        #expect(!fixture.isAllowed("kms:Decrypt", "*", ["aws:username": ["root"], "aws:PrincipalTag/team": ["red"]], as: user))
    }

    @Test func keyPoliciesDecideAboutKeys() async throws {
        let fixture = try await Fixture()
        let user = try await fixture.user("ann", policy: Fixture.policy("kms:*"))
        func denial(_ policy: String) -> String? {
            fixture.denial(AccessRequest(action: "kms:Decrypt", resource: "arn:aws:kms:eu-west-1:000000000000:key/1", resourcePolicy: policy), as: user)?.message
        }
        func policy(_ principal: String) -> String {
            #"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":\#(principal),"Action":"kms:*","Resource":"*"}]}"#
        }
        #expect(denial(policy(Fixture.root)) == nil)
        #expect(denial(policy(#"{"AWS":"arn:aws:iam::000000000000:user/bob"}"#))?.hasSuffix("because no resource-based policy allows the kms:Decrypt action") == true)
        #expect(denial("{broken") != nil)
    }

    @Test func invocationsByServices() async throws {
        let fixture = try await Fixture()
        let policy = #"{"Version":"2012-10-17","Statement":[{"Sid":"s","Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:eu-west-1:000000000000:function:f","Condition":{"ArnLike":{"AWS:SourceArn":"arn:aws:events:eu-west-1:000000000000:rule/r"}}}]}"#
        func denial(_ source: String, _ service: String) -> ServiceError? {
            let caller = Caller(account: .default, region: "eu-west-1", principalARN: service, accessKeyID: "", principalType: .service)
            return fixture.denial(
                AccessRequest(action: "lambda:InvokeFunction", resource: "arn:aws:lambda:eu-west-1:000000000000:function:f", conditions: ["aws:SourceArn": [source]], resourcePolicy: policy), as: caller)
        }
        #expect(denial("arn:aws:events:eu-west-1:000000000000:rule/r", "events.amazonaws.com") == nil)
        #expect(denial("arn:aws:events:eu-west-1:000000000000:rule/x", "events.amazonaws.com")?.status == 403)
        #expect(denial("arn:aws:events:eu-west-1:000000000000:rule/r", "sns.amazonaws.com") != nil)
    }

    @Test func passRole() async throws {
        let fixture = try await Fixture()
        let arn = "arn:aws:iam::000000000000:role/"
        try await fixture.role("f", trust: Fixture.trust(#"{"Service":"lambda.amazonaws.com"}"#))
        try await fixture.role("people")
        let admin = try fixture.administrator()
        try await fixture.authorizer.passRole(arn + "f", to: "lambda.amazonaws.com", for: admin)
        try await fixture.authorizer.passRole(arn + "unknown", to: "lambda.amazonaws.com", for: admin)
        await #expect(throws: ServiceError.self) { try await fixture.authorizer.passRole(arn + "people", to: "lambda.amazonaws.com", for: admin) }
        let user = try await fixture.user("ann", policy: Fixture.policy("iam:PassRole", on: arn + "f", #","Condition":{"StringEquals":{"iam:PassedToService":"lambda.amazonaws.com"}}"#))
        try await fixture.authorizer.passRole(arn + "f", to: "lambda.amazonaws.com", for: user)
        await #expect(throws: ServiceError.self) { try await fixture.authorizer.passRole(arn + "unknown", to: "lambda.amazonaws.com", for: user) }
        let strict = try await Fixture(unmanagedRoles: .nothing)
        await #expect(throws: ServiceError.self) { try await strict.authorizer.passRole(arn + "unknown", to: "lambda.amazonaws.com", for: admin) }
    }

    @Test func anotherAccountsCallerHasNothing() async throws {
        let fixture = try await Fixture()
        var caller = try fixture.administrator()
        caller.account = try #require(AccountID("111111111111"))
        #expect(!fixture.isAllowed("dynamodb:GetItem", Self.table, as: caller))
    }

    /// Every built operation asks first: a caller without policies gets nowhere, and nothing changes.
    @Test func everyOperationAsksFirst() async throws {
        let fixture = try await Fixture()
        let nobody = try await fixture.user("nobody")
        try await fixture.role("target")
        try await fixture.ok("CreateGroup", ["GroupName": "target"])
        let parameters = [
            "UserName": "nobody", "RoleName": "target", "GroupName": "target", "PolicyName": "p", "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess",
            "PolicyDocument": Fixture.policy("*"), "AssumeRolePolicyDocument": Fixture.trust(Fixture.root), "PermissionsBoundary": "arn:aws:iam::aws:policy/AdministratorAccess",
            "PolicySourceArn": "arn:aws:iam::000000000000:role/target", "ActionNames.member.1": "a:b", "VersionId": "v1",
            "AccessKeyId": nobody.accessKeyID, "Status": "Inactive", "Description": "x", "Tags.member.1.Key": "k", "Tags.member.1.Value": "v",
            "PolicyInputList.member.1": Fixture.policy("*"), "TagKeys.member.1": "k", "NewPath": "/x/",
        ]
        let before = fixture.store.snapshot
        for (name, operation) in IAMCoverage.operations.sorted(by: { $0.key < $1.key }) where operation.isBuilt {
            let answer = try await fixture.call(fixture.iam, name, parameters, as: nobody)
            #expect(answer.code == "AccessDenied" && answer.status == 403, "\(name): \(answer.body)")
            #expect(answer.message?.contains("is not authorized to perform: iam:\(name)") == true, "\(name)")
        }
        let after = fixture.store.snapshot
        #expect(before.users == after.users && before.roles == after.roles && before.groups == after.groups && before.policies == after.policies)
    }
}
