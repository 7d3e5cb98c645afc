import CloisterServiceKit
import Testing

@testable import CloisterKMS

struct KeyServiceTests {
    @Test func anAccountsOwnKeyOfAServiceIsMadeAtItsFirstUse() async throws {
        let fixture = try ServiceFixture()
        let keys = fixture.service.keys(for: "secretsmanager")
        let caller = try testCaller()
        let context = ["SecretARN": "arn:x", "SecretVersionId": "v"]
        let blob = try await keys.encrypt([1, 2, 3], under: "alias/aws/secretsmanager", context: context, for: caller)
        #expect(try await keys.decrypt(blob, context: context, for: caller) == [1, 2, 3])
        let arn = try await keys.keyARN("alias/aws/secretsmanager", for: caller)
        #expect(arn.hasPrefix("arn:aws:kms:eu-west-1:111111111111:key/"))
        #expect(try await keys.keyARN(arn, for: caller) == arn)
        let use = try #require(fixture.authorizer.asked.first)
        #expect(use.action == "kms:Encrypt" && use.resource == arn)
        #expect(use.conditions["kms:ViaService"] == ["secretsmanager.eu-west-1.amazonaws.com"])
        #expect(use.conditions["kms:EncryptionContext:SecretARN"] == ["arn:x"])
        #expect(use.conditions["kms:EncryptionContextKeys"] == ["SecretARN", "SecretVersionId"])
        #expect(use.conditions["kms:RequestAlias"] == ["alias/aws/secretsmanager"])
        #expect(use.resourcePolicy?.contains("kms:ViaService") == true)
    }

    @Test func manyFirstUsesAtOnceMakeOneKey() async throws {
        let fixture = try ServiceFixture()
        let keys = fixture.service.keys(for: "dynamodb")
        let caller = try testCaller()
        let arns = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<16 { group.addTask { try await keys.keyARN("alias/aws/dynamodb", for: caller) } }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(arns.count == 1)
    }

    @Test func accountsAndRegionsHaveTheirOwn() async throws {
        let fixture = try ServiceFixture()
        let keys = fixture.service.keys(for: "dynamodb")
        let first = try testCaller()
        let blob = try await keys.encrypt([7], under: "alias/aws/dynamodb", context: [:], for: first)
        for other in [try testCaller("222222222222"), try testCaller(region: "us-east-1")] {
            #expect(try await keys.keyARN("alias/aws/dynamodb", for: other) != keys.keyARN("alias/aws/dynamodb", for: first))
            await #expect(throws: ServiceError.self) { try await keys.decrypt(blob, context: [:], for: other) }
        }
    }

    @Test func anUnknownAliasAndAWrongContextAreKMSsErrors() async throws {
        let fixture = try ServiceFixture()
        let keys = fixture.service.keys(for: "dynamodb")
        let caller = try testCaller()
        await #expect { try await keys.keyARN("alias/none", for: caller) } throws: {
            ($0 as? ServiceError)?.code == "NotFoundException"
        }
        let blob = try await keys.encrypt([7], under: "alias/aws/dynamodb", context: ["a": "b"], for: caller)
        for context in [[:], ["a": "c"], ["a": "b", "c": ""]] {
            await #expect { try await keys.decrypt(blob, context: context, for: caller) } throws: {
                ($0 as? ServiceError)?.code == "InvalidCiphertextException"
            }
        }
    }
}
