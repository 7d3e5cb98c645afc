/// An exact decimal number of at most 38 significant digits: `± 0.d1d2d3… × 10^exponent`.
struct DynamoNumber: Hashable, Sendable {
    /// False for zero.
    let isNegative: Bool
    /// Values 0 to 9, without leading or trailing zeros; none for zero.
    let digits: [UInt8]
    /// 0 for zero.
    let exponent: Int

    static let zero = DynamoNumber(isNegative: false, digits: [], exponent: 0)

    var isZero: Bool { digits.isEmpty }

    private init(isNegative: Bool, digits: [UInt8], exponent: Int) {
        self.isNegative = isNegative
        self.digits = digits
        self.exponent = exponent
    }

    /// `digits` may have zeros at both ends. Throws what DynamoDB says about too many digits, too large, too small.
    init(isNegative: Bool, digits all: [UInt8], pointAt exponent: Int) throws(NumberFault) {
        guard let first = all.firstIndex(where: { $0 != 0 }), let last = all.lastIndex(where: { $0 != 0 }) else {
            self = .zero
            return
        }
        let exponent = exponent - first
        guard last - first < DynamoDBLimits.numberDigitsMax else { throw .tooManyDigits }
        guard exponent - 1 <= DynamoDBLimits.numberExponentMax else { throw .overflow }
        guard exponent - 1 >= DynamoDBLimits.numberExponentMin else { throw .underflow }
        self.init(isNegative: isNegative, digits: Array(all[first...last]), exponent: exponent)
    }

    init(_ value: Int) {
        var digits: [UInt8] = []
        var rest = value.magnitude
        while rest > 0 {
            digits.append(UInt8(rest % 10))
            rest /= 10
        }
        let count = digits.count
        while digits.first == 0 { digits.removeFirst() }
        self.init(isNegative: value < 0, digits: digits.reversed(), exponent: digits.isEmpty ? 0 : count)
    }

    var negated: DynamoNumber {
        isZero ? self : DynamoNumber(isNegative: !isNegative, digits: digits, exponent: exponent)
    }
}

/// Why a text or a result is no number that DynamoDB keeps.
enum NumberFault: Error, Equatable {
    case notANumber(String)
    case tooManyDigits
    case overflow
    case underflow

    var message: String {
        switch self {
        case .notANumber(""): "The parameter cannot be converted to a numeric value"
        case .notANumber(let text): "The parameter cannot be converted to a numeric value: \(text.prefix(256))"
        case .tooManyDigits: "Attempting to store more than 38 significant digits in a Number"
        case .overflow: "Number overflow. Attempting to store a number with magnitude larger than supported range"
        case .underflow: "Number underflow. Attempting to store a number with magnitude smaller than supported range"
        }
    }
}

// MARK: - Text

extension DynamoNumber: CustomStringConvertible {
    /// Decimal digits with an optional sign, point and exponent.
    init(parsing text: String) throws(NumberFault) {
        var reader = NumberReader(bytes: Array(text.utf8))
        guard let parts = reader.read() else { throw .notANumber(text) }
        try self.init(isNegative: parts.isNegative, digits: parts.digits, pointAt: parts.exponent)
    }

    /// Without exponent: `1000`, `-0.05`.
    var description: String {
        if isZero { return "0" }
        var text = isNegative ? "-" : ""
        let characters = digits.map { Character(Unicode.Scalar(UInt8(ascii: "0") + $0)) }
        if exponent <= 0 {
            text += "0." + String(repeating: "0", count: -exponent) + String(characters)
        } else if exponent >= digits.count {
            text += String(characters) + String(repeating: "0", count: exponent - digits.count)
        } else {
            text += String(characters[..<exponent]) + "." + String(characters[exponent...])
        }
        return text
    }
}

private struct NumberReader {
    struct Parts {
        var isNegative = false
        var digits: [UInt8] = []
        var exponent = 0
    }

    let bytes: [UInt8]
    var position = 0

    mutating func read() -> Parts? {
        var parts = Parts()
        parts.isNegative = sign()
        parts.digits = digits()
        parts.exponent = parts.digits.count
        if take(".") { parts.digits += digits() }
        guard !parts.digits.isEmpty else { return nil }
        if take("e") || take("E") {
            let isNegative = sign()
            let power = digits()
            guard !power.isEmpty else { return nil }
            // Far beyond every limit, and far from an overflow.
            let magnitude = power.reduce(0) { min($0 * 10 + Int($1), 1_000_000_000) }
            parts.exponent += isNegative ? -magnitude : magnitude
        }
        return position == bytes.count ? parts : nil
    }

    private mutating func sign() -> Bool {
        if take("-") { return true }
        _ = take("+")
        return false
    }

    private mutating func digits() -> [UInt8] {
        let start = position
        let zero = UInt8(ascii: "0")
        while position < bytes.count, (zero...UInt8(ascii: "9")).contains(bytes[position]) { position += 1 }
        return bytes[start..<position].map { $0 - zero }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }
}
