import CloisterCore

/// The control plane's limits and settings; the defaults are AWS's.
public struct LambdaConfiguration: Sendable {
    /// Concurrent invocations of the account, the same number as the data plane's.
    public var accountConcurrencyMax: Int
    /// What must stay unreserved.
    public var unreservedConcurrencyMin: Int
    public var timeoutSecondsMax: Int
    public var memoryMiBMax: Int
    public var ephemeralStorageMiBMax: Int
    public var layersMax: Int
    public var environmentBytesMax: Int
    public var policyBytesMax: Int
    public var tagsMax: Int
    /// All archives together, each version counted.
    public var codeBytesMax: Int
    public var archiveBytesMax: Int
    public var unpackedBytesMax: Int
    public var aliasesMax: Int
    /// This host's, as AWS spells it.
    public var architecture: String
    /// How long a `Code.Location` URL works.
    public var codeLocationSeconds: Int
    /// What clients reach this server by, for `Code.Location`, without a final slash; nil: `http://` and the request's
    /// `Host`.
    public var endpoint: String?

    public init(
        accountConcurrencyMax: Int = 1_000, unreservedConcurrencyMin: Int = 100, timeoutSecondsMax: Int = 900,
        memoryMiBMax: Int = 10_240, ephemeralStorageMiBMax: Int = 10_240, layersMax: Int = 5,
        environmentBytesMax: Int = 4_096, policyBytesMax: Int = 20_480, tagsMax: Int = 50,
        codeBytesMax: Int = 80_530_636_800, archiveBytesMax: Int = 52_428_800, unpackedBytesMax: Int = 262_144_000,
        aliasesMax: Int = 1_000, architecture: String = LambdaConfiguration.hostArchitecture,
        codeLocationSeconds: Int = 600, endpoint: String? = nil
    ) {
        self.accountConcurrencyMax = accountConcurrencyMax
        self.unreservedConcurrencyMin = unreservedConcurrencyMin
        self.timeoutSecondsMax = timeoutSecondsMax
        self.memoryMiBMax = memoryMiBMax
        self.ephemeralStorageMiBMax = ephemeralStorageMiBMax
        self.layersMax = layersMax
        self.environmentBytesMax = environmentBytesMax
        self.policyBytesMax = policyBytesMax
        self.tagsMax = tagsMax
        self.codeBytesMax = codeBytesMax
        self.archiveBytesMax = archiveBytesMax
        self.unpackedBytesMax = unpackedBytesMax
        self.aliasesMax = aliasesMax
        self.architecture = architecture
        self.codeLocationSeconds = codeLocationSeconds
        self.endpoint = endpoint
    }

    public static var hostArchitecture: String {
        #if arch(arm64)
            "arm64"
        #else
            "x86_64"
        #endif
    }
}
