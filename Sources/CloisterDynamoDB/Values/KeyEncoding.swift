/// Key values as bytes whose order (byte by byte, a prefix first) is DynamoDB's order of the values.
enum KeyEncoding {
    /// Nil for a value that can't be a key.
    static func bytes(_ value: AttributeValue) -> [UInt8]? {
        switch value {
        case .string(let text): Array(text.utf8)
        case .binary(let bytes): bytes
        case .number(let number): bytes(number)
        default: nil
        }
    }

    // Zero is 80; positive numbers are 81, the exponent, and the digits in pairs (each 1 to 100, so that a shorter
    // number sorts first); negative ones are 7F, the complement of the same, and FF, so that a shorter one sorts last.

    private static func bytes(_ number: DynamoNumber) -> [UInt8] {
        if number.isZero { return [0x80] }
        let magnitude = [UInt8(number.exponent + 129)] + pairs(number.digits).map { $0 + 1 }
        return number.isNegative ? [0x7F] + magnitude.map { ~$0 } + [0xFF] : [0x81] + magnitude
    }

    private static func pairs(_ digits: [UInt8]) -> [UInt8] {
        stride(from: 0, to: digits.count, by: 2).map { index in
            digits[index] * 10 + (index + 1 < digits.count ? digits[index + 1] : 0)
        }
    }
}
