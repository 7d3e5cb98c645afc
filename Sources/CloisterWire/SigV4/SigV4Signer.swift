import Crypto

/// Signs requests as AWS's SDKs do, for the command line and the tests.
public struct SigV4Signer: Sendable {
    public let key: AccessKey
    public let region: String
    public let service: String

    public init(key: AccessKey, region: String, service: String) {
        self.key = key
        self.region = region
        self.service = service
    }

    /// The fields to add to the request: `X-Amz-Date`, `Authorization` and, with a session token, its field.
    /// - Parameters:
    ///   - path: percent-encoded as it goes on the wire.
    ///   - query: as it goes on the wire, without `?`.
    ///   - fields: the fields to sign; must hold `host`.
    ///   - epochSeconds: now.
    public func sign(
        method: String, path: String, query: String, fields: [(name: String, value: String)], body: [UInt8],
        epochSeconds: Int64
    ) -> [(name: String, value: String)] {
        let date = SigV4Date.text(epochSeconds: epochSeconds)
        let scope = CredentialScope(
            accessKeyID: key.id, date: String(date.prefix(8)), region: region, service: service)
        var added = [(name: "x-amz-date", value: date)]
        if let token = key.sessionToken { added.append((name: "x-amz-security-token", value: token)) }
        let signed = (fields.map { (name: $0.name.lowercased(), value: $0.value) } + added).sorted { $0.name < $1.name }
        let names = signed.map(\.name).joined(separator: ";")
        var canonical = Array("\(method)\n".utf8)
        PercentEncoding.append(path.utf8, keepingSlash: true, to: &canonical)
        canonical.append(UInt8(ascii: "\n"))
        _ = SigV4.appendCanonicalQuery(Array(query.utf8), to: &canonical)
        canonical.append(UInt8(ascii: "\n"))
        for field in signed {
            canonical.append(contentsOf: "\(field.name):".utf8)
            SigV4.appendCanonicalValue(field.value.utf8, to: &canonical)
            canonical.append(UInt8(ascii: "\n"))
        }
        canonical.append(contentsOf: "\n\(names)\n\(SigV4.hex(SHA256.hash(data: body)))".utf8)
        let code = HMAC<SHA256>.authenticationCode(
            for: SigV4.stringToSign(
                date: Array(date.utf8), scope: Array(scope.text.utf8), canonicalRequest: canonical),
            using: SigV4.signingKey(secret: key.secret, scope: scope))
        let authorization =
            "\(SigV4.algorithm) Credential=\(key.id)/\(scope.text), SignedHeaders=\(names), Signature=\(SigV4.hex(code))"
        return added + [(name: "Authorization", value: authorization)]
    }
}
