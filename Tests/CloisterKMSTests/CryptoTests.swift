import Crypto
import Foundation
import Testing

@testable import CloisterKMS

struct CryptoTests {
    /// FIPS 180-4 examples.
    @Test func sha224() {
        #expect(Hexadecimal.text(SHA224.hash(Array("abc".utf8))) == "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7")
        #expect(Hexadecimal.text(SHA224.hash([])) == "d14a028c2a3a2bc9476102bb288234c415a2b01f828ea62ac5b3e42f")
        let long = Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8)
        #expect(Hexadecimal.text(SHA224.hash(long)) == "75388b16512776cc5dba5da1fd890150b0c6455cb4f58b1952522525")
    }

    /// RFC 4231, test case 2.
    @Test(arguments: [
        (MACAlgorithm.sha224, "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44"),
        (.sha256, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        (.sha384, "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649"),
    ])
    func hmac(_ algorithm: MACAlgorithm, _ expected: String) throws {
        var key = Data("Jefe".utf8)
        let secret = try SecretBytes(wiping: &key)
        let code = MACs.code(for: Array("what do ya want for nothing?".utf8), algorithm, key: secret)
        #expect(Hexadecimal.text(code) == expected)
    }

    @Test func aContextHasOneEncoding() {
        #expect(EncryptionContext.encoded([:]) == [0, 0, 0, 0])
        #expect(EncryptionContext.encoded(["a": "bc"]) == [0, 0, 0, 1, 0, 0, 0, 1, 97, 0, 0, 0, 2, 98, 99])
        let contexts: [[String: String]] = [
            ["a": "bc"], ["ab": "c"], ["a": "b", "c": ""], ["a": "", "bc": ""], ["abc": ""], ["": "abc"], [:],
            ["\u{e9}": ""], ["\u{65}\u{301}": ""],
        ]
        #expect(Set(contexts.map { EncryptionContext.encoded($0) }).count == contexts.count)
    }

    /// The format is fixed: whatever was encrypted once must decrypt for ever. Computed with Python's `cryptography`.
    @Test func aBlobOfFormat1() throws {
        let id = try #require(KeyID("00112233-4455-6677-8899-aabbccddeeff"))
        var material = Data(0..<32)
        let secret = try SecretBytes(wiping: &material)
        #expect(material.allSatisfy { $0 == 0 })
        let blob = try SymmetricCipher.seal(
            Array("hello".utf8), keyID: id, version: 2, material: secret, context: ["tenant_id": "acme"],
            random: Array(100..<128))
        #expect(Hexadecimal.text(blob) == BlobVector.format1)
        let parsed = try #require(CiphertextBlob(blob))
        #expect(parsed.keyID == id && parsed.version == 2)
        let opened = try SymmetricCipher.open(parsed, material: secret, context: ["tenant_id": "acme"])
        #expect(opened == Array("hello".utf8))
    }

    @Test func secretMemoryIsLocked() throws {
        let before = try lockedKiB()
        let secret = try SecretBytes(count: 32) { $0.copyBytes(from: Array(repeating: 7, count: 32)) }
        #expect(secret.withUnsafeBytes { Array($0) } == Array(repeating: 7, count: 32))
        #expect(try lockedKiB() > before)
    }

    private func lockedKiB() throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmLck:") })
        return try #require(line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) })
    }
}
