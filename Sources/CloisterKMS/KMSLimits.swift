/// KMS's documented quotas, and Cloister's own bounds, in one place.
enum KMSLimits {
    // KMS (the service model and the quotas page).

    static let plaintextBytesMax = 4_096
    static let ciphertextBytesMax = 6_144
    static let descriptionLengthMax = 8_192
    static let policyBytesMax = 32_768
    static let tagsMax = 50
    static let aliasesPerKeyMax = 50
    static let pageMax = 1_000
    static let pageDefault = 100
    /// Of `ListResourceTags` and of grants: at most 100.
    static let onDemandRotationsMax = 25
    static let deletionWindowDays = 7...30
    static let deletionWindowDaysDefault = 30
    static let rotationPeriodDays = 90...2_560
    static let rotationPeriodDaysDefault = 365
    static let grantTokensMax = 10

    // Cloister's own.

    /// KMS takes 50,000; here a key's grants are part of its record.
    static let grantsPerKeyMax = 1_000
    /// The largest useful request carries a policy or a ciphertext; both fit many times.
    static let bodyBytesMax = 1 << 20
    /// All keys and values of an encryption context together.
    static let contextBytesMax = 8_192
    /// Keys whose unwrapped material stays in locked memory (one page a version).
    static let cachedKeysMax = 256
    /// A change that others outrun is tried again this often.
    static let changeAttemptsMax = 32

    static let millisecondsPerDay: Int64 = 86_400_000
}
