/// AWS's shape of one function version, as every answer about functions has it.
struct FunctionConfigurationShape: Encodable {
    var functionName: String
    var functionArn: String
    var runtime: String
    var role: String
    var handler: String
    var codeSize: Int
    var description: String
    var timeout: Int
    var memorySize: Int
    var lastModified: String
    var codeSha256: String
    var version: String
    var deadLetterConfig: DeadLetterConfigShape?
    var environment: EnvironmentShape?
    var tracingConfig: TracingConfigShape
    var revisionId: String
    var layers: [LayerUseShape]?
    var state: String
    var stateReason: String?
    var stateReasonCode: String?
    var lastUpdateStatus: String
    var lastUpdateStatusReason: String?
    var lastUpdateStatusReasonCode: String?
    var packageType = "Zip"
    var architectures: [String]
    var ephemeralStorage: EphemeralStorageShape
    var snapStart: SnapStartShape
    var runtimeVersionConfig: RuntimeVersionConfigShape
    var loggingConfig: LoggingConfigShape
    var tenancyConfig: TenancyConfigShape?
}

struct GetFunctionShape: Encodable {
    var configuration: FunctionConfigurationShape
    var code: FunctionCodeLocationShape
    var tags: [String: String]?
    var concurrency: ConcurrencyShape?
}

struct FunctionCodeLocationShape: Encodable {
    var repositoryType = "S3"
    var location: String
}

struct FunctionListShape: Encodable {
    var functions: [FunctionConfigurationShape]
    var nextMarker: String?
}

struct VersionListShape: Encodable {
    var versions: [FunctionConfigurationShape]
    var nextMarker: String?
}

struct ConcurrencyShape: Codable { var reservedConcurrentExecutions: Int? }
struct DeadLetterConfigShape: Codable { var targetArn: String? }
struct EnvironmentShape: Codable { var variables: [String: String]? }
struct TracingConfigShape: Codable { var mode: String? }
struct EphemeralStorageShape: Codable { var size: Int? }
struct TenancyConfigShape: Codable { var tenantIsolationMode: String? }

struct SnapStartShape: Encodable {
    var applyOn: String
    var optimizationStatus = "Off"
}

struct RuntimeVersionConfigShape: Encodable { var runtimeVersionArn: String }

struct LayerUseShape: Encodable {
    var arn: String
    var codeSize: Int
}

struct LoggingConfigShape: Codable {
    var logFormat: String?
    var applicationLogLevel: String?
    var systemLogLevel: String?
    var logGroup: String?
}
