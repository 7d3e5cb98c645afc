import Foundation
import Testing

@testable import CloisterKMS

struct HostileInputTests {
    @Test func whatIsNotBuiltSaysSo() async throws {
        let fixture = try ServiceFixture()
        let inputs: [(String, [String: Any])] = [
            ("ImportKeyMaterial", [:]), ("CreateCustomKeyStore", [:]), ("ReplicateKey", [:]),
            ("CreateKey", ["MultiRegion": true]), ("CreateKey", ["Origin": "EXTERNAL"]),
            ("CreateKey", ["KeySpec": "SM2", "KeyUsage": "SIGN_VERIFY"]),
        ]
        for (operation, input) in inputs {
            let answer = try await fixture.call(operation, input)
            #expect(answer.status == 501 && answer.message?.contains(operation) == true)
        }
        #expect(try await fixture.call("NoSuchOperation").type == "UnknownOperationException")
    }

    /// Mutated requests: never a crash, never a fault of the service.
    @Test func mutatedRequests() async throws {
        let fixture = try ServiceFixture()
        let id = try await fixture.makeKey()
        let blob = try await fixture.call("Encrypt", ["KeyId": id, "Plaintext": base64("a")]).text("CiphertextBlob") ?? ""
        let seeds: [String] = [
            #"{"KeyId":"\#(id)","Plaintext":"aGVsbG8=","EncryptionContext":{"a":"b"},"GrantTokens":["x"]}"#,
            #"{"CiphertextBlob":"\#(blob)","EncryptionContext":{},"KeyId":"alias/x"}"#,
            #"{"KeyId":"arn:aws:kms:eu-west-1:111111111111:key/\#(id)","NumberOfBytes":32,"Limit":5,"Marker":"eA=="}"#,
            #"{"AliasName":"alias/tenant/a","TargetKeyId":"\#(id)","Policy":"{}","Tags":[{"TagKey":"a","TagValue":"b"}]}"#,
        ]
        let operations = KMSCoverage.operations.filter(\.value.isBuilt).keys.sorted().filter { $0 != "CreateKey" }
        var generator = SeededGenerator(state: 42)
        for round in 0..<3_000 {
            var bytes = Array(seeds[round % seeds.count].utf8)
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                let index = Int.random(in: bytes.indices, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: index)
                case 2: bytes.insert(contentsOf: Array("[{\"\\u0000".utf8), at: index)
                default: bytes.removeLast(min(bytes.count - 1, Int.random(in: 0..<9, using: &generator)))
                }
            }
            let operation = operations[Int.random(in: operations.indices, using: &generator)]
            let answer = try await fixture.send("TrentService.\(operation)", bytes)
            #expect(answer.status < 500 || answer.status == 501, "\(operation) \(String(decoding: bytes, as: UTF8.self))")
        }
    }

    @Test func deepAndLargeBodies() async throws {
        let fixture = try ServiceFixture()
        let deep = Array(String(repeating: "[", count: 100_000).utf8)
        let answer = try await fixture.send("TrentService.Encrypt", Array("{\"EncryptionContext\":".utf8) + deep)
        #expect(answer.type == "SerializationException")
        let large = try await fixture.send("TrentService.Encrypt", Array(repeating: 32, count: 2 << 20))
        #expect(large.type == "SerializationException")
        let id = try await fixture.makeKey()
        let long = base64(Array(repeating: 0, count: 4_097))
        #expect(try await fixture.call("Encrypt", ["KeyId": id, "Plaintext": long]).type == "ValidationException")
        #expect(try await fixture.call("Encrypt", ["KeyId": id, "Plaintext": ""]).type == "ValidationException")
        for name in ["alias/", "alias/a b", "foo", "alias/ä", "alias/" + String(repeating: "a", count: 300)] {
            #expect(try await fixture.call("CreateAlias", ["AliasName": name, "TargetKeyId": id]).type == "ValidationException")
        }
        #expect(
            try await fixture.call("CreateAlias", ["AliasName": "alias/aws/x", "TargetKeyId": id]).type
                == "NotAuthorizedException")
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
