import Testing

@testable import CloisterDynamoDB

@Suite struct NumberTests {
    @Test(arguments: [
        ("1E3", "1000"), ("-0", "0"), ("0.0", "0"), ("+001.500", "1.5"), ("1e-3", "0.001"), (".5", "0.5"), ("5.", "5"),
        ("-12345678901234567890123456789012345678", "-12345678901234567890123456789012345678"),
        ("1E-130", "0." + String(repeating: "0", count: 129) + "1"), ("9E125", "9" + String(repeating: "0", count: 125)),
        ("0E999999999999999999999999", "0"),
    ])
    func textIsNormalized(_ text: String, _ expected: String) throws {
        #expect(try DynamoNumber(parsing: text).description == expected)
    }

    @Test(arguments: ["", "abc", "1e", "--1", "1 ", "0x10", "1_0", ".", "NaN", "Infinity", "1.2.3", "１"])
    func whatIsNoNumberIsRefused(_ text: String) {
        #expect(throws: NumberFault.notANumber(text)) { try DynamoNumber(parsing: text) }
    }

    @Test func limitsAreRefused() {
        #expect(throws: NumberFault.overflow) { try DynamoNumber(parsing: "1E126") }
        #expect(throws: NumberFault.underflow) { try DynamoNumber(parsing: "1E-131") }
        #expect(throws: NumberFault.tooManyDigits) { try DynamoNumber(parsing: "1." + String(repeating: "1", count: 38)) }
        #expect(throws: NumberFault.overflow) { try DynamoNumber(parsing: "1E99999999999999999999") }
    }

    @Test(arguments: [
        ("1", "2", "3"), ("0.1", "0.2", "0.3"), ("-5", "5", "0"), ("999", "1", "1000"), ("1000", "-1", "999"),
        ("1E20", "1", "100000000000000000001"), ("-1.5", "0.25", "-1.25"), ("0", "-7", "-7"),
    ])
    func sumsAreExact(_ first: String, _ second: String, _ expected: String) throws {
        let (a, b) = (try DynamoNumber(parsing: first), try DynamoNumber(parsing: second))
        #expect(try DynamoNumber.sum(a, b).description == expected)
        #expect(try DynamoNumber.difference(DynamoNumber.sum(a, b), b) == a)
    }

    @Test func sumWithTooManyDigitsIsRefused() throws {
        let (large, small) = (try DynamoNumber(parsing: "1E40"), try DynamoNumber(parsing: "1"))
        #expect(throws: NumberFault.tooManyDigits) { try DynamoNumber.sum(large, small) }
    }

    /// Over random numbers: the order of keys is the order of values, and equal values have equal keys.
    @Test func keysSortAsNumbersDo() throws {
        var random = Seeded(17)
        let numbers = try (0..<400).map { _ in
            let mantissa = Int.random(in: -9_999...9_999, using: &random)
            return try DynamoNumber(parsing: "\(mantissa)E\(Int.random(in: -6...6, using: &random))")
        }
        for first in numbers {
            for second in numbers {
                let keys = [first, second].map { KeyEncoding.bytes(.number($0)) ?? [] }
                #expect((first < second) == keys[0].lexicographicallyPrecedes(keys[1]))
                #expect((first == second) == (keys[0] == keys[1]))
            }
        }
    }
}

/// The same numbers in every run.
struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }
}
