import CloisterServiceKit
import Testing

@testable import CloisterSecrets

struct AccessTests {
    /// Every built operation asks before it reads or changes anything, and stops when it is refused.
    @Test func aDenialStopsEachOperation() async throws {
        let fixture = try Fixture()
        _ = try await fixture.call("CreateSecret", ["Name": "s", "SecretString": "1", "ClientRequestToken": token("1")])
        let before = try await fixture.service.vault.store.allSecrets(after: nil).secrets.map(\.record)
        fixture.authorizer.deny("*")
        var inputs = SecretsCoverage.operations.filter(\.value.isBuilt).mapValues { _ in ["SecretId": "s"] as [String: Any] }
        inputs["CreateSecret"] = ["Name": "t", "SecretString": "1"]
        inputs["BatchGetSecretValue"] = ["SecretIdList": ["s"]]
        inputs["PutSecretValue"]?["SecretString"] = "2"
        inputs["UpdateSecretVersionStage"]?["VersionStage"] = "AWSCURRENT"
        inputs["TagResource"]?["Tags"] = [["Key": "k", "Value": "v"]]
        inputs["UntagResource"]?["TagKeys"] = ["k"]
        for name in ["PutResourcePolicy", "ValidateResourcePolicy"] {
            inputs[name]?["ResourcePolicy"] = "{\"Statement\":[]}"
        }
        for (operation, input) in inputs {
            let answer = try await fixture.call(operation, input)
            #expect(answer.type == "AccessDeniedException", "\(operation): \(answer.body)")
        }
        #expect(try await fixture.service.vault.store.allSecrets(after: nil).secrets.map(\.record) == before)
        // Nobody learns which secrets there are.
        #expect(try await fixture.call("DescribeSecret", ["SecretId": "none"]).type == "AccessDeniedException")
    }

    @Test func aDeniedSecretInABatchIsAnErrorOfItsOwn() async throws {
        let fixture = try Fixture()
        let made = try await fixture.call("CreateSecret", ["Name": "a", "SecretString": "1"])
        _ = try await fixture.call("CreateSecret", ["Name": "b", "SecretString": "2"])
        fixture.authorizer.deny(made.text("ARN") ?? "")
        let answer = try await fixture.call("BatchGetSecretValue", ["SecretIdList": ["a", "b"]])
        #expect(answer.list("SecretValues").compactMap { $0["SecretString"] as? String } == ["2"])
        #expect(answer.list("Errors").compactMap { $0["ErrorCode"] as? String } == ["AccessDeniedException"])
    }

    @Test func whoMayNotUseTheKeyMayNotReadTheValue() async throws {
        let fixture = try Fixture()
        _ = try await fixture.call("CreateSecret", ["Name": "a", "SecretString": "1"])
        fixture.keyAuthorizer.deny("kms:Decrypt")
        #expect(try await fixture.call("GetSecretValue", ["SecretId": "a"]).type == "AccessDeniedException")
    }

    @Test func resourcePoliciesReachTheAuthorizer() async throws {
        let fixture = try Fixture()
        _ = try await fixture.call("CreateSecret", ["Name": "a", "SecretString": "1"])
        let policy = #"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"secretsmanager:*","Resource":"*"}]}"#
        let blocked = try await fixture.call("PutResourcePolicy", ["SecretId": "a", "ResourcePolicy": policy, "BlockPublicPolicy": true])
        #expect(blocked.type == "PublicPolicyException")
        #expect(try await fixture.call("PutResourcePolicy", ["SecretId": "a", "ResourcePolicy": policy]).status == 200)
        _ = try await fixture.call("GetSecretValue", ["SecretId": "a"])
        #expect(fixture.authorizer.asked.last?.resourcePolicy == policy)
        #expect(try await fixture.call("GetResourcePolicy", ["SecretId": "a"]).text("ResourcePolicy") == policy)
        #expect(try await fixture.call("PutResourcePolicy", ["SecretId": "a", "ResourcePolicy": "no"]).type == "MalformedPolicyDocumentException")
    }

    /// Mutated requests: never a crash, never a fault of the service.
    @Test func mutatedRequests() async throws {
        let fixture = try Fixture()
        _ = try await fixture.call("CreateSecret", ["Name": "s", "SecretString": "1", "ClientRequestToken": token("1")])
        let seeds = [
            #"{"SecretId":"s","VersionId":"\#(token("1"))","VersionStage":"AWSCURRENT","SecretBinary":"aGVsbG8="}"#,
            #"{"Name":"tenants/a","SecretString":"x","Tags":[{"Key":"a","Value":"b"}],"KmsKeyId":"alias/x"}"#,
            #"{"Filters":[{"Key":"name","Values":["a"]}],"MaxResults":5,"NextToken":"eA==","PasswordLength":9}"#,
            #"{"SecretId":"arn:aws:secretsmanager:eu-west-1:111111111111:secret:s-abcdef","ResourcePolicy":"{}","TagKeys":["a"]}"#,
        ]
        let client = Client(service: fixture.service, caller: try Fixture.caller())
        let operations = SecretsCoverage.operations.keys.sorted()
        var generator = SeededGenerator(state: 7)
        for round in 0..<3_000 {
            var bytes = Array(seeds[round % seeds.count].utf8)
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                let index = Int.random(in: bytes.indices, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: index)
                default: bytes.insert(contentsOf: Array("[{\"\\u0000".utf8), at: index)
                }
            }
            let operation = operations[Int.random(in: operations.indices, using: &generator)]
            let answer = try await client.send(operation, bytes)
            #expect(answer.status < 500 || answer.status == 501, "\(operation) \(String(decoding: bytes, as: UTF8.self))")
        }
    }
}

/// Repeatable randomness (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }
}
