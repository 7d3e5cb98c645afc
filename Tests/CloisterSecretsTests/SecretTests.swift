import CloisterServiceKit
import Foundation
import Testing

@testable import CloisterSecrets

struct SecretTests {
    @Test func aTenantsSecretByNameARNAndPartialARN() async throws {
        let fixture = try Fixture()
        let made = try await fixture.call(
            "CreateSecret", ["Name": "tenants/acme/db", "SecretString": "s3cret", "Tags": [["Key": "tenant_id", "Value": "acme"]]])
        let arn = try #require(made.text("ARN"))
        #expect(arn.hasPrefix("arn:aws:secretsmanager:eu-west-1:111111111111:secret:tenants/acme/db-"))
        #expect(arn.split(separator: "-").last?.count == 6)
        for id in ["tenants/acme/db", arn, String(arn.dropLast(7))] {
            let answer = try await fixture.call("GetSecretValue", ["SecretId": id])
            #expect(answer.text("SecretString") == "s3cret" && answer.text("ARN") == arn)
            #expect(answer.body["VersionStages"] as? [String] == ["AWSCURRENT"])
        }
        let guess = String(arn.dropLast(6)) + "AAAAAA"
        for id in [guess, "tenants/acme/db-AAAAAA", "tenants/acme", "arn:aws:secretsmanager:us-east-1:111111111111:secret:x-AAAAAA"] {
            let answer = try await fixture.call("GetSecretValue", ["SecretId": id])
            #expect(answer.type == "ResourceNotFoundException")
            #expect(answer.message == "Secrets Manager can't find the specified secret.")
        }
        #expect(try await fixture.call("GetSecretValue", ["SecretId": arn], account: "222222222222").type == "ResourceNotFoundException")
        #expect(try await fixture.call("ListSecrets", account: "222222222222").list("SecretList").isEmpty)
        let encryption = try #require(fixture.keyAuthorizer.asked.first { $0.action == "kms:Encrypt" })
        #expect(encryption.conditions["kms:EncryptionContext:SecretARN"] == [arn])
        #expect(encryption.conditions["kms:EncryptionContext:SecretVersionId"] == [made.text("VersionId") ?? ""])
        #expect(encryption.conditions["kms:ViaService"] == ["secretsmanager.eu-west-1.amazonaws.com"])
        let read = try #require(fixture.authorizer.asked.first { $0.action == "secretsmanager:GetSecretValue" })
        #expect(read.resource == arn && read.conditions["secretsmanager:ResourceTag/tenant_id"] == ["acme"])
        #expect(read.conditions["secretsmanager:Name"] == ["tenants/acme/db"])
        #expect(read.conditions["secretsmanager:VersionStage"] == ["AWSCURRENT"])
    }

    @Test func valuesAreNotInTheDatabaseInClear() async throws {
        let fixture = try Fixture()
        let text = "a value that nobody may read"
        _ = try await fixture.call("CreateSecret", ["Name": "a", "SecretString": text])
        let binary = Data("binary value to hide".utf8)
        _ = try await fixture.call("CreateSecret", ["Name": "b", "SecretBinary": binary.base64EncodedString()])
        #expect(try await fixture.call("GetSecretValue", ["SecretId": "b"]).text("SecretBinary") == binary.base64EncodedString())
        for file in try FileManager.default.contentsOfDirectory(atPath: fixture.directory.path) {
            let contents = try Data(contentsOf: URL(fileURLWithPath: fixture.directory.path + "/" + file))
            for hidden in [Data(text.utf8), Data(Data(text.utf8).base64EncodedString().utf8), binary] {
                #expect(contents.range(of: hidden) == nil, "\(file)")
            }
        }
    }

    @Test func versionsAndStages() async throws {
        let fixture = try Fixture()
        _ = try await fixture.call("CreateSecret", ["Name": "s", "SecretString": "1", "ClientRequestToken": token("1")])
        _ = try await fixture.call("PutSecretValue", ["SecretId": "s", "SecretString": "2", "ClientRequestToken": token("2")])
        #expect(try await fixture.call("DescribeSecret", ["SecretId": "s"]).stages == [token("1"): ["AWSPREVIOUS"], token("2"): ["AWSCURRENT"]])
        _ = try await fixture.call(
            "PutSecretValue", ["SecretId": "s", "SecretString": "3", "ClientRequestToken": token("3"), "VersionStages": ["next"]])
        let reads: [([String: Any], String?)] = [
            (["SecretId": "s"], "2"), (["SecretId": "s", "VersionStage": "AWSPREVIOUS"], "1"),
            (["SecretId": "s", "VersionStage": "next"], "3"), (["SecretId": "s", "VersionId": token("1")], "1"),
        ]
        for (input, expected) in reads { #expect(try await fixture.call("GetSecretValue", input).text("SecretString") == expected) }
        let none = try await fixture.call("GetSecretValue", ["SecretId": "s", "VersionStage": "none"])
        #expect(none.message == "Secrets Manager can't find the specified secret value for staging label: none")
        let mismatch = try await fixture.call(
            "GetSecretValue", ["SecretId": "s", "VersionId": token("1"), "VersionStage": "AWSCURRENT"])
        #expect(mismatch.type == "InvalidRequestException")
        let move: [String: Any] = ["SecretId": "s", "VersionStage": "AWSCURRENT", "MoveToVersionId": token("3")]
        #expect(try await fixture.call("UpdateSecretVersionStage", move).type == "InvalidParameterException")
        let full = move.merging(["RemoveFromVersionId": token("2")]) { $1 }
        #expect(try await fixture.call("UpdateSecretVersionStage", full).status == 200)
        #expect(
            try await fixture.call("DescribeSecret", ["SecretId": "s"]).stages
                == [token("3"): ["next", "AWSCURRENT"], token("2"): ["AWSPREVIOUS"]])
        let listed = try await fixture.call("ListSecretVersionIds", ["SecretId": "s", "IncludeDeprecated": true])
        #expect(listed.list("Versions").count == 3)
        #expect(try await fixture.call("ListSecretVersionIds", ["SecretId": "s"]).list("Versions").count == 2)
    }

    @Test func aRepeatedTokenIsTheSameRequest() async throws {
        let fixture = try Fixture()
        let input: [String: Any] = ["Name": "s", "SecretString": "1", "ClientRequestToken": token("a")]
        let first = try await fixture.call("CreateSecret", input)
        #expect(try await fixture.call("CreateSecret", input).text("ARN") == first.text("ARN"))
        let other = input.merging(["SecretString": "2"]) { $1 }
        #expect(try await fixture.call("CreateSecret", other).type == "ResourceExistsException")
        let put: [String: Any] = ["SecretId": "s", "SecretString": "2", "ClientRequestToken": token("b")]
        for _ in 0..<2 { #expect(try await fixture.call("PutSecretValue", put).text("VersionId") == token("b")) }
        let clash = put.merging(["SecretString": "3"]) { $1 }
        #expect(try await fixture.call("PutSecretValue", clash).type == "ResourceExistsException")
        #expect(try await fixture.call("PutSecretValue", ["SecretId": "s", "SecretString": "3", "ClientRequestToken": "short"]).type == "InvalidParameterException")
        #expect(try await fixture.call("PutSecretValue", ["SecretId": "s"]).message == "You must provide either SecretString or SecretBinary.")
    }

    @Test func deletionAndRestoration() async throws {
        let fixture = try Fixture()
        let made = try await fixture.call("CreateSecret", ["Name": "s", "SecretString": "1"])
        #expect(try await fixture.call("DeleteSecret", ["SecretId": "s", "RecoveryWindowInDays": 7]).status == 200)
        let read = try await fixture.call("GetSecretValue", ["SecretId": "s"])
        #expect(read.type == "InvalidRequestException")
        #expect(read.message == "You can't perform this operation on the secret because it was marked for deletion.")
        #expect(try await fixture.call("CreateSecret", ["Name": "s", "SecretString": "1"]).type == "InvalidRequestException")
        #expect(try await fixture.call("ListSecrets").list("SecretList").isEmpty)
        #expect(try await fixture.call("ListSecrets", ["IncludePlannedDeletion": true]).list("SecretList").count == 1)
        #expect(try await fixture.call("DescribeSecret", ["SecretId": "s"]).body["DeletedDate"] != nil)
        #expect(try await fixture.call("RestoreSecret", ["SecretId": "s"]).status == 200)
        #expect(try await fixture.call("GetSecretValue", ["SecretId": "s"]).text("SecretString") == "1")
        _ = try await fixture.call("DeleteSecret", ["SecretId": "s", "RecoveryWindowInDays": 7])
        fixture.time.advance(days: 8)
        try await fixture.service.sweep()
        #expect(try await fixture.call("DescribeSecret", ["SecretId": "s"]).type == "ResourceNotFoundException")
        let again = try await fixture.call("CreateSecret", ["Name": "s", "SecretString": "2"])
        #expect(again.status == 200 && again.text("ARN") != made.text("ARN"))
        #expect(try await fixture.call("GetSecretValue", ["SecretId": made.text("ARN") ?? ""]).type == "ResourceNotFoundException")
        #expect(try await fixture.call("DeleteSecret", ["SecretId": "s", "ForceDeleteWithoutRecovery": true]).status == 200)
        #expect(try await fixture.call("DescribeSecret", ["SecretId": "s"]).type == "ResourceNotFoundException")
        #expect(try await fixture.call("DeleteSecret", ["SecretId": "s", "RecoveryWindowInDays": 3]).type == "InvalidParameterException")
    }

    @Test func aDisabledKeyStopsItsSecretsAndNoOthers() async throws {
        let fixture = try Fixture()
        var keys: [String] = []
        for tenant in ["acme", "globex"] {
            let made = try await fixture.keys("CreateKey")
            let id = (made.body["KeyMetadata"] as? [String: Any])?["KeyId"] as? String ?? ""
            keys.append(id)
            let input = ["Name": "tenants/\(tenant)/db", "SecretString": tenant, "KmsKeyId": id]
            #expect(try await fixture.call("CreateSecret", input).status == 200)
        }
        #expect(try await fixture.keys("DisableKey", ["KeyId": keys[0]]).status == 200)
        #expect(try await fixture.call("GetSecretValue", ["SecretId": "tenants/acme/db"]).type == "DecryptionFailure")
        #expect(try await fixture.call("PutSecretValue", ["SecretId": "tenants/acme/db", "SecretString": "x"]).type == "EncryptionFailure")
        #expect(try await fixture.call("GetSecretValue", ["SecretId": "tenants/globex/db"]).text("SecretString") == "globex")
        _ = try await fixture.keys("EnableKey", ["KeyId": keys[0]])
        #expect(try await fixture.call("UpdateSecret", ["SecretId": "tenants/acme/db", "KmsKeyId": keys[1]]).status == 200)
        _ = try await fixture.keys("DisableKey", ["KeyId": keys[0]])
        #expect(try await fixture.call("GetSecretValue", ["SecretId": "tenants/acme/db"]).text("SecretString") == "acme")
    }

    @Test func listsFilterSortAndPage() async throws {
        let fixture = try Fixture()
        for index in 0..<5 {
            let tenant = index < 3 ? "acme" : "globex"
            let input: [String: Any] = [
                "Name": "tenants/\(tenant)/\(index)", "SecretString": "\(index)", "Description": "Number \(index)",
                "Tags": [["Key": "tenant_id", "Value": tenant]],
            ]
            #expect(try await fixture.call("CreateSecret", input).status == 200)
        }
        let cases: [([[String: Any]], Int)] = [
            ([["Key": "name", "Values": ["tenants/acme/"]]], 3), ([["Key": "name", "Values": ["!tenants/acme/"]]], 2),
            ([["Key": "tag-value", "Values": ["globex"]]], 2), ([["Key": "description", "Values": ["number"]]], 5),
            ([["Key": "all", "Values": ["globex 4"]]], 1),
            ([["Key": "tag-key", "Values": ["tenant_id"]], ["Key": "name", "Values": ["tenants/globex"]]], 2),
        ]
        for (filters, count) in cases {
            #expect(try await fixture.call("ListSecrets", ["Filters": filters]).list("SecretList").count == count, "\(filters)")
        }
        var names: [String] = []
        var next: String?
        repeat {
            var input: [String: Any] = ["MaxResults": 2, "SortBy": "name", "SortOrder": "desc"]
            if let next { input["NextToken"] = next }
            let page = try await fixture.call("ListSecrets", input)
            names += page.list("SecretList").compactMap { $0["Name"] as? String }
            next = page.text("NextToken")
        } while next != nil
        #expect(names == ["tenants/globex/4", "tenants/globex/3", "tenants/acme/2", "tenants/acme/1", "tenants/acme/0"])
        #expect(try await fixture.call("ListSecrets", ["NextToken": "bm9uZQ=="]).type == "InvalidNextTokenException")
        let batch = try await fixture.call("BatchGetSecretValue", ["SecretIdList": ["tenants/acme/0", "none"]])
        #expect(batch.list("SecretValues").count == 1)
        #expect(batch.list("Errors").first?["ErrorCode"] as? String == "ResourceNotFoundException")
        let filtered = try await fixture.call("BatchGetSecretValue", ["Filters": [["Key": "name", "Values": ["tenants/globex"]]]])
        #expect(filtered.list("SecretValues").count == 2)
    }

    @Test func randomPasswords() async throws {
        let fixture = try Fixture()
        #expect(try await fixture.call("GetRandomPassword").text("RandomPassword")?.count == 32)
        for _ in 0..<50 {
            let answer = try await fixture.call(
                "GetRandomPassword", ["PasswordLength": 4, "ExcludePunctuation": true, "IncludeSpace": true, "ExcludeCharacters": "aB1"])
            let text = try #require(answer.text("RandomPassword"))
            #expect(text.count == 4 && text.contains(" ") && text.contains(where: \.isLowercase))
            #expect(text.contains(where: \.isUppercase) && text.contains(where: \.isNumber))
            #expect(!text.contains(where: "aB1".contains))
        }
        #expect(try await fixture.call("GetRandomPassword", ["PasswordLength": 3]).type == "InvalidParameterException")
        #expect(try await fixture.call("GetRandomPassword", ["PasswordLength": 4_097]).type == "ValidationException")
    }
}
