import Foundation
import Testing

@testable import CloisterKMS

struct SigningTests {
    @Test(arguments: [
        (KeySpec.rsa2048, SigningAlgorithm.rsa), (.eccP256, [.ecdsaSHA256]), (.eccP384, [.ecdsaSHA384]),
        (.eccP521, [.ecdsaSHA512]),
    ])
    func signatures(_ spec: KeySpec, _ algorithms: [SigningAlgorithm]) async throws {
        let fixture = try ServiceFixture()
        let id = try await fixture.makeKey(["KeySpec": spec.rawValue, "KeyUsage": "SIGN_VERIFY"])
        for algorithm in algorithms {
            let message = Array("a message".utf8)
            let digest = base64(Signatures.digest(of: message, algorithm))
            let raw: [String: Any] = ["KeyId": id, "Message": base64(message), "SigningAlgorithm": algorithm.rawValue]
            var digested = raw
            digested["Message"] = digest
            digested["MessageType"] = "DIGEST"
            // Signed over the message, verified over the digest, and the other way round.
            for (signed, verified) in [(raw, digested), (digested, raw)] {
                var input = verified
                input["Signature"] = try await fixture.call("Sign", signed).text("Signature")
                #expect(try await fixture.call("Verify", input).body["SignatureValid"] as? Bool == true)
                input["Message"] = base64(Array(repeating: 7, count: algorithm.digestBytes))
                #expect(try await fixture.call("Verify", input).type == "KMSInvalidSignatureException")
            }
            digested["Message"] = base64("short")
            #expect(try await fixture.call("Sign", digested).type == "ValidationException")
        }
        let published = try await fixture.call("GetPublicKey", ["KeyId": id])
        #expect(published.body["SigningAlgorithms"] as? [String] == algorithms.map(\.rawValue))
        let wrong = try await fixture.call("Encrypt", ["KeyId": id, "Plaintext": base64("a")])
        #expect(wrong.type == "InvalidKeyUsageException")
        #expect(wrong.message?.hasSuffix("key usage is SIGN_VERIFY which is not valid for Encrypt.") == true)
    }

    @Test(arguments: ["224", "256", "384", "512"])
    func authenticationCodes(_ bits: String) async throws {
        let fixture = try ServiceFixture()
        let id = try await fixture.makeKey(["KeySpec": "HMAC_\(bits)", "KeyUsage": "GENERATE_VERIFY_MAC"])
        var input: [String: Any] = ["KeyId": id, "Message": base64("m"), "MacAlgorithm": "HMAC_SHA_\(bits)"]
        input["Mac"] = try await fixture.call("GenerateMac", input).text("Mac")
        #expect(try await fixture.call("VerifyMac", input).body["MacValid"] as? Bool == true)
        input["Message"] = base64("n")
        #expect(try await fixture.call("VerifyMac", input).type == "KMSInvalidMacException")
    }

    @Test func rsaEncryption() async throws {
        let fixture = try ServiceFixture()
        let id = try await fixture.makeKey(["KeySpec": "RSA_2048", "KeyUsage": "ENCRYPT_DECRYPT"])
        for (algorithm, longest) in [("RSAES_OAEP_SHA_1", 214), ("RSAES_OAEP_SHA_256", 190)] {
            let text = base64(Array(repeating: 1, count: longest))
            let sealed = try await fixture.call("Encrypt", ["KeyId": id, "Plaintext": text, "EncryptionAlgorithm": algorithm])
            let blob = try #require(sealed.text("CiphertextBlob"))
            let input = ["CiphertextBlob": blob, "KeyId": id, "EncryptionAlgorithm": algorithm]
            #expect(try await fixture.call("Decrypt", input).text("Plaintext") == text)
            let long = base64(Array(repeating: 1, count: longest + 1))
            let refused = try await fixture.call("Encrypt", ["KeyId": id, "Plaintext": long, "EncryptionAlgorithm": algorithm])
            #expect(refused.type == "ValidationException")
        }
        #expect(try await fixture.call("Encrypt", ["KeyId": id, "Plaintext": base64("a")]).type == "InvalidKeyUsageException")
    }

    @Test func dataKeys() async throws {
        let fixture = try ServiceFixture()
        let id = try await fixture.makeKey()
        let key = try await fixture.call("GenerateDataKey", ["KeyId": id, "KeySpec": "AES_256", "EncryptionContext": ["a": "b"]])
        #expect(key.bytes("Plaintext")?.count == 32)
        let opened = try await fixture.call(
            "Decrypt", ["CiphertextBlob": key.text("CiphertextBlob") ?? "", "EncryptionContext": ["a": "b"]])
        #expect(opened.text("Plaintext") == key.text("Plaintext"))
        let hidden = try await fixture.call("GenerateDataKeyWithoutPlaintext", ["KeyId": id, "NumberOfBytes": 1_024])
        #expect(hidden.text("Plaintext") == nil && hidden.text("CiphertextBlob") != nil)
        let pair = try await fixture.call("GenerateDataKeyPair", ["KeyId": id, "KeyPairSpec": "ECC_NIST_P384"])
        let privateKey = try await fixture.call("Decrypt", ["CiphertextBlob": pair.text("PrivateKeyCiphertextBlob") ?? ""])
        #expect(privateKey.text("Plaintext") == pair.text("PrivateKeyPlaintext"))
        #expect(try await fixture.call("GenerateDataKey", ["KeyId": id]).type == "ValidationException")
        #expect(try await fixture.call("GenerateRandom", ["NumberOfBytes": 7]).bytes("Plaintext")?.count == 7)
    }
}
