import Crypto

/// Verifies SigV4 signatures, in the header or presigned in the query. Keeps derived signing keys, so that a request
/// costs one HMAC and two hashes. Not shared between threads: one per event loop.
///
/// What must be signed: `host`, every `x-amz-*` field, the body. A field like the tenant's that isn't covered by the
/// signature is refused, whatever its value.
public struct SigV4Verifier {
    /// Looks an access key up; nil if there is none.
    public typealias KeyLookup = @Sendable (_ accessKeyID: String) -> AccessKey?

    /// A request whose head is in order; the signature is judged once the body is known.
    public struct Pending: Sendable {
        public let scope: CredentialScope
        /// Whether the body is framed as `aws-chunked` with a trailer instead of being hashed.
        public let isStreamingTrailer: Bool
        let date: String
        let signature: [UInt8]
        /// The canonical request up to the payload hash.
        let canonicalPrefix: [UInt8]
        /// What the client says that the body's hash is; nil: the hash of the body received.
        let claimedHash: String?
    }

    public static let clockSkewMaxSeconds: Int64 = 300
    private static let cachedKeysMax = 256

    private let lookup: KeyLookup
    private var signingKeys: [CredentialScope: SymmetricKey] = [:]

    public init(lookup: @escaping KeyLookup) { self.lookup = lookup }

    /// Checks everything that the head decides.
    public func begin(_ head: HTTPHead, nowEpochSeconds: Int64) throws(SigV4Error) -> Pending {
        let authorizations = head.all("authorization")
        if authorizations.isEmpty {
            guard head.query.contains("X-Amz-Algorithm=") else { throw .missing }
            return try PresignedReader(head: head).read(nowEpochSeconds: nowEpochSeconds)
        }
        guard authorizations.count == 1 else { throw .incomplete("More than one Authorization header.") }
        let parts = try AuthorizationHeader(authorizations[0])
        guard let date = head.first("x-amz-date") else {
            throw .incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
        }
        try SigV4Verifier.checkDate(date, scope: parts.scope, now: nowEpochSeconds)
        let claimed = head.first("x-amz-content-sha256")
        let isStreaming = claimed == SigV4.streamingUnsignedTrailer
        if let claimed, !isStreaming, SigV4.bytes(hex: claimed)?.count != 32 {
            throw .incomplete("x-amz-content-sha256 must be the SHA-256 of the body.")
        }
        return Pending(
            scope: parts.scope, isStreamingTrailer: isStreaming, date: date, signature: parts.signature,
            canonicalPrefix: try CanonicalRequest(head: head).prefix(signedHeaders: parts.signedHeaders),
            claimedHash: claimed)
    }

    /// Whether there is such a key at all: without one a body need not even be read.
    public func knows(_ accessKeyID: String) -> Bool { lookup(accessKeyID) != nil }

    /// Judges the signature. `bodyHash` is the SHA-256 of the body as received.
    public mutating func finish(
        _ pending: Pending, bodyHash: some Sequence<UInt8>, sessionToken: String?
    ) throws(SigV4Error) -> AccessKey {
        guard let key = lookup(pending.scope.accessKeyID) else { throw .unknownKey }
        if let expected = key.sessionToken {
            guard let sessionToken, constantTimeEquals(expected, sessionToken) else { throw .unknownKey }
        }
        let received = SigV4.hex(bodyHash)
        let hash: String
        if pending.isStreamingTrailer {
            hash = SigV4.streamingUnsignedTrailer
        } else {
            hash = received
            if let claimed = pending.claimedHash, claimed.lowercased() != received { throw .mismatch }
        }
        let canonical = pending.canonicalPrefix + Array(hash.utf8)
        let signingKey = signingKeys[pending.scope] ?? SigV4.signingKey(secret: key.secret, scope: pending.scope)
        let text = SigV4.stringToSign(date: pending.date, scope: pending.scope, canonicalRequest: canonical)
        guard HMAC<SHA256>.isValidAuthenticationCode(pending.signature, authenticating: text, using: signingKey) else {
            throw .mismatch
        }
        // Only now: what nobody could sign must not fill the cache.
        if signingKeys.count >= SigV4Verifier.cachedKeysMax { signingKeys.removeAll(keepingCapacity: true) }
        signingKeys[pending.scope] = signingKey
        return key
    }

    static func checkDate(_ date: String, scope: CredentialScope, now: Int64) throws(SigV4Error) {
        guard let signed = SigV4Date.epochSeconds(date) else { throw .incomplete("Date is not in ISO 8601 basic format.") }
        guard date.hasPrefix(scope.date) else {
            throw .incomplete("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP")
        }
        let nowText = SigV4Date.text(epochSeconds: now)
        if signed < now - clockSkewMaxSeconds {
            throw .skewed("Signature expired: \(date) is now earlier than \(SigV4Date.text(epochSeconds: now - clockSkewMaxSeconds)) (\(nowText) - 5 min.)")
        }
        if signed > now + clockSkewMaxSeconds {
            throw .skewed("Signature not yet current: \(date) is still later than \(SigV4Date.text(epochSeconds: now + clockSkewMaxSeconds)) (\(nowText) + 5 min.)")
        }
    }

    private func constantTimeEquals(_ left: String, _ right: String) -> Bool {
        guard left.utf8.count == right.utf8.count else { return false }
        return zip(left.utf8, right.utf8).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}

/// `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`.
struct AuthorizationHeader {
    let scope: CredentialScope
    let signedHeaders: [String]
    let signature: [UInt8]

    init(_ text: String) throws(SigV4Error) {
        guard text.hasPrefix(SigV4.algorithm + " ") else {
            throw .incomplete("Authorization header must use AWS4-HMAC-SHA256.")
        }
        var values: [Substring: Substring] = [:]
        for part in text.utf8.dropFirst(SigV4.algorithm.utf8.count + 1).split(separator: UInt8(ascii: ",")) {
            let pair = part.drop { $0 == UInt8(ascii: " ") }.split(separator: UInt8(ascii: "="), maxSplits: 1)
            guard pair.count == 2, values.updateValue(Substring(pair[1]), forKey: Substring(pair[0])) == nil else {
                throw .incomplete("Authorization header is malformed.")
            }
        }
        guard let credential = values["Credential"], let scope = CredentialScope(credential) else {
            throw .incomplete("Authorization header requires 'Credential' parameter.")
        }
        guard let names = values["SignedHeaders"] else {
            throw .incomplete("Authorization header requires 'SignedHeaders' parameter.")
        }
        guard let signature = values["Signature"].flatMap({ SigV4.bytes(hex: $0) }), signature.count == 32 else {
            throw .incomplete("Authorization header requires 'Signature' parameter.")
        }
        self.scope = scope
        self.signedHeaders = names.utf8.split(separator: UInt8(ascii: ";")).map { String(Substring($0)) }
        self.signature = signature
    }
}

/// Builds the canonical request of a request as it was received.
struct CanonicalRequest {
    let head: HTTPHead

    /// Everything up to and including the line feed before the payload hash.
    func prefix(signedHeaders names: [String], excludedQuery: String? = nil) throws(SigV4Error) -> [UInt8] {
        try checkCoverage(names)
        var output: [UInt8] = []
        output.reserveCapacity(512)
        output.append(contentsOf: head.bytes[head.methodRange])
        output.append(UInt8(ascii: "\n"))
        PercentEncoding.append(head.bytes[head.pathRange], keepingSlash: true, to: &output)
        output.append(UInt8(ascii: "\n"))
        guard SigV4.appendCanonicalQuery(head.bytes[head.queryRange], excluding: excludedQuery, to: &output) else {
            throw .incomplete("The query string is malformed.")
        }
        output.append(UInt8(ascii: "\n"))
        for name in names { appendHeader(name, to: &output) }
        output.append(UInt8(ascii: "\n"))
        for (index, name) in names.enumerated() {
            if index > 0 { output.append(UInt8(ascii: ";")) }
            output.append(contentsOf: name.utf8)
        }
        output.append(UInt8(ascii: "\n"))
        return output
    }

    /// `host` and everything that starts with `x-amz-` must be signed, and the list must be sorted without doubles,
    /// or one signature could be read in two ways.
    private func checkCoverage(_ names: [String]) throws(SigV4Error) {
        guard names.count <= 64, zip(names, names.dropFirst()).allSatisfy({ $0 < $1 }), names.contains("host") else {
            throw .incomplete("'Host' must be a signed header, and signed headers must be sorted.")
        }
        for field in head.fields {
            guard hasAmzPrefix(field.name) else { continue }
            let name = head.text(field.name).lowercased()
            guard names.contains(name) else {
                throw .incomplete("The header '\(name)' is present but not signed: every x-amz-* header must be.")
            }
        }
    }

    private func hasAmzPrefix(_ range: Range<Int>) -> Bool {
        let prefix: StaticString = "x-amz-"
        guard range.count > prefix.utf8CodeUnitCount else { return false }
        return prefix.withUTF8Buffer { prefix in
            prefix.indices.allSatisfy { lowercased(head.bytes[range.lowerBound + $0]) == prefix[$0] }
        }
    }

    private func appendHeader(_ name: String, to output: inout [UInt8]) {
        output.append(contentsOf: name.utf8)
        output.append(UInt8(ascii: ":"))
        var isFirst = true
        for field in head.fields where matches(field.name, name) {
            if !isFirst { output.append(UInt8(ascii: ",")) }
            isFirst = false
            SigV4.appendCanonicalValue(head.bytes[field.value], to: &output)
        }
        output.append(UInt8(ascii: "\n"))
    }

    private func matches(_ range: Range<Int>, _ name: String) -> Bool {
        let name = name.utf8
        guard range.count == name.count else { return false }
        return zip(range, name).allSatisfy { lowercased(head.bytes[$0]) == $1 }
    }
}

/// A signature in the query (`X-Amz-Signature` and its siblings).
struct PresignedReader {
    let head: HTTPHead

    func read(nowEpochSeconds now: Int64) throws(SigV4Error) -> SigV4Verifier.Pending {
        guard let items = PercentEncoding.queryItems(head.query) else {
            throw .incomplete("The query string is malformed.")
        }
        guard try value("X-Amz-Algorithm", items) == SigV4.algorithm else {
            throw .incomplete("X-Amz-Algorithm must be AWS4-HMAC-SHA256.")
        }
        let date = try value("X-Amz-Date", items)
        guard let scope = CredentialScope(try value("X-Amz-Credential", items)), date.hasPrefix(scope.date),
            let signed = SigV4Date.epochSeconds(date)
        else { throw .incomplete("X-Amz-Credential or X-Amz-Date is malformed.") }
        guard let expires = Int64(try value("X-Amz-Expires", items)), (1...604_800).contains(expires) else {
            throw .incomplete("X-Amz-Expires must be 1 to 604800 seconds.")
        }
        guard now <= signed + expires, now >= signed - SigV4Verifier.clockSkewMaxSeconds else {
            throw .skewed("Signature expired: \(date) is not valid at \(SigV4Date.text(epochSeconds: now)).")
        }
        guard let signature = SigV4.bytes(hex: try value("X-Amz-Signature", items)), signature.count == 32 else {
            throw .incomplete("X-Amz-Signature is malformed.")
        }
        let names = try value("X-Amz-SignedHeaders", items).split(separator: ";").map(String.init)
        return SigV4Verifier.Pending(
            scope: scope, isStreamingTrailer: false, date: date, signature: signature,
            canonicalPrefix: try CanonicalRequest(head: head).prefix(
                signedHeaders: names, excludedQuery: "X-Amz-Signature"),
            claimedHash: nil)
    }

    /// The one value of `name`: a second one could be read by someone else.
    private func value(_ name: String, _ items: [(name: String, value: String)]) throws(SigV4Error) -> String {
        let values = items.filter { $0.name == name }
        guard values.count == 1 else { throw .incomplete("The query must have exactly one '\(name)'.") }
        return values[0].value
    }
}
