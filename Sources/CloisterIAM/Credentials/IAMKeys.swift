import Crypto
import Foundation

/// Gives that many random bytes.
public typealias RandomBytes = @Sendable (_ count: Int) -> [UInt8]

/// The keys that IAM derives from the root key, one for each use, and what is done with them.
public struct IAMKeys: Sendable {
    private let wrapping: SymmetricKey
    private let tokens: SymmetricKey
    private let messages: SymmetricKey
    private let sessionSecrets: SymmetricKey
    let random: RandomBytes

    init(rootKey: [UInt8], random: @escaping RandomBytes) {
        let root = SymmetricKey(data: rootKey)
        func derive(_ use: String) -> SymmetricKey {
            HKDF<SHA256>.deriveKey(inputKeyMaterial: root, info: Data("cloister iam \(use)".utf8), outputByteCount: 32)
        }
        wrapping = derive("access key secrets")
        tokens = derive("session tokens")
        messages = derive("authorization messages")
        sessionSecrets = derive("session secrets")
        self.random = random
    }

    public static let systemRandom: RandomBytes = { count in
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }

    // MARK: Secrets of users' keys

    func wrap(secret: String, of accessKeyID: String) -> String? {
        seal(Array(secret.utf8), wrapping, bound: accessKeyID).map { Data($0).base64EncodedString() }
    }

    func unwrap(_ sealed: String, of accessKeyID: String) -> String? {
        guard let bytes = Data(base64Encoded: sealed), let secret = open([UInt8](bytes), wrapping, bound: accessKeyID) else {
            return nil
        }
        return String(decoding: secret, as: UTF8.self)
    }

    // MARK: Sessions

    /// The secret of a temporary key follows from its id, so that no table of sessions is needed.
    func sessionSecret(of accessKeyID: String) -> String {
        let code = HMAC<SHA384>.authenticationCode(for: Array(accessKeyID.utf8), using: sessionSecrets)
        return Data(code.prefix(30)).base64EncodedString()
    }

    func sealToken(_ claims: [UInt8], of accessKeyID: String) -> String? {
        seal(claims, tokens, bound: accessKeyID).map { Data($0).base64EncodedString() }
    }

    func openToken(_ token: String, of accessKeyID: String) -> [UInt8]? {
        guard let bytes = Data(base64Encoded: token) else { return nil }
        return open([UInt8](bytes), tokens, bound: accessKeyID)
    }

    // MARK: Denial messages

    func sealMessage(_ message: [UInt8]) -> String? {
        seal(message, messages, bound: "").map { Data($0).base64EncodedString() }
    }

    func openMessage(_ sealed: String) -> [UInt8]? {
        guard let bytes = Data(base64Encoded: sealed) else { return nil }
        return open([UInt8](bytes), messages, bound: "")
    }

    // MARK: Identifiers

    /// `AKIA` and 16 letters and digits.
    func identifier(_ prefix: String, _ count: Int) -> String {
        prefix + String(decoding: random(count).map { IAMKeys.base32[Int($0 & 31)] }, as: UTF8.self)
    }

    /// 40 letters, digits, `+` and `/`.
    func secret() -> String { Data(random(30)).base64EncodedString() }

    private static let base32 = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".utf8)

    // MARK: AES-GCM

    private func seal(_ plaintext: [UInt8], _ key: SymmetricKey, bound: String) -> [UInt8]? {
        guard let nonce = try? AES.GCM.Nonce(data: random(12)) else { return nil }
        // Fails for wrong sizes of keys only.
        let box = try? AES.GCM.seal(plaintext, using: key, nonce: nonce, authenticating: Array(bound.utf8))
        return box?.combined.map { [UInt8]($0) }
    }

    private func open(_ sealed: [UInt8], _ key: SymmetricKey, bound: String) -> [UInt8]? {
        guard let box = try? AES.GCM.SealedBox(combined: sealed) else { return nil }
        // Whatever fails here wasn't made here.
        return (try? AES.GCM.open(box, using: key, authenticating: Array(bound.utf8))).map { [UInt8]($0) }
    }
}
