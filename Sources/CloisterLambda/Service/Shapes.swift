import CloisterCore
import CloisterServiceKit
import Crypto
import FoundationEssentials

/// Turns records into AWS's answers.
struct Shapes {
    let call: LambdaCall

    init(_ call: LambdaCall) { self.call = call }

    /// - Parameters:
    ///   - version: a published version's number; nil for `$LATEST`.
    ///   - qualifier: ends the ARN; nil: the version where `isQualified` is set, else nothing.
    func configuration(
        _ function: FunctionRecord, _ record: VersionRecord, version: String?, qualifier: String? = nil,
        isQualified: Bool = false
    ) -> FunctionConfigurationShape {
        let version = version ?? "$LATEST"
        let suffix = qualifier ?? (isQualified ? version : nil)
        var shape = FunctionConfigurationShape(
            functionName: function.name, functionArn: call.arn(function.key, suffix), runtime: record.runtime,
            role: record.role, handler: record.handler, codeSize: record.code.archiveBytes,
            description: record.description, timeout: record.timeoutSeconds, memorySize: record.memoryMiB,
            lastModified: timestampText(record.lastModified),
            codeSha256: Shapes.base64(record.code.digest), version: version,
            deadLetterConfig: record.deadLetterTarget.map { DeadLetterConfigShape(targetArn: $0) },
            environment: record.environment.map { EnvironmentShape(variables: $0) },
            tracingConfig: TracingConfigShape(mode: record.tracingMode), revisionId: record.revisionID,
            layers: Shapes.layers(record), state: "Active", lastUpdateStatus: "Successful",
            architectures: [record.architecture],
            ephemeralStorage: EphemeralStorageShape(size: record.ephemeralStorageMiB),
            snapStart: SnapStartShape(applyOn: record.snapStart),
            runtimeVersionConfig: RuntimeVersionConfigShape(runtimeVersionArn: runtimeVersionARN(record.runtime)),
            loggingConfig: Shapes.logging(record.logging, function: function.name),
            tenancyConfig: function.isTenantIsolated ? TenancyConfigShape(tenantIsolationMode: "PER_TENANT") : nil)
        Shapes.addState(of: function, to: &shape)
        return shape
    }

    static func base64(_ digest: CodeDigest) -> String { Data(digest.bytes).base64EncodedString() }

    private static func addState(of function: FunctionRecord, to shape: inout FunctionConfigurationShape) {
        shape.state = function.state.rawValue
        switch function.state {
        case .pending:
            shape.stateReason = "The function is being created."
            shape.stateReasonCode = "Creating"
        case .failed:
            shape.stateReason = function.failure
            shape.stateReasonCode = "InvalidRuntime"
        case .active:
            break
        }
        guard shape.version == "$LATEST" else { return }
        shape.lastUpdateStatus = function.updateStatus.rawValue
        switch function.updateStatus {
        case .inProgress:
            shape.lastUpdateStatusReason = "The function is being updated."
            shape.lastUpdateStatusReasonCode = "Creating"
        case .failed:
            shape.lastUpdateStatusReason = function.failure
            shape.lastUpdateStatusReasonCode = "InvalidRuntime"
        case .successful:
            break
        }
    }

    private static func layers(_ record: VersionRecord) -> [LayerUseShape]? {
        guard !record.layers.isEmpty else { return nil }
        return record.layers.map { LayerUseShape(arn: $0.arn, codeSize: $0.code.archiveBytes) }
    }

    private static func logging(_ record: LoggingRecord, function: String) -> LoggingConfigShape {
        // AWS shows levels only for JSON: they have no effect on text.
        let isJSON = record.format == .json
        return LoggingConfigShape(
            logFormat: record.format.rawValue, applicationLogLevel: isJSON ? record.applicationLevel : nil,
            systemLogLevel: isJSON ? record.systemLevel : nil, logGroup: record.group ?? "/aws/lambda/\(function)")
    }

    private func runtimeVersionARN(_ runtime: String) -> String {
        "arn:aws:lambda:\(call.region)::runtime:\(hexadecimal(SHA256.hash(data: Data(runtime.utf8))))"
    }
}
