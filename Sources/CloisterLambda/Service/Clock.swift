import CloisterCore

#if canImport(Glibc)
    import Glibc
#endif

/// The system's clock, in milliseconds since 1970.
@Sendable public func wallClockMilliseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
}

/// AWS's form of times in text, `2026-11-24T11:07:55.803+0000`.
func timestampText(_ milliseconds: Int64) -> String {
    var seconds = time_t(milliseconds / 1_000)
    var parts = tm()
    gmtime_r(&seconds, &parts)
    func digits(_ value: Int32, _ count: Int) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(0, count - text.count)) + text
    }
    let date = "\(digits(parts.tm_year + 1_900, 4))-\(digits(parts.tm_mon + 1, 2))-\(digits(parts.tm_mday, 2))"
    let time = "\(digits(parts.tm_hour, 2)):\(digits(parts.tm_min, 2)):\(digits(parts.tm_sec, 2))"
    return "\(date)T\(time).\(digits(Int32(milliseconds % 1_000), 3))+0000"
}

/// A random UUID in lower case.
func randomUUID() -> String {
    var generator = SystemRandomNumberGenerator()
    return RequestID(random: generator.next(), generator.next()).rawValue
}
