import Crypto

/// Verifies SigV4 signatures, in the header or presigned in the query. Keeps derived signing keys, so that a request
/// costs one HMAC and two hashes. Not shared between threads: one per event loop.
///
/// What must be signed: `host`, every `x-amz-*` field, the body. A field like the tenant's that isn't covered by the
/// signature is refused, whatever its value.
public struct SigV4Verifier {
    /// A request whose head is in order; the signature is judged once the body is known.
    public struct Pending: Sendable {
        public var scope: CredentialScope { signed.scope }
        let signed: SignedScope
        /// Whether the body is framed as `aws-chunked` with a trailer instead of being hashed.
        public let isStreamingTrailer: Bool
        let date: [UInt8]
        let signature: [UInt8]
        /// The canonical request up to the payload hash.
        let canonicalPrefix: [UInt8]
        /// What the client says that the body's hash is, in hexadecimal; nil: the hash of the body received.
        let claimedHash: [UInt8]?
        /// `X-Amz-Security-Token`, from the head or the query.
        public let sessionToken: String?
    }

    public static let clockSkewMaxSeconds: Int64 = 300
    private static let cachedKeysMax = 256

    /// Ready to take the string to sign in, with the secret that each was made of.
    private var signingKeys: [CredentialScope: (secret: String, code: HMAC<SHA256>)] = [:]
    private var recentScopes = RecentScopes()

    public init() {}

    /// Checks everything that the head decides.
    public mutating func begin(_ head: HTTPHead, nowEpochSeconds now: Int64) throws(SigV4Error) -> Pending {
        guard let authorization = head.firstRange("authorization") else {
            guard head.query.contains("X-Amz-Algorithm=") else { throw .missing }
            return try PresignedReader(head: head).read(nowEpochSeconds: now, scopes: &recentScopes)
        }
        guard head.isOnly("authorization") else { throw .incomplete("More than one Authorization header.") }
        let parts = try AuthorizationHeader(head.bytes[authorization])
        let signed = try recentScopes.scope(credential: parts.credential, names: parts.signedHeaders)
        guard let date = head.firstRange("x-amz-date").map({ Array(head.bytes[$0]) }) else {
            throw .incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
        }
        try SigV4Verifier.checkDate(date, scope: signed.scope, now: now)
        let claimed = head.firstRange("x-amz-content-sha256").map { head.bytes[$0] }
        let isStreaming = claimed?.elementsEqual(SigV4.streamingUnsignedTrailer.utf8) ?? false
        if let claimed, !isStreaming, SigV4.bytes(hex: claimed)?.count != 32 {
            throw .incomplete("x-amz-content-sha256 must be the SHA-256 of the body.")
        }
        return Pending(
            signed: signed, isStreamingTrailer: isStreaming, date: date, signature: parts.signature,
            canonicalPrefix: try CanonicalRequest(head: head).prefix(signed),
            claimedHash: claimed.map { Array($0) }, sessionToken: head.first("x-amz-security-token"))
    }

    /// Judges the signature: throws unless it was made with `secret`. `bodyHash` is the SHA-256 of the body as received.
    public mutating func finish(
        _ pending: Pending, bodyHash: SHA256.Digest, secret: String
    ) throws(SigV4Error) {
        var canonical = pending.canonicalPrefix
        if pending.isStreamingTrailer {
            canonical.append(contentsOf: SigV4.streamingUnsignedTrailer.utf8)
        } else {
            SigV4.appendHex(bodyHash, to: &canonical)
            let received = canonical[pending.canonicalPrefix.count...]
            if let claimed = pending.claimedHash, !received.elementsEqual(claimed.lazy.map(lowercased)) { throw .mismatch }
        }
        let known = signingKeys[pending.scope].flatMap { $0.secret == secret ? $0.code : nil }
        let fresh = known ?? HMAC(key: SigV4.signingKey(secret: secret, scope: pending.scope))
        var code = fresh
        code.update(
            data: SigV4.stringToSign(date: pending.date, scope: pending.signed.scopeText, canonicalRequest: canonical))
        guard SigV4Verifier.areEqual(code.finalize(), pending.signature) else { throw .mismatch }
        // Only now: what nobody could sign must not fill the cache.
        if known == nil {
            if signingKeys.count >= SigV4Verifier.cachedKeysMax { signingKeys.removeAll(keepingCapacity: true) }
            signingKeys[pending.scope] = (secret, fresh)
        }
    }

    static func checkDate(_ date: [UInt8], scope: CredentialScope, now: Int64) throws(SigV4Error) {
        guard let signed = SigV4Date.epochSeconds(date) else { throw .incomplete("Date is not in ISO 8601 basic format.") }
        guard date.starts(with: scope.date.utf8) else {
            throw .incomplete("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP")
        }
        if signed < now - clockSkewMaxSeconds {
            throw .skewed("Signature expired: \(text(date)) is now earlier than \(SigV4Date.text(epochSeconds: now - clockSkewMaxSeconds)) (\(SigV4Date.text(epochSeconds: now)) - 5 min.)")
        }
        if signed > now + clockSkewMaxSeconds {
            throw .skewed("Signature not yet current: \(text(date)) is still later than \(SigV4Date.text(epochSeconds: now + clockSkewMaxSeconds)) (\(SigV4Date.text(epochSeconds: now)) + 5 min.)")
        }
    }

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    /// Takes as long for equal values as for different ones of the same length.
    private static func areEqual(_ left: some Sequence<UInt8>, _ right: some Sequence<UInt8>) -> Bool {
        var difference: UInt8 = 0
        var other = right.makeIterator()
        for byte in left {
            guard let next = other.next() else { return false }
            difference |= byte ^ next
        }
        return difference == 0 && other.next() == nil
    }
}
