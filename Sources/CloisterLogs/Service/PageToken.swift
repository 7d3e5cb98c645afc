import CloisterServiceKit
import Crypto
import Foundation

/// Opaque paging tokens: a few fields, signed together with what they page through, so that neither a forged token nor one
/// of another group, stream or pattern is taken.
struct PageToken {
    private static let codeBytes = 32

    let key: SymmetricKey
    /// The operation and the parameters that must not change from page to page.
    let scope: [String]

    init(key: [UInt8], scope: [String]) {
        self.key = SymmetricKey(data: key)
        self.scope = scope
    }

    /// `fields` must hold no zero byte.
    func encode(_ fields: [String]) -> String {
        let payload = Data(fields.joined(separator: "\0").utf8)
        let code = HMAC<SHA256>.authenticationCode(for: signed(payload), using: key)
        return (Data(code) + payload).base64EncodedString()
    }

    /// The fields of a token made by `encode` with this scope, which must be `count`.
    func decode(_ token: String, count: Int) throws(ServiceError) -> [String] {
        guard !token.isEmpty, token.utf8.count <= LogsLimits.tokenLengthMax, let bytes = Data(base64Encoded: token),
            bytes.count > PageToken.codeBytes
        else { throw LogsError.invalidToken }
        let payload = Data(bytes.dropFirst(PageToken.codeBytes))
        let code = Data(bytes.prefix(PageToken.codeBytes))
        guard HMAC<SHA256>.isValidAuthenticationCode(code, authenticating: signed(payload), using: key) else {
            throw LogsError.invalidToken
        }
        let fields = String(decoding: payload, as: UTF8.self).split(separator: "\0", omittingEmptySubsequences: false)
        guard fields.count == count else { throw LogsError.invalidToken }
        return fields.map(String.init)
    }

    func encode(_ kind: String, _ position: LogPosition) -> String {
        encode([kind, String(position.timestamp), String(position.sequence)])
    }

    func decodePosition(_ token: String) throws(ServiceError) -> (kind: String, position: LogPosition) {
        let fields = try decode(token, count: 3)
        guard let timestamp = Int64(fields[1]), let sequence = Int64(fields[2]) else { throw LogsError.invalidToken }
        return (fields[0], LogPosition(timestamp: timestamp, sequence: sequence))
    }

    /// Every field of the scope with its length before it, so that no two scopes give the same bytes.
    private func signed(_ payload: Data) -> Data {
        var bytes = Data()
        for field in scope { bytes.append(Data("\(field.utf8.count):\(field)".utf8)) }
        bytes.append(0)
        bytes.append(payload)
        return bytes
    }
}
