import CloisterCore
import CloisterServiceKit

/// Checks the members of CreateFunction and UpdateFunctionConfiguration and writes them into a record. Pure.
struct ConfigurationRules {
    let configuration: LambdaConfiguration
    let account: AccountID

    /// What the platform sets; nobody else may.
    private static let reservedVariables: Set<String> = [
        "_HANDLER", "_X_AMZN_TRACE_ID", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_MAX_CONCURRENCY", "AWS_LAMBDA_METADATA_API",
        "AWS_LAMBDA_METADATA_TOKEN", "AWS_LAMBDA_RUNTIME_API", "AWS_REGION", "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN", "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT",
    ]

    func check(_ members: ConfigurationMembers) throws(ServiceError) {
        var constraints = Constraints()
        constraints.pattern(members.role, "role", .role)
        constraints.length(members.handler, "handler", max: 128)
        constraints.pattern(members.handler, "handler", .handler)
        constraints.length(members.description, "description", max: 256)
        constraints.range(members.timeout, "timeout", 1...configuration.timeoutSecondsMax)
        constraints.range(members.memorySize, "memorySize", 128...configuration.memoryMiBMax)
        constraints.range(
            members.ephemeralStorage?.size, "ephemeralStorage.size", 512...configuration.ephemeralStorageMiBMax)
        constraints.oneOf(members.tracingConfig?.mode, "tracingConfig.mode", ["Active", "PassThrough"])
        constraints.oneOf(members.snapStart?.applyOn, "snapStart.applyOn", ["PublishedVersions", "None"])
        for layer in members.layers ?? [] { constraints.pattern(layer, "layers", .layerVersionARN) }
        for name in (members.environment?.variables ?? [:]).keys.sorted()
        where !ConfigurationRules.reservedVariables.contains(name) {
            constraints.pattern(name, "environment.variables", .environmentName)
        }
        checkLogging(members.loggingConfig, &constraints)
        try constraints.check()
        try checkVariables(members.environment?.variables ?? [:])
        try refuseUnsupported(members)
        _ = try functionTarget(members.deadLetterConfig?.targetArn, "DeadLetterConfig")
    }

    /// Writes the checked members that are there; layers are the caller's.
    func apply(_ members: ConfigurationMembers, to record: inout VersionRecord) {
        if let runtime = members.runtime { record.runtime = runtime }
        if let handler = members.handler { record.handler = handler }
        if let role = members.role { record.role = role }
        if let description = members.description { record.description = description }
        if let timeout = members.timeout { record.timeoutSeconds = timeout }
        if let memory = members.memorySize { record.memoryMiB = memory }
        if let size = members.ephemeralStorage?.size { record.ephemeralStorageMiB = size }
        if let environment = members.environment {
            let variables = environment.variables ?? [:]
            record.environment = variables.isEmpty ? nil : variables
        }
        if let mode = members.tracingConfig?.mode { record.tracingMode = mode }
        if let applyOn = members.snapStart?.applyOn { record.snapStart = applyOn }
        if let target = members.deadLetterConfig {
            record.deadLetterTarget = (target.targetArn ?? "").isEmpty ? nil : target.targetArn
        }
        if let logging = members.loggingConfig { apply(logging, to: &record.logging) }
    }

    private func apply(_ logging: LoggingConfigShape, to record: inout LoggingRecord) {
        if let format = logging.logFormat { record.format = format == "JSON" ? .json : .text }
        record.applicationLevel = logging.applicationLogLevel ?? record.applicationLevel
        record.systemLevel = logging.systemLogLevel ?? record.systemLevel
        record.group = logging.logGroup ?? record.group
    }

    private func checkLogging(_ logging: LoggingConfigShape?, _ constraints: inout Constraints) {
        constraints.oneOf(logging?.logFormat, "loggingConfig.logFormat", ["JSON", "Text"])
        constraints.oneOf(
            logging?.applicationLogLevel, "loggingConfig.applicationLogLevel",
            ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"])
        constraints.oneOf(logging?.systemLogLevel, "loggingConfig.systemLogLevel", ["DEBUG", "INFO", "WARN"])
        constraints.length(logging?.logGroup, "loggingConfig.logGroup", min: 1, max: 512)
        constraints.pattern(logging?.logGroup, "loggingConfig.logGroup", .logGroup)
    }

    private func checkVariables(_ variables: [String: String]) throws(ServiceError) {
        let prefix = "Lambda was unable to configure your environment variables because the environment variables "
        let reserved = variables.keys.filter(ConfigurationRules.reservedVariables.contains).sorted()
        guard reserved.isEmpty else {
            throw .invalidParameter(
                prefix + "you have provided contains reserved keys that are currently not supported for modification. "
                    + "Reserved keys used in this request: \(reserved.joined(separator: ", "))")
        }
        guard variables.values.allSatisfy({ !$0.utf8.contains(0) }) else {
            throw .invalidParameter(prefix + "you have provided contain a NUL character.")
        }
        // AWS measures the map as JSON.
        let bytes = variables.isEmpty ? 0 : try LambdaJSON.encodeVerbatim(variables).count
        guard bytes <= configuration.environmentBytesMax else {
            throw .invalidParameter(prefix + "you have provided exceeded the 4KB limit.")
        }
    }

    /// Whatever would silently not do what it says is refused.
    private func refuseUnsupported(_ members: ConfigurationMembers) throws(ServiceError) {
        let vpc = (members.vpcConfig?.subnetIds ?? []) + (members.vpcConfig?.securityGroupIds ?? [])
        if !vpc.isEmpty { throw .unsupported("VpcConfig") }
        if !(members.fileSystemConfigs ?? []).isEmpty { throw .unsupported("FileSystemConfigs") }
        if !(members.kMSKeyArn ?? "").isEmpty { throw .unsupported("KMSKeyArn") }
        if members.imageConfig != nil { throw .unsupported("ImageConfig") }
        if members.capacityProviderConfig != nil { throw .unsupported("CapacityProviderConfig") }
        if members.durableConfig != nil { throw .unsupported("DurableConfig") }
    }

    /// The function that `arn` names, if any; other targets are refused.
    func functionTarget(_ arn: String?, _ member: String) throws(ServiceError) -> FunctionReference? {
        guard let arn, !arn.isEmpty else { return nil }
        guard arn.hasPrefix("arn:"), let reference = FunctionReference(arn), reference.account == account.rawValue
        else {
            throw .invalidParameter(
                "Cloister supports functions of this account as \(member) targets; \(arn.prefix(256)) is none.")
        }
        return reference
    }
}

extension ServiceError {
    static func unsupported(_ member: String) -> ServiceError {
        .invalidParameter("Cloister does not support \(member).")
    }
}
