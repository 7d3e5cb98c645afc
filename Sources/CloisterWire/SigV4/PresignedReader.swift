/// A signature in the query (`X-Amz-Signature` and its siblings).
struct PresignedReader {
    let head: HTTPHead

    func read(nowEpochSeconds now: Int64, scopes: inout RecentScopes) throws(SigV4Error) -> SigV4Verifier.Pending {
        guard let items = PercentEncoding.queryItems(head.query) else {
            throw .incomplete("The query string is malformed.")
        }
        guard try value("X-Amz-Algorithm", items) == SigV4.algorithm else {
            throw .incomplete("X-Amz-Algorithm must be AWS4-HMAC-SHA256.")
        }
        let date = Array(try value("X-Amz-Date", items).utf8)
        let signed = try scopes.scope(
            credential: Array(try value("X-Amz-Credential", items).utf8)[...],
            names: Array(try value("X-Amz-SignedHeaders", items).utf8)[...])
        guard date.starts(with: signed.scope.date.utf8), let signedAt = SigV4Date.epochSeconds(date) else {
            throw .incomplete("X-Amz-Credential or X-Amz-Date is malformed.")
        }
        guard let expires = Int64(try value("X-Amz-Expires", items)), (1...604_800).contains(expires) else {
            throw .incomplete("X-Amz-Expires must be 1 to 604800 seconds.")
        }
        guard now <= signedAt + expires, now >= signedAt - SigV4Verifier.clockSkewMaxSeconds else {
            throw .skewed("Signature expired: \(String(decoding: date, as: UTF8.self)) is not valid at \(SigV4Date.text(epochSeconds: now)).")
        }
        guard let signature = SigV4.bytes(hex: Array(try value("X-Amz-Signature", items).utf8)), signature.count == 32 else {
            throw .incomplete("X-Amz-Signature is malformed.")
        }
        return SigV4Verifier.Pending(
            signed: signed, isStreamingTrailer: false, date: date, signature: signature,
            canonicalPrefix: try CanonicalRequest(head: head).prefix(signed, excludedQuery: "X-Amz-Signature"),
            claimedHash: nil, sessionToken: items.first { $0.name == "X-Amz-Security-Token" }?.value)
    }

    /// The one value of `name`: a second one could be read by someone else.
    private func value(_ name: String, _ items: [(name: String, value: String)]) throws(SigV4Error) -> String {
        let values = items.filter { $0.name == name }
        guard values.count == 1 else { throw .incomplete("The query must have exactly one '\(name)'.") }
        return values[0].value
    }
}
