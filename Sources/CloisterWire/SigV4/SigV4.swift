import Crypto

/// An access key with its secret. Prints without the secret.
public struct AccessKey: Sendable, CustomStringConvertible {
    public let id: String
    let secret: String
    /// Temporary keys carry a token that must come with the request.
    public let sessionToken: String?

    public init(id: String, secret: String, sessionToken: String? = nil) {
        self.id = id
        self.secret = secret
        self.sessionToken = sessionToken
    }

    public var description: String { "AccessKey(\(id))" }
}

/// The key, date, region and service that a signature is good for.
public struct CredentialScope: Hashable, Sendable {
    public let accessKeyID: String
    /// `YYYYMMDD`.
    public let date: String
    public let region: String
    public let service: String

    public init(accessKeyID: String, date: String, region: String, service: String) {
        self.accessKeyID = accessKeyID
        self.date = date
        self.region = region
        self.service = service
    }

    /// `KEY/DATE/REGION/SERVICE/aws4_request`; nil if malformed.
    init?(_ credential: some StringProtocol) {
        // By bytes: splitting by characters would cost more than the rest of the verification.
        let parts = Substring(credential).utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            .map { String(Substring($0)) }
        guard parts.count == 5, parts[4] == "aws4_request", parts[1].utf8.count == 8, !parts[0].isEmpty,
            CredentialScope.isPlain(parts[0], lengthMax: 128), CredentialScope.isPlain(parts[2], lengthMax: 64),
            CredentialScope.isPlain(parts[3], lengthMax: 64)
        else { return nil }
        self.init(accessKeyID: parts[0], date: parts[1], region: parts[2], service: parts[3])
    }

    var text: String { "\(date)/\(region)/\(service)/aws4_request" }

    /// Regions and services end up in ARNs, paths and logs.
    private static func isPlain(_ text: String, lengthMax: Int) -> Bool {
        (1...lengthMax).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                $0 >= UInt8(ascii: "a") && $0 <= UInt8(ascii: "z") || $0 >= UInt8(ascii: "A") && $0 <= UInt8(ascii: "Z")
                    || $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") || $0 == UInt8(ascii: "-")
            }
    }
}

/// AWS Signature Version 4: what signer and verifier share.
enum SigV4 {
    static let algorithm = "AWS4-HMAC-SHA256"
    static let streamingUnsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"

    static func signingKey(secret: String, scope: CredentialScope) -> SymmetricKey {
        var key = SymmetricKey(data: Array("AWS4\(secret)".utf8))
        for part in [scope.date, scope.region, scope.service, "aws4_request"] {
            key = SymmetricKey(data: HMAC<SHA256>.authenticationCode(for: Array(part.utf8), using: key))
        }
        return key
    }

    static func stringToSign(date: [UInt8], scope: [UInt8], canonicalRequest: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(192)
        text.append(contentsOf: algorithm.utf8)
        text.append(UInt8(ascii: "\n"))
        text.append(contentsOf: date)
        text.append(UInt8(ascii: "\n"))
        text.append(contentsOf: scope)
        text.append(UInt8(ascii: "\n"))
        appendHex(SHA256.hash(data: canonicalRequest), to: &text)
        return text
    }

    /// The canonical query: names and values decoded, encoded the one right way, sorted, without `excluded`.
    static func appendCanonicalQuery(
        _ query: some Collection<UInt8>, excluding excluded: String? = nil, to output: inout [UInt8]
    ) -> Bool {
        guard !query.isEmpty else { return true }
        var pairs: [(name: [UInt8], value: [UInt8])] = []
        for pair in query.split(separator: UInt8(ascii: "&")) {
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = PercentEncoding.decode(parts[0]),
                let value = PercentEncoding.decode(parts.count > 1 ? Array(parts[1]) : [])
            else { return false }
            if let excluded, name.elementsEqual(excluded.utf8) { continue }
            var encoded: (name: [UInt8], value: [UInt8]) = ([], [])
            PercentEncoding.append(name, keepingSlash: false, to: &encoded.name)
            PercentEncoding.append(value, keepingSlash: false, to: &encoded.value)
            pairs.append(encoded)
        }
        pairs.sort { $0.name == $1.name ? $0.value.lexicographicallyPrecedes($1.value) : $0.name.lexicographicallyPrecedes($1.name) }
        for (index, pair) in pairs.enumerated() {
            if index > 0 { output.append(UInt8(ascii: "&")) }
            output.append(contentsOf: pair.name)
            output.append(UInt8(ascii: "="))
            output.append(contentsOf: pair.value)
        }
        return true
    }

    /// A header value as the canonical request has it: trimmed, runs of blanks inside made one.
    static func appendCanonicalValue(_ value: some Sequence<UInt8>, to output: inout [UInt8]) {
        var hasPendingBlank = false
        var isAtStart = true
        for byte in value {
            if byte == UInt8(ascii: " ") || byte == 0x09 {
                hasPendingBlank = !isAtStart
                continue
            }
            if hasPendingBlank { output.append(UInt8(ascii: " ")) }
            hasPendingBlank = false
            isAtStart = false
            output.append(byte)
        }
    }

    static func hex(_ bytes: some Sequence<UInt8>) -> String {
        var digits: [UInt8] = []
        digits.reserveCapacity(64)
        appendHex(bytes, to: &digits)
        return String(decoding: digits, as: UTF8.self)
    }

    static func appendHex(_ bytes: some Sequence<UInt8>, to output: inout [UInt8]) {
        for byte in bytes {
            output.append(hexDigits[Int(byte >> 4)])
            output.append(hexDigits[Int(byte & 15)])
        }
    }

    static func bytes(hex digits: some RandomAccessCollection<UInt8>) -> [UInt8]? {
        guard digits.count.isMultiple(of: 2), digits.count <= 128 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count / 2)
        var iterator = digits.makeIterator()
        while let first = iterator.next(), let second = iterator.next() {
            guard let high = hexValue(first), let low = hexValue(second) else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    private static let hexDigits = Array("0123456789abcdef".utf8)
}
