/// Percent-encoding as SigV4 and the AWS REST protocols use it.
public enum PercentEncoding {
    /// The bytes that `text` stands for; nil if a `%` isn't followed by two hexadecimal digits. `+` stays `+`.
    public static func decode(_ text: some Sequence<UInt8>) -> [UInt8]? {
        var decoded: [UInt8] = []
        var iterator = text.makeIterator()
        while let byte = iterator.next() {
            guard byte == UInt8(ascii: "%") else {
                decoded.append(byte)
                continue
            }
            guard let high = iterator.next().flatMap(hexValue), let low = iterator.next().flatMap(hexValue) else {
                return nil
            }
            decoded.append(high << 4 | low)
        }
        return decoded
    }

    /// `text` decoded as UTF-8; nil if it isn't valid.
    public static func decodedText(_ text: String) -> String? {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return text }
        return decode(text.utf8).flatMap { String(validating: $0, as: UTF8.self) }
    }

    /// Appends `bytes`, everything but RFC 3986's unreserved characters (and `/` if asked) encoded.
    static func append(_ bytes: some Sequence<UInt8>, keepingSlash: Bool, to output: inout [UInt8]) {
        for byte in bytes {
            if isUnreserved[Int(byte)] || keepingSlash && byte == UInt8(ascii: "/") {
                output.append(byte)
            } else {
                output.append(UInt8(ascii: "%"))
                output.append(upperHex[Int(byte >> 4)])
                output.append(upperHex[Int(byte & 15)])
            }
        }
    }

    public static func encode(_ text: String, keepingSlash: Bool = false) -> String {
        var output: [UInt8] = []
        append(text.utf8, keepingSlash: keepingSlash, to: &output)
        return String(decoding: output, as: UTF8.self)
    }

    /// The names and values of a query string, decoded; nil if one isn't valid.
    public static func queryItems(_ query: String) -> [(name: String, value: String)]? {
        guard !query.isEmpty else { return [] }
        var items: [(name: String, value: String)] = []
        for pair in query.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard let name = decodedText(parts[0]), let value = decodedText(parts.count > 1 ? parts[1] : "") else {
                return nil
            }
            items.append((name, value))
        }
        return items
    }

    private static let upperHex = Array("0123456789ABCDEF".utf8)
    private static let isUnreserved: [Bool] = (0..<256).map { byte in
        guard let byte = UInt8(exactly: byte) else { return false }
        return "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~".utf8.contains(byte)
    }
}
