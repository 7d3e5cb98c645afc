import CloisterCore
import CloisterServiceKit
import Foundation
import Testing

@testable import CloisterIAM

/// Whatever the role allows: the fixture's environments have one that allows everything.
struct TenantBoundaryTests {
    private static let table = "arn:aws:dynamodb:eu-west-1:000000000000:table/orders"
    private static let key = "arn:aws:kms:eu-west-1:000000000000:key/1"
    private static let secret = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:"

    struct Case: CustomTestStringConvertible, Sendable {
        let action: String
        var resource = "*"
        var conditions: [String: [String]] = [:]
        let kind: AccessEvent.Kind?

        var testDescription: String { "\(action) \(resource) \(conditions)" }

        init(_ action: String, _ resource: String = "*", _ conditions: [String: [String]] = [:], _ kind: AccessEvent.Kind?) {
            self.action = action
            self.resource = resource
            self.conditions = conditions
            self.kind = kind
        }
    }

    private static func keys(_ keys: String...) -> [String: [String]] { ["dynamodb:LeadingKeys": keys] }

    static let dynamoDB: [Case] = [
        Case("dynamodb:GetItem", table, keys("TENANT#acme"), nil),
        Case("dynamodb:GetItem", table, keys("TENANT#acme#orders"), nil),
        Case("dynamodb:GetItem", table, keys("TENANT#globex"), .crossTenant),
        Case("dynamodb:GetItem", table, keys("TENANT#acme2"), .crossTenant),
        Case("dynamodb:GetItem", table, keys("TENANT#acm"), .crossTenant),
        Case("dynamodb:GetItem", table, keys("TENANT#"), .crossTenant),
        Case("dynamodb:GetItem", table, keys("tenant#acme"), .crossTenant),
        Case("dynamodb:GetItem", table, keys("Tenant#Acme"), .crossTenant),
        Case("dynamodb:GetItem", table, keys("ＴＥＮＡＮＴ＃globex"), .crossTenant),
        Case("dynamodb:GetItem", table, keys("TENANT\u{200b}#globex"), .crossTenant),
        Case("dynamodb:GetItem", table, keys(" TENANT#acme"), .crossTenant),
        Case("dynamodb:GetItem", table, keys("TENANT#acme\u{301}"), .crossTenant),
        Case("dynamodb:GetItem", table, keys("VEVOQU5UI2dsb2JleA=="), .crossTenant),
        Case("dynamodb:PutItem", table, keys("VEVOQU5UI2FjbWU="), nil),
        Case("dynamodb:GetItem", table, keys("CONFIG#flags"), nil),
        Case("dynamodb:GetItem", table, [:], .boundary),
        Case("dynamodb:BatchGetItem", table, keys("TENANT#acme", "TENANT#globex"), .crossTenant),
        Case("dynamodb:BatchGetItem", table, keys("TENANT#acme", "CONFIG#x"), nil),
        Case("dynamodb:PutItem", table, keys("TENANT#acme"), nil),
        Case("dynamodb:PutItem", table, keys("TENANT#globex"), .crossTenant),
        Case("dynamodb:PutItem", table, keys("CONFIG#flags"), .boundary),
        Case("dynamodb:PutItem", table, keys("TENANT#acme").merging(["cloister:IndexKeys": ["TENANT#globex"]]) { $1 }, .crossTenant),
        Case("dynamodb:DeleteItem", table, keys("TENANT#globex"), .crossTenant),
        Case("dynamodb:UpdateItem", table, keys("TENANT#acme"), nil),
        Case("dynamodb:BatchWriteItem", table, keys("TENANT#acme", "TENANT#globex"), .crossTenant),
        Case("dynamodb:ConditionCheckItem", table, keys("TENANT#globex"), .crossTenant),
        Case("dynamodb:Query", table + "/index/by-date", keys("TENANT#acme"), nil),
        Case("dynamodb:Query", table + "/index/by-mail", keys("a@b.c"), .boundary),
        Case("dynamodb:Query", table + "/index/by-date", keys("TENANT#globex"), .crossTenant),
        Case("dynamodb:Scan", table, [:], .boundary),
        Case("dynamodb:Scan", table, keys("TENANT#acme"), .boundary),
        Case("dynamodb:PartiQLSelect", table, keys("TENANT#acme"), nil),
        Case("dynamodb:PartiQLSelect", table, keys("TENANT#acme").merging(["dynamodb:FullTableScan": ["true"]]) { $1 }, .boundary),
        Case("dynamodb:PartiQLUpdate", table, keys("TENANT#globex"), .crossTenant),
        Case("dynamodb:GetItem", table, keys("acme").merging(["cloister:PartitionKeyName": ["tenant_id"]]) { $1 }, nil),
        Case("dynamodb:GetItem", table, keys("globex").merging(["cloister:PartitionKeyName": ["tenant_id"]]) { $1 }, .crossTenant),
        Case("dynamodb:GetItem", table, keys("ORG#globex").merging(["aws:ResourceTag/cloister:leading-keys": ["ORG#${tenant}"]]) { $1 }, .crossTenant),
        Case("dynamodb:GetItem", table, keys("ORG#acme").merging(["aws:ResourceTag/cloister:leading-keys": ["ORG#${tenant}"]]) { $1 }, nil),
        Case("dynamodb:Scan", table, ["aws:ResourceTag/cloister:shared": ["true"]], nil),
        Case("dynamodb:PutItem", table, keys("x").merging(["aws:ResourceTag/cloister:shared": ["true"]]) { $1 }, .boundary),
        Case("dynamodb:Scan", table, ["aws:ResourceTag/tenant_id": ["acme"]], nil),
        Case("dynamodb:Scan", table, ["aws:ResourceTag/TenantId": ["globex"]], .crossTenant),
        Case("dynamodb:DescribeTable", table, [:], nil), Case("dynamodb:DeleteTable", table, [:], .boundary),
        Case("dynamodb:TagResource", table, [:], .boundary), Case("dynamodb:GetRecords", table + "/stream/1", [:], .boundary),
        Case("DynamoDB:GetItem", table, keys("TENANT#globex"), .crossTenant),
    ]

    static let keysAndSecrets: [Case] = [
        Case("kms:Decrypt", key, ["kms:RequestAlias": ["alias/tenant/acme"]], nil),
        Case("kms:Decrypt", key, ["kms:RequestAlias": ["alias/tenant/globex"]], .crossTenant),
        Case("kms:Decrypt", key, ["kms:ResourceAliases": ["alias/tenant/acme", "alias/tenant-globex"]], .crossTenant),
        Case("kms:Decrypt", key, ["kms:RequestAlias": ["alias/tenant-acme"]], nil),
        Case("kms:Decrypt", key, ["kms:RequestAlias": ["alias/tenant-acme-prod"]], .crossTenant),
        Case("kms:Decrypt", key, ["kms:RequestAlias": ["alias/Tenant/globex"]], .crossTenant),
        Case("kms:Decrypt", key, ["aws:ResourceTag/tenant_id": ["acme"]], nil),
        Case("kms:Decrypt", key, ["aws:ResourceTag/tenant_id": ["globex"]], .crossTenant),
        Case("kms:Decrypt", key, ["AWS:resourcetag/Tenant-ID": ["globex"]], .crossTenant),
        Case("kms:Decrypt", key, ["kms:EncryptionContext:tenant_id": ["globex"]], .crossTenant),
        Case("kms:Decrypt", key, ["kms:EncryptionContext:tenantId": ["ACME"]], .crossTenant),
        Case("kms:Decrypt", key, ["kms:EncryptionContext:tenant_id": ["acme"]], nil),
        Case("kms:GenerateDataKey", key, [:], nil), Case("kms:ScheduleKeyDeletion", key, [:], .boundary),
        Case("kms:DisableKey", key, ["aws:ResourceTag/tenant_id": ["acme"]], nil),
        Case("kms:CreateGrant", key, ["aws:ResourceTag/tenant_id": ["globex"]], .crossTenant),
        Case("kms:CreateGrant", key, [:], .boundary), Case("kms:PutKeyPolicy", key, [:], .boundary),
        Case("kms:UpdateAlias", "arn:aws:kms:eu-west-1:000000000000:alias/tenant/globex", [:], .crossTenant),
        Case("kms:UpdateAlias", key, [:], .boundary),
        Case("kms:UpdateAlias", key, ["kms:RequestAlias": ["alias/tenant/acme"]], .boundary),
        Case("kms:CreateAlias", key, ["kms:RequestAlias": ["alias/tenant/acme"], "aws:ResourceTag/tenant_id": ["globex"]], .crossTenant),
        Case("kms:CreateAlias", key, ["kms:RequestAlias": ["alias/tenant/acme"], "kms:ResourceAliases": ["alias/tenant/globex"]], .crossTenant),
        Case("kms:CreateAlias", key, ["kms:RequestAlias": ["alias/tenant/acme"], "aws:ResourceTag/tenant_id": ["acme"]], nil),
        Case("kms:CreateKey", "*", ["aws:RequestTag/tenant_id": ["acme"]], nil),
        Case("kms:CreateKey", "*", ["aws:RequestTag/tenant_id": ["globex"]], .crossTenant), Case("kms:CreateKey", "*", [:], .boundary),
        Case("kms:TagResource", key, ["aws:ResourceTag/tenant_id": ["acme"], "aws:RequestTag/tenant_id": ["globex"]], .crossTenant),
        Case("kms:UntagResource", key, ["aws:ResourceTag/tenant_id": ["acme"], "aws:TagKeys": ["tenant_id"]], .boundary),
        Case("kms:UntagResource", key, ["aws:ResourceTag/tenant_id": ["acme"], "aws:TagKeys": ["team"]], nil),
        Case("kms:ListAliases", "*", [:], .boundary), Case("kms:ListKeys", "*", [:], .boundary), Case("kms:GenerateRandom", "*", [:], nil),
        Case("secretsmanager:GetSecretValue", secret + "tenants/acme/db-AbCdEf", [:], nil),
        Case("secretsmanager:GetSecretValue", secret + "tenants/globex/db-AbCdEf", [:], .crossTenant),
        Case("secretsmanager:GetSecretValue", secret + "tenants/acme-AbCdEf", [:], .crossTenant),
        Case("secretsmanager:GetSecretValue", secret + "tenants/acme2/db-AbCdEf", [:], .crossTenant),
        Case("secretsmanager:GetSecretValue", secret + "Tenants/globex/db-AbCdEf", [:], .crossTenant),
        Case("secretsmanager:GetSecretValue", secret + "shared/db-AbCdEf", [:], nil),
        Case("secretsmanager:PutSecretValue", secret + "shared/db-AbCdEf", [:], .boundary),
        Case("secretsmanager:PutSecretValue", secret + "tenants/acme/db-AbCdEf", [:], nil),
        Case("secretsmanager:DeleteSecret", secret + "tenants/globex/db-AbCdEf", [:], .crossTenant),
        Case("secretsmanager:CreateSecret", "*", ["secretsmanager:Name": ["tenants/acme/x"]], nil),
        Case("secretsmanager:CreateSecret", "*", ["secretsmanager:Name": ["tenants/globex/x"]], .crossTenant),
        Case("secretsmanager:CreateSecret", "*", ["secretsmanager:Name": ["shared/x"]], .boundary),
        Case("secretsmanager:CreateSecret", "*", ["secretsmanager:Name": ["x"], "aws:RequestTag/tenant_id": ["acme"]], nil),
        Case("secretsmanager:CreateSecret", "*", ["secretsmanager:Name": ["tenants/globex/x"], "aws:RequestTag/tenant_id": ["acme"]], .crossTenant),
        Case("secretsmanager:TagResource", secret + "shared-AbCdEf", ["aws:RequestTag/tenant_id": ["acme"], "aws:TagKeys": ["tenant_id"]], .boundary),
        Case("secretsmanager:GetSecretValue", secret + "db-AbCdEf", ["secretsmanager:ResourceTag/tenant_id": ["globex"]], .crossTenant),
        Case("secretsmanager:GetSecretValue", secret + "tenants/acme/x-AbCdEf", ["aws:ResourceTag/tenant_id": ["globex"]], .crossTenant),
        Case("secretsmanager:ListSecrets", "*", [:], .boundary), Case("secretsmanager:GetRandomPassword", "*", [:], nil),
        Case("lambda:InvokeFunction", "*", ["cloister:TenantId": ["acme"]], nil), Case("lambda:InvokeFunction", "*", [:], nil),
        Case("lambda:InvokeFunction", "*", ["cloister:TenantId": ["globex"]], .crossTenant),
        Case("lambda:UpdateFunctionCode", "*", [:], .boundary), Case("lambda:GetFunction", "*", [:], nil),
        Case("iam:CreateAccessKey", "*", [:], .boundary), Case("iam:GetUser", "*", [:], .boundary), Case("sts:AssumeRole", "*", ["aws:RequestTag/tenant_id": ["globex"]], .crossTenant),
        Case("logs:FilterLogEvents", "*", [:], .boundary), Case("sqs:SendMessage", "*", [:], .boundary), Case("x", "*", [:], .boundary),
        Case("logs:PutLogEvents", "arn:aws:logs:eu-west-1:000000000000:log-group:/aws/lambda/f:log-stream:s", [:], .boundary),
        Case("logs:PutLogEvents", "arn:aws:logs:eu-west-1:000000000000:log-group:mine:log-stream:s", [:], nil),
    ]

    @Test(arguments: dynamoDB + keysAndSecrets) func holds(_ example: Case) async throws {
        let fixture = try await Fixture()
        let caller = try fixture.environment("acme")
        let request = AccessRequest(action: example.action, resource: example.resource, conditions: example.conditions)
        let denial = fixture.denial(request, as: caller)
        // The unmanaged role itself keeps IAM closed.
        if example.action == "iam:GetUser" {
            #expect(denial != nil)
            return
        }
        #expect((denial != nil) == (example.kind != nil), "\(denial?.message ?? "allowed")")
        #expect(fixture.observer.events.first?.kind == example.kind)
        if let denial, example.kind != nil {
            #expect(denial.code == "AccessDeniedException" && denial.message.contains("the tenant boundary denies it"))
            // What the caller named itself aside, no other tenant is named.
            let reason = denial.message.components(separatedBy: " because ").last ?? ""
            #expect(!reason.contains("globex"))
        }
        // The same call from outside, or out of a plain function, isn't held to any tenant.
        #expect(fixture.isAllowed(example.action, example.resource, example.conditions, as: try fixture.administrator()))
    }

    @Test func holdsTheAdministratorToo() async throws {
        let fixture = try await Fixture()
        let place = CallerEnvironment(id: EnvironmentID("e"), functionARN: "arn:f", tenant: TenantID("acme"), isTenantIsolated: true)
        let smuggled = try fixture.caller(Fixture.administratorKey, nil, channel: .environment(place))
        #expect(!fixture.isAllowed("dynamodb:GetItem", Self.table, Self.keys("TENANT#globex"), as: smuggled))
        #expect(fixture.isAllowed("dynamodb:GetItem", Self.table, Self.keys("TENANT#acme"), as: smuggled))
        #expect(!fixture.isAllowed("iam:CreateUser", "*", as: smuggled))
    }

    @Test func anEnvironmentThatIsBoundToNobodyHasNothingOfATenants() async throws {
        let fixture = try await Fixture()
        let caller = try fixture.environment(nil)
        #expect(!fixture.isAllowed("dynamodb:GetItem", Self.table, Self.keys("TENANT#acme"), as: caller))
        #expect(!fixture.isAllowed("secretsmanager:GetSecretValue", Self.secret + "tenants/acme/x-AbCdEf", as: caller))
        #expect(!fixture.isAllowed("kms:Decrypt", Self.key, ["aws:ResourceTag/tenant_id": [""]], as: caller))
        #expect(fixture.isAllowed("dynamodb:GetItem", Self.table, Self.keys("CONFIG#x"), as: caller))
    }

    @Test func plainFunctionsAreNotHeld() async throws {
        let fixture = try await Fixture()
        let caller = try fixture.environment(nil, isIsolated: false)
        #expect(fixture.isAllowed("dynamodb:Scan", Self.table, as: caller))
        #expect(!fixture.isAllowed("iam:CreateUser", as: caller))
    }

    /// `a` must not reach what belongs to `a/b`, nor the other way round.
    @Test func tenantsWithSeparatorsOwnByTagOnly() async throws {
        let fixture = try await Fixture()
        let resource = Self.secret + "tenants/a/b/x-AbCdEf"
        #expect(fixture.isAllowed("secretsmanager:GetSecretValue", resource, as: try fixture.environment("a")))
        #expect(!fixture.isAllowed("secretsmanager:GetSecretValue", resource, as: try fixture.environment("a/b")))
        let tagged = ["secretsmanager:ResourceTag/tenant_id": ["a/b"]]
        #expect(!fixture.isAllowed("secretsmanager:GetSecretValue", resource, tagged, as: try fixture.environment("a")))
        #expect(fixture.isAllowed("secretsmanager:GetSecretValue", Self.secret + "x-AbCdEf", tagged, as: try fixture.environment("a/b")))
        #expect(fixture.isAllowed("dynamodb:GetItem", Self.table, Self.keys("TENANT#a/b"), as: try fixture.environment("a/b")))
    }

    @Test func documents() throws {
        let boundary = try TenantBoundary(
            #"{"LeadingKeys":["ORG#${tenant}"],"Tables":{"catalog":{"Shared":true},"audit":{"LeadingKeys":["${tenant}|*"]}},"AllowedActions":["sqs:SendMessage"]}"#)
        func verdict(_ action: String, _ table: String, _ keys: [String]) -> BoundaryVerdict {
            BoundaryCheck(boundary: boundary, tenant: TenantID("acme")).verdict(
                AccessRequest(
                    action: action, resource: "arn:aws:dynamodb:r:000000000000:table/\(table)",
                    conditions: keys.isEmpty ? [:] : ["dynamodb:LeadingKeys": keys]))
        }
        #expect(verdict("dynamodb:GetItem", "orders", ["ORG#acme"]) == .inside)
        #expect(verdict("dynamodb:GetItem", "orders", ["ORG#globex"]) != .inside)
        #expect(verdict("dynamodb:GetItem", "orders", ["TENANT#globex"]) == .inside)
        #expect(verdict("dynamodb:Scan", "catalog", []) == .inside && verdict("dynamodb:Scan", "orders", []) != .inside)
        #expect(verdict("dynamodb:GetItem", "audit", ["acme|1"]) == .inside && verdict("dynamodb:GetItem", "audit", ["acme2|1"]) != .inside)
        #expect(verdict("sqs:SendMessage", "x", []) == .inside)
        for text in [
            "{}x", "[]", #"{"Leading":[]}"#, #"{"LeadingKeys":["TENANT#"]}"#, #"{"LeadingKeys":["${tenant}*"]}"#, #"{"LeadingKeys":["*${tenant}"]}"#,
            #"{"LeadingKeys":["${tenant}${tenant}"]}"#, #"{"LeadingKeys":"x"}"#, #"{"AllowedActions":["${x"],"AllowedActions":[]}"#,
        ] {
            #expect(throws: PolicyError.self, "\(text)") { try TenantBoundary(text) }
        }
    }

    /// Random tenants, names and operations: what one tenant owns, no other one reaches.
    @Test(arguments: [21, 22, 23, 24] as [UInt64]) func nothingIsTwoTenants(_ seed: UInt64) throws {
        var random = SplitMix(seed)
        let pieces = ["a", "b", "ab", "A", "/", "-", ".", "=", "@", "1", ":", "_", "+"]
        func tenant() -> TenantID? { TenantID((0..<(1 + random.below(4))).map { _ in pieces[random.below(pieces.count)] }.joined()) }
        let boundary = TenantBoundary.standard
        var owned = 0
        for _ in 0..<5_000 {
            guard let one = tenant(), let two = tenant(), one != two else { continue }
            let rest = (0..<random.below(3)).map { _ in pieces[random.below(pieces.count)] }.joined()
            for (patterns, name) in [
                (boundary.leadingKeys, "TENANT#\(one)"), (boundary.leadingKeys, "TENANT#\(one)#\(rest)"),
                (boundary.secretNames, "tenants/\(one)/\(rest)"), (boundary.keyAliases, "alias/tenant/\(one)"),
                (boundary.keyAliases, "alias/tenant-\(one)"), (boundary.keyAliases, "alias/tenant-\(one)/\(rest)"),
            ] where patterns.owner(of: name, for: one) == .own {
                owned += 1
                #expect(patterns.owner(of: name, for: two) == .foreign, "\(name) is \(one)'s and \(two)'s (seed \(seed))")
            }
        }
        #expect(owned > 2_500)
    }
}
