/// Secrets Manager's documented quotas, and Cloister's own bounds, in one place.
enum SecretsLimits {
    // Secrets Manager (the service model and the quotas page).

    static let valueBytesMax = 65_536
    static let nameLengthMax = 512
    static let descriptionLengthMax = 2_048
    static let policyBytesMax = 20_480
    static let tagsMax = 50
    static let stagesPerVersionMax = 20
    /// Versions without a stage beyond this are removed, oldest first.
    static let deprecatedVersionsMax = 100
    static let recoveryWindowDays = 7...30
    static let recoveryWindowDaysDefault = 30
    static let batchMax = 20
    static let pageMax = 100
    static let passwordLengthDefault = 32
    static let passwordLengthMax = 4_096

    // Cloister's own.

    /// A value of 64 KiB, every byte escaped, and the rest of the request.
    static let bodyBytesMax = 1 << 20
    /// A change that others outrun is tried again this often.
    static let changeAttemptsMax = 32

    static let millisecondsPerDay: Int64 = 86_400_000
    static let millisecondsPerHour: Int64 = 3_600_000
}
