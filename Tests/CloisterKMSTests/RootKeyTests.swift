import CloisterServiceKit
import Foundation
import Testing

@testable import CloisterKMS

/// One suite for every kind of root key.
@Suite(.serialized)
struct RootKeyTests {
    @Test func aFile() throws {
        let directory = try ScratchDirectory()
        let path = directory.path + "/root.key"
        try check(try FileRootKey(path: path), again: try FileRootKey(path: path), other: try FileRootKey(path: directory.path + "/other.key"))
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }

    @Test func aFileThatOthersMayReadIsRefused() throws {
        let directory = try ScratchDirectory()
        let path = directory.path + "/root.key"
        _ = try FileRootKey(path: path)
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: path)
        #expect(throws: RootKeyError.self) { try FileRootKey(path: path) }
        try Data([1, 2, 3]).write(to: URL(fileURLWithPath: directory.path + "/short"))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: directory.path + "/short")
        #expect(throws: RootKeyError.self) { try FileRootKey(path: directory.path + "/short") }
    }

    /// With Debian's package `softhsm2`.
    @Test func aToken() async throws {
        let token = try SoftToken()
        let key = try PKCS11RootKey(token.configuration("root"))
        try check(key, again: try PKCS11RootKey(token.configuration("root")), other: try PKCS11RootKey(token.configuration("other")))
        #expect { try PKCS11RootKey(PKCS11RootKey.Configuration(module: SoftToken.module, tokenLabel: "none", pin: "1234")) } throws: {
            "\($0)".contains("no token")
        }
        #expect { try PKCS11RootKey(PKCS11RootKey.Configuration(module: "/none.so", tokenLabel: "cloister", pin: "1234")) } throws: {
            "\($0)".contains("none.so") && !"\($0)".contains("1234")
        }
        // The whole service on it, and opened again.
        let fixture = try ServiceFixture(rootKey: key)
        let id = try await fixture.makeKey()
        let blob = try await fixture.call("Encrypt", ["KeyId": id, "Plaintext": base64("a")]).text("CiphertextBlob") ?? ""
        let reopened = try ServiceFixture(directory: fixture.directory, rootKey: try PKCS11RootKey(token.configuration("root")))
        #expect(try await reopened.call("Decrypt", ["CiphertextBlob": blob]).text("Plaintext") == base64("a"))
        let wrong = try ServiceFixture(directory: fixture.directory, rootKey: try PKCS11RootKey(token.configuration("other")))
        #expect(try await wrong.call("Decrypt", ["CiphertextBlob": blob]).type == "KMSInternalException")
    }

    private func check(_ key: any RootKey, again: any RootKey, other: any RootKey) throws {
        for count in [1, 32, 2_400] {
            var bytes = Data((0..<count).map { UInt8(truncatingIfNeeded: $0) })
            let expected = Array(bytes)
            let wrapped = try key.wrap(try SecretBytes(wiping: &bytes), context: [1, 2])
            #expect(try key.unwrap(wrapped, context: [1, 2]).withUnsafeBytes { Array($0) } == expected)
            #expect(try again.unwrap(wrapped, context: [1, 2]).withUnsafeBytes { Array($0) } == expected)
            #expect(isRefused(key, wrapped, [1, 3]))
            #expect(isRefused(other, wrapped, [1, 2]))
            for index in [0, wrapped.count / 2, wrapped.count - 1] {
                var changed = wrapped
                changed[index] ^= 1
                #expect(isRefused(key, changed, [1, 2]))
            }
            #expect(isRefused(key, [], [1, 2]))
        }
    }

    private func isRefused(_ key: any RootKey, _ wrapped: [UInt8], _ context: [UInt8]) -> Bool {
        do {
            _ = try key.unwrap(wrapped, context: context)
            return false
        } catch {
            return error.code == .wrongKey
        }
    }
}

/// A SoftHSM token in a directory of its own. The library reads its configuration once in a process.
private struct SoftToken {
    static let module = "/usr/lib/softhsm/libsofthsm2.so"
    let directory: ScratchDirectory

    init() throws {
        directory = try ScratchDirectory()
        try #require(FileManager.default.fileExists(atPath: SoftToken.module), "softhsm2 is not installed: apt-get install softhsm2")
        let tokens = directory.path + "/tokens"
        try FileManager.default.createDirectory(atPath: tokens, withIntermediateDirectories: true)
        let configuration = directory.path + "/softhsm2.conf"
        try "directories.tokendir = \(tokens)\nobjectstore.backend = file\nlog.level = ERROR\n".write(
            toFile: configuration, atomically: true, encoding: .utf8)
        setenv("SOFTHSM2_CONF", configuration, 1)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/softhsm2-util")
        process.arguments = ["--init-token", "--free", "--label", "cloister", "--pin", "1234", "--so-pin", "5678"]
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
    }

    func configuration(_ key: String) -> PKCS11RootKey.Configuration {
        PKCS11RootKey.Configuration(module: SoftToken.module, tokenLabel: "cloister", pin: "1234", keyLabel: key)
    }
}
