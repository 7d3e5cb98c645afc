/// A 12-digit AWS account number.
public struct AccountID: Hashable, Sendable, CustomStringConvertible {
    public static let `default` = AccountID(unchecked: "000000000000")

    public let rawValue: String

    /// Nil unless `rawValue` is exactly twelve ASCII digits.
    public init?(_ rawValue: String) {
        guard rawValue.utf8.count == 12, rawValue.utf8.allSatisfy(isASCIIDigit) else { return nil }
        self.rawValue = rawValue
    }

    private init(unchecked rawValue: String) { self.rawValue = rawValue }

    public var description: String { rawValue }
}

/// One request's id, a lower-case UUID: `x-amzn-RequestId`, `context.aws_request_id`, the id in the logs.
public struct RequestID: Hashable, Sendable, Codable, CustomStringConvertible {
    public let rawValue: String

    public init(_ rawValue: String) { self.rawValue = rawValue }

    /// A version 4 UUID out of 16 random bytes; the caller brings the randomness.
    public init(random high: UInt64, _ low: UInt64) {
        self.rawValue = uuidText(high: high, low: low)
    }

    public init(from decoder: any Decoder) throws {
        self.rawValue = try decoder.singleValueContainer().decode(String.self)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }

    public var description: String { rawValue }
}

/// One execution environment's id: 32 lower-case hexadecimal digits, never used twice.
/// It also ends the name of the environment's log stream, as on AWS.
public struct EnvironmentID: Hashable, Sendable, CustomStringConvertible {
    public let rawValue: String

    public init(_ rawValue: String) { self.rawValue = rawValue }

    public init(random high: UInt64, _ low: UInt64) {
        self.rawValue = hexText(high) + hexText(low)
    }

    public var description: String { rawValue }
}

@inlinable
func isASCIIDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

private func hexText(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.utf8.count) + digits
}

private func uuidText(high: UInt64, low: UInt64) -> String {
    let versioned = (high & 0xffff_ffff_ffff_0fff) | 0x4000
    let varianted = (low & 0x3fff_ffff_ffff_ffff) | 0x8000_0000_0000_0000
    let digits = Array((hexText(versioned) + hexText(varianted)).utf8)
    var text: [UInt8] = []
    text.reserveCapacity(36)
    for (index, digit) in digits.enumerated() {
        if index == 8 || index == 12 || index == 16 || index == 20 { text.append(UInt8(ascii: "-")) }
        text.append(digit)
    }
    return String(decoding: text, as: UTF8.self)
}
