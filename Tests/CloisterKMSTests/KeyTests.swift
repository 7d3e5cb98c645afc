import CloisterServiceKit
import CloisterStore
import Foundation
import Testing

@testable import CloisterKMS

struct KeyTests {
    @Test func theKeyOfATenantAsItIsProvisioned() async throws {
        let fixture = try ServiceFixture()
        let made = try await fixture.call(
            "CreateKey",
            [
                "Description": "Tenant encryption key: ACME (acme)", "KeyUsage": "ENCRYPT_DECRYPT",
                "KeySpec": "SYMMETRIC_DEFAULT",
                "Tags": [["TagKey": "tenant_id", "TagValue": "acme"], ["TagKey": "Environment", "TagValue": "production"]],
            ])
        let id = made.keyID
        #expect(made.metadata["Arn"] as? String == "arn:aws:kms:eu-west-1:111111111111:key/\(id)")
        #expect(made.metadata["KeyState"] as? String == "Enabled")
        #expect(made.metadata["EncryptionAlgorithms"] as? [String] == ["SYMMETRIC_DEFAULT"])
        #expect(try await fixture.call("CreateAlias", ["AliasName": "alias/tenant/acme", "TargetKeyId": id]).status == 200)
        #expect(try await fixture.call("EnableKeyRotation", ["KeyId": id]).status == 200)
        let sealed = try await fixture.call(
            "Encrypt",
            ["KeyId": "alias/tenant/acme", "Plaintext": base64("secret"), "EncryptionContext": ["tenant_id": "acme"]])
        let blob = try #require(sealed.text("CiphertextBlob"))
        let opened = try await fixture.call(
            "Decrypt", ["CiphertextBlob": blob, "EncryptionContext": ["tenant_id": "acme"]])
        #expect(opened.bytes("Plaintext") == Data("secret".utf8))
        #expect(opened.text("KeyId") == sealed.text("KeyId"))
        for context in [["tenant_id": "globex"], [:], ["tenant_id": "acme", "more": ""]] {
            let refused = try await fixture.call("Decrypt", ["CiphertextBlob": blob, "EncryptionContext": context])
            #expect(refused.type == "InvalidCiphertextException")
        }
    }

    @Test func aDisabledKeyStopsEverythingUnderItAndNothingElse() async throws {
        let fixture = try ServiceFixture()
        let (first, second) = (try await fixture.makeKey(), try await fixture.makeKey())
        let blob = try await fixture.call("Encrypt", ["KeyId": first, "Plaintext": base64("a")]).text("CiphertextBlob")
        #expect(try await fixture.call("DisableKey", ["KeyId": first]).status == 200)
        let calls: [(String, [String: Any])] = [
            ("Encrypt", ["KeyId": first, "Plaintext": base64("a")]), ("Decrypt", ["CiphertextBlob": blob ?? ""]),
            ("GenerateDataKey", ["KeyId": first, "KeySpec": "AES_256"]),
            ("GenerateDataKeyWithoutPlaintext", ["KeyId": first, "NumberOfBytes": 9]),
            ("GenerateDataKeyPair", ["KeyId": first, "KeyPairSpec": "ECC_NIST_P256"]),
            ("ReEncrypt", ["CiphertextBlob": blob ?? "", "DestinationKeyId": second]),
            ("ReEncrypt", ["CiphertextBlob": try await encrypt(fixture, second), "DestinationKeyId": first]),
            ("EnableKeyRotation", ["KeyId": first]), ("RotateKeyOnDemand", ["KeyId": first]),
        ]
        for (operation, input) in calls {
            let answer = try await fixture.call(operation, input)
            #expect(answer.type == "DisabledException", "\(operation)")
        }
        #expect(try await fixture.call("Encrypt", ["KeyId": second, "Plaintext": base64("a")]).status == 200)
        #expect(try await fixture.call("EnableKey", ["KeyId": first]).status == 200)
        #expect(try await fixture.call("Decrypt", ["CiphertextBlob": blob ?? ""]).status == 200)
    }

    @Test func oldVersionsDecryptAfterRotation() async throws {
        let fixture = try ServiceFixture()
        let id = try await fixture.makeKey()
        #expect(try await fixture.call("EnableKeyRotation", ["KeyId": id, "RotationPeriodInDays": 90]).status == 200)
        var blobs = [try await encrypt(fixture, id)]
        #expect(try await fixture.call("RotateKeyOnDemand", ["KeyId": id]).status == 200)
        blobs.append(try await encrypt(fixture, id))
        fixture.time.advance(days: 91)
        blobs.append(try await encrypt(fixture, id))
        let versions = blobs.compactMap { Data(base64Encoded: $0) }.compactMap { CiphertextBlob([UInt8]($0))?.version }
        #expect(versions == [1, 2, 3])
        for blob in blobs { #expect(try await fixture.call("Decrypt", ["CiphertextBlob": blob]).status == 200) }
        let rotations = try await fixture.call("ListKeyRotations", ["KeyId": id]).list("Rotations")
        #expect(rotations.compactMap { $0["RotationType"] as? String } == ["ON_DEMAND", "AUTOMATIC"])
        let status = try await fixture.call("GetKeyRotationStatus", ["KeyId": id])
        #expect(status.body["KeyRotationEnabled"] as? Bool == true)
        #expect(status.body["RotationPeriodInDays"] as? Int == 90)
    }

    @Test func deletionWaitsThenDestroysTheMaterial() async throws {
        let directory = try ScratchDirectory()
        let fixture = try ServiceFixture(directory: directory)
        let id = try await fixture.makeKey()
        _ = try await fixture.call("CreateAlias", ["AliasName": "alias/gone", "TargetKeyId": id])
        let blob = try await encrypt(fixture, id)
        let scope = KeyScope(try testCaller())
        let loaded = try await fixture.service.ring.store.key(try #require(KeyID(id)), scope)
        let wrapped = try #require(loaded?.record.current?.wrapped)
        let scheduled = try await fixture.call("ScheduleKeyDeletion", ["KeyId": id, "PendingWindowInDays": 7])
        #expect(scheduled.text("KeyState") == "PendingDeletion")
        #expect(try await fixture.call("Decrypt", ["CiphertextBlob": blob]).type == "KMSInvalidStateException")
        #expect(try await fixture.call("EnableKey", ["KeyId": id]).type == "KMSInvalidStateException")
        fixture.time.advance(days: 6)
        try await fixture.service.sweep()
        #expect(try await fixture.call("DescribeKey", ["KeyId": id]).metadata["KeyState"] as? String == "PendingDeletion")
        fixture.time.advance(days: 2)
        try await fixture.service.sweep()
        #expect(try await fixture.call("DescribeKey", ["KeyId": id]).type == "NotFoundException")
        #expect(try await fixture.call("DescribeKey", ["KeyId": "alias/gone"]).type == "NotFoundException")
        #expect(try await fixture.call("Decrypt", ["CiphertextBlob": blob]).type == "AccessDeniedException")
        let text = wrapped.base64EncodedString()
        for file in try FileManager.default.contentsOfDirectory(atPath: directory.path) {
            let contents = try Data(contentsOf: URL(fileURLWithPath: directory.path + "/" + file))
            #expect(contents.range(of: Data(text.utf8)) == nil, "\(file) still holds the wrapped material")
            #expect(contents.range(of: Data(text.replacingOccurrences(of: "/", with: "\\/").utf8)) == nil)
        }
    }

    @Test func aCancelledDeletionLeavesADisabledKey() async throws {
        let fixture = try ServiceFixture()
        let id = try await fixture.makeKey()
        #expect(try await fixture.call("CancelKeyDeletion", ["KeyId": id]).type == "KMSInvalidStateException")
        _ = try await fixture.call("ScheduleKeyDeletion", ["KeyId": id])
        #expect(try await fixture.call("CancelKeyDeletion", ["KeyId": id]).status == 200)
        fixture.time.advance(days: 60)
        let metadata = try await fixture.call("DescribeKey", ["KeyId": id]).metadata
        #expect(metadata["KeyState"] as? String == "Disabled")
    }

    @Test func aTamperedBlobIsRefusedWhereverItIsTampered() async throws {
        let fixture = try ServiceFixture()
        let id = try await fixture.makeKey()
        _ = try await fixture.call("RotateKeyOnDemand", ["KeyId": id])
        let blob = try #require(Data(base64Encoded: try await encrypt(fixture, id)))
        for index in blob.indices {
            var bytes = blob
            bytes[index] ^= 1
            let answer = try await fixture.call("Decrypt", ["CiphertextBlob": bytes.base64EncodedString()])
            #expect(["InvalidCiphertextException", "AccessDeniedException"].contains(answer.type), "byte \(index)")
        }
        for count in 1..<blob.count {
            let answer = try await fixture.call("Decrypt", ["CiphertextBlob": blob.prefix(count).base64EncodedString()])
            #expect(answer.type == "InvalidCiphertextException")
        }
    }

    @Test func anotherAccountSeesNothing() async throws {
        let fixture = try ServiceFixture()
        let other = try testCaller("222222222222")
        let id = try await fixture.makeKey()
        let blob = try await encrypt(fixture, id)
        _ = try await fixture.call("CreateAlias", ["AliasName": "alias/a", "TargetKeyId": id])
        for name in [id, "alias/a", "arn:aws:kms:eu-west-1:111111111111:key/\(id)"] {
            #expect(try await fixture.call("DescribeKey", ["KeyId": name], as: other).type == "NotFoundException")
        }
        #expect(try await fixture.call("Decrypt", ["CiphertextBlob": blob], as: other).type == "AccessDeniedException")
        #expect(try await fixture.call("ListKeys", as: other).list("Keys").isEmpty)
        #expect(try await fixture.call("ListAliases", as: other).list("Aliases").isEmpty)
        let marker = try #require(Data("\(id)".utf8).base64EncodedString() as String?)
        #expect(try await fixture.call("ListKeys", ["Marker": marker], as: other).list("Keys").isEmpty)
    }

    private func encrypt(_ fixture: ServiceFixture, _ id: String) async throws -> String {
        let answer = try await fixture.call("Encrypt", ["KeyId": id, "Plaintext": base64("text")])
        return try #require(answer.text("CiphertextBlob"))
    }
}
