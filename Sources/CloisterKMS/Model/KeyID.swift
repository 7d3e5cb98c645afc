/// A key's id: a UUID in lower case.
struct KeyID: Hashable, Sendable, CustomStringConvertible {
    let rawValue: String

    /// Nil unless `text` is a UUID; upper case is taken as lower case.
    init?(_ text: String) {
        let digits = Array(text.utf8)
        guard digits.count == 36 else { return nil }
        for (index, digit) in digits.enumerated() {
            let isDash = index == 8 || index == 13 || index == 18 || index == 23
            guard isDash ? digit == UInt8(ascii: "-") : KeyID.value(digit) != nil else { return nil }
        }
        rawValue = text.lowercased()
    }

    /// `bytes` are the UUID's 16 bytes.
    init(bytes: [UInt8]) {
        precondition(bytes.count == 16)
        var text = ""
        for (index, byte) in bytes.enumerated() {
            if index == 4 || index == 6 || index == 8 || index == 10 { text += "-" }
            text += Hexadecimal.text([byte])
        }
        rawValue = text
    }

    /// A version 4 UUID out of 16 random bytes.
    init(random: [UInt8]) {
        var bytes = random
        bytes[6] = bytes[6] & 0x0f | 0x40
        bytes[8] = bytes[8] & 0x3f | 0x80
        self.init(bytes: bytes)
    }

    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        var high: UInt8?
        for digit in rawValue.utf8 {
            guard let value = KeyID.value(digit) else { continue }
            if let first = high {
                bytes.append(first << 4 | value)
                high = nil
            } else {
                high = value
            }
        }
        return bytes
    }

    var description: String { rawValue }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

enum Hexadecimal {
    private static let digits = Array("0123456789abcdef".utf8)

    static func text(_ bytes: [UInt8]) -> String {
        String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
