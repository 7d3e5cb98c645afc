import CloisterCore
import CloisterServiceKit
import Crypto
import FoundationEssentials

/// Turns records into what the data plane runs.
struct SnapshotBuilder {
    let code: any CodeStore
    let catalog: any RuntimeCatalog

    /// What running environments see of a version. A version's `revision` is this, digested: it changes exactly when
    /// one of these does.
    private struct Seen: Encodable {
        var identity: String
        var code: CodeDigest
        var layers: [CodeDigest]
        var image: String
        var bootstrap: [String]
        var runtime: String
        var handler: String
        var role: String
        var environment: [String: String]
        var memoryMiB: Int
        var timeoutSeconds: Int
        var ephemeralStorageMiB: Int
        var tracingMode: String
        var logging: LoggingRecord
        var architecture: String
        var isolationMinimum: String?
    }

    func entry(_ function: FunctionRecord, versions: [PublishedVersion]) async throws(ServiceError) -> FunctionEntry {
        var snapshots: [FunctionVersion: FunctionSnapshot] = [:]
        var latest = try await snapshot(function.serving ?? function.latest, version: .latest, of: function)
        // What serves while an update is under way stays available; only a new function isn't yet.
        if function.state != .active, function.serving == nil {
            latest.unavailableReason = SnapshotBuilder.unavailable(function.state)
        }
        snapshots[.latest] = latest
        for version in versions {
            let number = FunctionVersion.number(version.number)
            snapshots[number] = try await snapshot(version.configuration, version: number, of: function)
        }
        return FunctionEntry(
            key: function.key, versions: snapshots, aliases: SnapshotBuilder.aliases(function.aliases),
            reservedConcurrency: function.reservedConcurrency,
            provisionedConcurrency: (function.provisioned ?? [:]).mapValues(\.count),
            eventInvokeConfigurations: function.eventInvoke.mapValues(SnapshotBuilder.eventInvoke),
            deadLetterTarget: function.latest.deadLetterTarget)
    }

    static func unavailable(_ state: FunctionRecord.State) -> String {
        "The operation cannot be performed at this time. The function is currently in the following state: "
            + state.rawValue
    }

    private func snapshot(
        _ record: VersionRecord, version: FunctionVersion, of function: FunctionRecord
    ) async throws(ServiceError) -> FunctionSnapshot {
        let image: RuntimeImage?
        if case .ready(let ready) = catalog.availability(of: record.runtime) { image = ready } else { image = nil }
        let layers = record.layers.map(\.code.digest)
        return FunctionSnapshot(
            key: FunctionVersionKey(function: function.key, version: version),
            revision: try revision(record, function: function, image: image, layers: layers),
            unavailableReason: image == nil ? SnapshotBuilder.unavailable(.pending) : nil, runtime: record.runtime,
            imageDirectory: image?.directory ?? "", bootstrap: image?.bootstrap ?? [],
            codeDirectory: code.directory(of: record.code.digest), layersDirectory: try await directory(layers),
            handler: record.handler, environment: record.environment ?? [:], roleARN: record.role, memoryMiB: record.memoryMiB,
            timeoutSeconds: record.timeoutSeconds, ephemeralStorageMiB: record.ephemeralStorageMiB,
            isTenantIsolated: function.isTenantIsolated,
            tenantIDLengthMax: TagRules.tenantIDLengthMax(function.tags),
            servesRegisteredTenantsOnly: TagRules.servesRegisteredTenantsOnly(function.tags),
            isolationMinimum: TagRules.isolationMinimum(function.tags),
            logGroup: record.logging.group ?? "/aws/lambda/\(function.name)", logFormat: record.logging.format,
            systemLogLevel: record.logging.systemLevel, applicationLogLevel: record.logging.applicationLevel,
            isTracingActive: record.tracingMode == "Active", architecture: record.architecture)
    }

    private func directory(_ layers: [CodeDigest]) async throws(ServiceError) -> String? {
        guard !layers.isEmpty else { return nil }
        do { return try await code.layersDirectory(layers) } catch { throw ServiceError(code: error) }
    }

    private func revision(
        _ record: VersionRecord, function: FunctionRecord, image: RuntimeImage?, layers: [CodeDigest]
    ) throws(ServiceError) -> String {
        let seen = Seen(
            identity: function.identity, code: record.code.digest, layers: layers, image: image?.directory ?? "",
            bootstrap: image?.bootstrap ?? [], runtime: record.runtime, handler: record.handler, role: record.role,
            environment: record.environment ?? [:], memoryMiB: record.memoryMiB,
            timeoutSeconds: record.timeoutSeconds, ephemeralStorageMiB: record.ephemeralStorageMiB,
            tracingMode: record.tracingMode, logging: record.logging, architecture: record.architecture,
            isolationMinimum: TagRules.isolationMinimum(function.tags)?.rawValue)
        return hexadecimal(SHA256.hash(data: Data(try LambdaJSON.encodeVerbatim(seen))))
    }

    static func aliases(_ records: [String: AliasRecord]) -> [String: AliasTarget] {
        records.compactMapValues { record in
            guard let version = FunctionVersion(record.version) else { return nil }
            return AliasTarget(
                version: version, additionalVersion: record.additionalVersion.flatMap { FunctionVersion($0) },
                additionalWeight: record.additionalWeight)
        }
    }

    private static func eventInvoke(_ record: EventInvokeRecord) -> EventInvokeConfiguration {
        let standard = EventInvokeConfiguration.default
        return EventInvokeConfiguration(
            retryAttemptsMax: record.retryAttemptsMax ?? standard.retryAttemptsMax,
            eventAgeMaxSeconds: record.eventAgeMaxSeconds ?? standard.eventAgeMaxSeconds, onSuccess: record.onSuccess,
            onFailure: record.onFailure)
    }
}

func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}
