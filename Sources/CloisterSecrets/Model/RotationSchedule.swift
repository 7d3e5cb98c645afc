import CloisterServiceKit

/// When a secret is rotated next: `AutomaticallyAfterDays`, or `rate(…)` of days or hours.
enum RotationSchedule {
    /// Milliseconds between two rotations. Throws `InvalidParameterException`, and 501 for `cron(…)`.
    static func interval(afterDays: Int?, schedule: String?) throws(ServiceError) -> Int64? {
        if let afterDays {
            guard schedule == nil else {
                throw SecretsError.invalidParameter("You can't use both AutomaticallyAfterDays and ScheduleExpression.")
            }
            guard (1...1_000).contains(afterDays) else {
                throw SecretsError.invalidParameter("RotationRules.AutomaticallyAfterDays must be within 1-1000.")
            }
            return Int64(afterDays) * SecretsLimits.millisecondsPerDay
        }
        guard let schedule else { return nil }
        guard !schedule.hasPrefix("cron(") else { throw JSONProtocol.notBuilt("RotateSecret with a cron schedule") }
        return try rate(schedule)
    }

    private static func rate(_ text: String) throws(ServiceError) -> Int64 {
        let invalid = SecretsError.invalidParameter("Invalid schedule expression: \(text.prefix(256))")
        guard text.hasPrefix("rate("), text.hasSuffix(")") else { throw invalid }
        let parts = text.dropFirst(5).dropLast().split(separator: " ")
        guard parts.count == 2, let count = Int64(parts[0]) else { throw invalid }
        switch parts[1] {
        case "day", "days":
            guard (1...999).contains(count) else { throw invalid }
            return count * SecretsLimits.millisecondsPerDay
        case "hour", "hours":
            guard (4...(999 * 24)).contains(count) else { throw invalid }
            return count * SecretsLimits.millisecondsPerHour
        default: throw invalid
        }
    }
}
