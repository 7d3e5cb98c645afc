extension DynamoNumber: Comparable {
    static func < (first: DynamoNumber, second: DynamoNumber) -> Bool {
        if first.signum != second.signum { return first.signum < second.signum }
        return first.isNegative ? isSmaller(second, than: first) : isSmaller(first, than: second)
    }

    /// Exact. Throws when the result has more digits than a number may, or is out of range.
    static func sum(_ first: DynamoNumber, _ second: DynamoNumber) throws(NumberFault) -> DynamoNumber {
        if first.isZero { return second }
        if second.isZero { return first }
        let isSmallerFirst = isSmaller(first, than: second)
        let large = isSmallerFirst ? second : first
        let small = isSmallerFirst ? first : second
        let lowest = min(large.lowestPower, small.lowestPower)
        var digits = large.digits(downTo: lowest)
        let other = small.digits(downTo: lowest)
        if large.isNegative == small.isNegative {
            add(other, to: &digits)
        } else {
            subtract(other, from: &digits)
        }
        return try DynamoNumber(
            isNegative: large.isNegative, digits: digits.reversed(), pointAt: digits.count + lowest)
    }

    static func difference(_ first: DynamoNumber, _ second: DynamoNumber) throws(NumberFault) -> DynamoNumber {
        try sum(first, second.negated)
    }

    private var signum: Int { isZero ? 0 : isNegative ? -1 : 1 }
    private var lowestPower: Int { exponent - digits.count }

    /// By magnitude.
    private static func isSmaller(_ first: DynamoNumber, than second: DynamoNumber) -> Bool {
        if first.isZero || second.isZero { return first.isZero && !second.isZero }
        if first.exponent != second.exponent { return first.exponent < second.exponent }
        return first.digits.lexicographicallyPrecedes(second.digits)
    }

    /// The least significant first, the first of them counting `10^power`.
    private func digits(downTo power: Int) -> [UInt8] {
        [UInt8](repeating: 0, count: lowestPower - power) + digits.reversed()
    }

    private static func add(_ other: [UInt8], to digits: inout [UInt8]) {
        var carry: UInt8 = 0
        for index in digits.indices {
            let sum = digits[index] + carry + (index < other.count ? other[index] : 0)
            digits[index] = sum % 10
            carry = sum / 10
        }
        if carry > 0 { digits.append(carry) }
    }

    private static func subtract(_ other: [UInt8], from digits: inout [UInt8]) {
        var borrow: UInt8 = 0
        for index in digits.indices {
            let subtrahend = borrow + (index < other.count ? other[index] : 0)
            borrow = digits[index] < subtrahend ? 1 : 0
            digits[index] = digits[index] + borrow * 10 - subtrahend
        }
    }
}
