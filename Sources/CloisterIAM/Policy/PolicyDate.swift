/// Dates of conditions: ISO 8601 as W3C profiles it, or seconds since 1970.
enum PolicyDate {
    /// Seconds since 1970; nil if malformed.
    static func seconds(_ text: String) -> Double? {
        if let seconds = Int64(text), !text.contains("-") || text.hasPrefix("-") { return text.utf8.count <= 4 ? year(text) : Double(seconds) }
        return calendar(Array(text.utf8))
    }

    /// `2026-11-24T15:00:00Z`.
    static func text(epochSeconds: Int64) -> String {
        let days = epochSeconds >= 0 ? epochSeconds / 86_400 : -((-epochSeconds + 86_399) / 86_400)
        let second = epochSeconds - days * 86_400
        let shifted = days + 719_468
        let era = shifted >= 0 ? shifted / 146_097 : -((-shifted + 146_096) / 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * month + 2) / 5 + 1
        let number = month < 10 ? month + 3 : month - 9
        let year = yearOfEra + era * 400 + (number <= 2 ? 1 : 0)
        return "\(pad(year, 4))-\(pad(number, 2))-\(pad(day, 2))T"
            + "\(pad(second / 3_600, 2)):\(pad(second / 60 % 60, 2)):\(pad(second % 60, 2))Z"
    }

    private static func year(_ text: String) -> Double? {
        guard text.utf8.count == 4, let year = Int64(text) else { return Double(text) }
        return Double(days(year, 1, 1) * 86_400)
    }

    private static func calendar(_ bytes: [UInt8]) -> Double? {
        var reader = Reader(bytes: bytes)
        guard let year = reader.number(4) else { return nil }
        guard reader.take("-"), let month = reader.number(2), (1...12).contains(month) else { return nil }
        var day: Int64 = 1
        if reader.take("-") {
            guard let given = reader.number(2), (1...31).contains(given) else { return nil }
            day = given
        }
        let start = Double(days(year, month, day) * 86_400)
        if reader.isAtEnd { return start }
        guard reader.take("T"), let hour = reader.number(2), hour < 24, reader.take(":"), let minute = reader.number(2),
            minute < 60
        else { return nil }
        var seconds = Double(hour * 3_600 + minute * 60)
        if reader.take(":") {
            guard let second = reader.number(2), second < 61 else { return nil }
            seconds += Double(second)
            if reader.take(".") {
                guard let fraction = reader.fraction() else { return nil }
                seconds += fraction
            }
        }
        guard let offset = reader.offset(), reader.isAtEnd else { return nil }
        return start + seconds - offset
    }

    /// Days since 1970 in the proleptic Gregorian calendar, years counted from March.
    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func pad(_ value: Int64, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }

    private struct Reader {
        let bytes: [UInt8]
        var position = 0

        var isAtEnd: Bool { position == bytes.count }

        mutating func take(_ character: Unicode.Scalar) -> Bool {
            guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
            position += 1
            return true
        }

        mutating func number(_ digits: Int) -> Int64? {
            guard position + digits <= bytes.count else { return nil }
            var value: Int64 = 0
            for byte in bytes[position..<position + digits] {
                guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
                value = value * 10 + Int64(byte - UInt8(ascii: "0"))
            }
            position += digits
            return value
        }

        mutating func fraction() -> Double? {
            var value = 0.0
            var scale = 0.1
            let start = position
            while position < bytes.count, position - start < 9, let digit = number(1) {
                value += Double(digit) * scale
                scale /= 10
            }
            return position > start ? value : nil
        }

        /// `Z` or `+HH:MM`, in seconds east.
        mutating func offset() -> Double? {
            if take("Z") { return 0 }
            let isEast = take("+")
            guard isEast || take("-"), let hour = number(2), hour < 24, take(":"), let minute = number(2), minute < 60
            else { return nil }
            return Double(hour * 3_600 + minute * 60) * (isEast ? 1 : -1)
        }
    }
}
