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

/// Sixteen lower-case hexadecimal digits. Written digit by digit into the string: ids are made for every invocation.
package func hexText(_ value: UInt64) -> String {
    String(unsafeUninitializedCapacity: 16) { digits in
        for index in 0..<16 { digits[index] = hexDigit(value, at: index) }
        return 16
    }
}

/// `Root=1-TIME-ROOT;Parent=PARENT;Sampled=0` with 8, 24 and 16 hexadecimal digits, as X-Ray's clients read it.
package func traceHeaderText(
    epochSeconds: UInt32, root: (UInt64, UInt64), parent: UInt64, isSampled: Bool
) -> String {
    String(unsafeUninitializedCapacity: 80) { text in
        var position = 0
        func put(_ literal: StaticString) {
            literal.withUTF8Buffer { for byte in $0 { text[position] = byte; position += 1 } }
        }
        func put(_ value: UInt64, digits: Int) {
            for index in (16 - digits)..<16 { text[position] = hexDigit(value, at: index); position += 1 }
        }
        put("Root=1-")
        put(UInt64(epochSeconds), digits: 8)
        put("-")
        put(root.0, digits: 16)
        put(root.1, digits: 8)
        put(";Parent=")
        put(parent, digits: 16)
        put(isSampled ? ";Sampled=1" : ";Sampled=0")
        return position
    }
}

private func uuidText(high: UInt64, low: UInt64) -> String {
    let versioned = (high & 0xffff_ffff_ffff_0fff) | 0x4000
    let varianted = (low & 0x3fff_ffff_ffff_ffff) | 0x8000_0000_0000_0000
    return String(unsafeUninitializedCapacity: 36) { text in
        var position = 0
        for index in 0..<32 {
            if index == 8 || index == 12 || index == 16 || index == 20 {
                text[position] = UInt8(ascii: "-")
                position += 1
            }
            text[position] = hexDigit(index < 16 ? versioned : varianted, at: index & 15)
            position += 1
        }
        return position
    }
}

/// The digit at `index`, the most significant first.
private func hexDigit(_ value: UInt64, at index: Int) -> UInt8 {
    let nibble = UInt8(truncatingIfNeeded: value >> UInt64(60 - 4 * index)) & 15
    return nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10
}
