import Foundation

/// Names one grant of one key. It proves nothing: a grant holds from its creation, with or without its token.
struct GrantToken: Equatable {
    let keyID: KeyID
    let grantID: String

    init(keyID: KeyID, grantID: String) {
        self.keyID = keyID
        self.grantID = grantID
    }

    /// Nil for text that no `CreateGrant` has answered.
    init?(_ text: String) {
        guard text.utf8.count <= 8_192, let bytes = Data(base64Encoded: text) else { return nil }
        let parts = String(decoding: bytes, as: UTF8.self).split(separator: " ")
        guard parts.count == 3, parts[0] == "grant", let id = KeyID(String(parts[1])) else { return nil }
        keyID = id
        grantID = String(parts[2])
    }

    var text: String { Data("grant \(keyID) \(grantID)".utf8).base64EncodedString() }
}
