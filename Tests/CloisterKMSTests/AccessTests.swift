import CloisterCore
import CloisterServiceKit
import Foundation
import Testing

@testable import CloisterKMS

struct AccessTests {
    /// Every built operation asks before it reads or changes anything, and stops when it is refused.
    @Test func aDenialStopsEachOperation() async throws {
        let fixture = try ServiceFixture()
        let id = try await fixture.makeKey()
        let rsa = try await fixture.makeKey(["KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY"])
        let mac = try await fixture.makeKey(["KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"])
        _ = try await fixture.call("CreateAlias", ["AliasName": "alias/a", "TargetKeyId": id])
        let blob = try await fixture.call("Encrypt", ["KeyId": id, "Plaintext": base64("a")]).text("CiphertextBlob") ?? ""
        let before = try await fixture.service.ring.store.allKeys(after: nil, limit: 100).keys.map(\.record)
        fixture.authorizer.deny("*")
        var inputs = KMSCoverage.operations.filter(\.value.isBuilt).mapValues { _ in ["KeyId": id] as [String: Any] }
        inputs["CreateKey"] = [:]
        for name in ["CreateAlias", "UpdateAlias"] { inputs[name] = ["AliasName": "alias/b", "TargetKeyId": id] }
        inputs["DeleteAlias"] = ["AliasName": "alias/a"]
        inputs["Encrypt"] = ["KeyId": id, "Plaintext": base64("a")]
        inputs["Decrypt"] = ["CiphertextBlob": blob]
        inputs["ReEncrypt"] = ["CiphertextBlob": blob, "DestinationKeyId": id]
        for name in ["GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "GenerateRandom"] {
            inputs[name]?["NumberOfBytes"] = 8
        }
        for name in ["GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext"] {
            inputs[name]?["KeyPairSpec"] = "ECC_NIST_P256"
        }
        let message: [String: Any] = ["KeyId": rsa, "Message": base64("m"), "SigningAlgorithm": "RSASSA_PSS_SHA_256"]
        inputs["Sign"] = message
        inputs["Verify"] = message.merging(["Signature": base64("s")]) { $1 }
        inputs["GetPublicKey"] = ["KeyId": rsa]
        inputs["GenerateMac"] = ["KeyId": mac, "Message": base64("m"), "MacAlgorithm": "HMAC_SHA_256"]
        inputs["VerifyMac"] = inputs["GenerateMac"]?.merging(["Mac": base64("m")]) { $1 }
        inputs["CreateGrant"] = ["KeyId": id, "GranteePrincipal": "arn:aws:iam::111111111111:user/u", "Operations": ["Decrypt"]]
        for name in ["RevokeGrant", "RetireGrant"] { inputs[name]?["GrantId"] = "none" }
        inputs["ListRetirableGrants"] = ["RetiringPrincipal": "p"]
        inputs["PutKeyPolicy"]?["Policy"] = KMSService.defaultPolicy(KeyScope(try testCaller()))
        inputs["UpdateKeyDescription"]?["Description"] = "d"
        inputs["TagResource"]?["Tags"] = [["TagKey": "k", "TagValue": "v"]]
        inputs["UntagResource"]?["TagKeys"] = ["k"]
        for (operation, input) in inputs {
            let answer = try await fixture.call(operation, input)
            #expect(answer.type == "AccessDeniedException", "\(operation): \(answer.body)")
        }
        let after = try await fixture.service.ring.store.allKeys(after: nil, limit: 100).keys.map(\.record)
        #expect(before == after)
        // Nobody learns which keys there are.
        let none = "00000000-0000-4000-8000-000000000000"
        for name in [none, "alias/none"] {
            #expect(try await fixture.call("DescribeKey", ["KeyId": name]).type == "AccessDeniedException")
        }
    }

    @Test func theAuthorizerLearnsWhatDecides() async throws {
        let fixture = try ServiceFixture()
        let id = try await fixture.makeKey(["Tags": [["TagKey": "tenant_id", "TagValue": "acme"]]])
        #expect(fixture.authorizer.asked.last?.conditions["aws:RequestTag/tenant_id"] == ["acme"])
        _ = try await fixture.call("CreateAlias", ["AliasName": "alias/tenant/acme", "TargetKeyId": id])
        _ = try await fixture.call(
            "Encrypt",
            ["KeyId": "alias/tenant/acme", "Plaintext": base64("a"), "EncryptionContext": ["tenant_id": "acme"]])
        let use = try #require(fixture.authorizer.asked.last)
        #expect(use.action == "kms:Encrypt" && use.resource.hasSuffix(":key/\(id)"))
        #expect(use.conditions["kms:EncryptionContext:tenant_id"] == ["acme"])
        #expect(use.conditions["aws:ResourceTag/tenant_id"] == ["acme"])
        #expect(use.conditions["kms:RequestAlias"] == ["alias/tenant/acme"])
        #expect(use.conditions["kms:ResourceAliases"] == ["alias/tenant/acme"])
        #expect(use.conditions["kms:ViaService"] == nil)
        #expect(use.resourcePolicy?.contains("Enable IAM User Permissions") == true)
    }

    @Test func grantsBecomeStatementsForTheirGranteesAlone() async throws {
        let fixture = try ServiceFixture()
        let id = try await fixture.makeKey()
        let granted = try await fixture.call(
            "CreateGrant",
            [
                "KeyId": id, "GranteePrincipal": "arn:aws:iam::111111111111:role/app", "Operations": ["Encrypt"],
                "Constraints": ["EncryptionContextSubset": ["tenant_id": "acme"]],
                "RetiringPrincipal": "arn:aws:iam::111111111111:user/boss",
            ])
        let session = Caller(
            account: try #require(AccountID("111111111111")), region: "eu-west-1",
            principalARN: "arn:aws:sts::111111111111:assumed-role/app/session", accessKeyID: "ASIA")
        let cases: [(Caller, [String: String], Bool)] = [
            (session, ["tenant_id": "acme", "x": "y"], true), (session, ["tenant_id": "globex"], false),
            (try testCaller(user: "other"), ["tenant_id": "acme"], false),
        ]
        for (caller, context, isGranted) in cases {
            let input: [String: Any] = ["KeyId": id, "Plaintext": base64("a"), "EncryptionContext": context]
            _ = try await fixture.call("Encrypt", input, as: caller)
            #expect(fixture.authorizer.asked.last?.resourcePolicy?.contains("\"Grant\"") == isGranted)
        }
        #expect(try await fixture.call("ListGrants", ["KeyId": id]).list("Grants").count == 1)
        let boss = try testCaller(user: "boss")
        let retirable = try await fixture.call("ListRetirableGrants", ["RetiringPrincipal": boss.principalARN])
        #expect(retirable.list("Grants").count == 1)
        let token = granted.text("GrantToken") ?? ""
        #expect(try await fixture.call("RetireGrant", ["GrantToken": token], as: boss).status == 200)
        #expect(fixture.authorizer.asked.last?.resourcePolicy?.contains("kms:RetireGrant") == true)
        #expect(try await fixture.call("ListGrants", ["KeyId": id]).list("Grants").isEmpty)
        #expect(try await fixture.call("RevokeGrant", ["KeyId": id, "GrantId": "x"]).type == "NotFoundException")
    }

    @Test func aPolicyThatLocksItsAuthorOutIsRefused() async throws {
        let fixture = try ServiceFixture()
        let id = try await fixture.makeKey()
        for policy in ["", "[]", "{}", "{\"Statement\":[]}", "{\"Statement\":[{\"Effect\":\"Maybe\"}]}"] {
            let answer = try await fixture.call("PutKeyPolicy", ["KeyId": id, "Policy": policy])
            #expect(answer.type == "MalformedPolicyDocumentException")
        }
        let policy = KMSService.defaultPolicy(KeyScope(try testCaller())).replacingOccurrences(of: "key-default-1", with: "x")
        #expect(try await fixture.call("PutKeyPolicy", ["KeyId": id, "Policy": policy]).status == 200)
        #expect(try await fixture.call("GetKeyPolicy", ["KeyId": id]).text("Policy") == policy)
    }
}
