import CloisterCore
import CloisterServiceKit
import FoundationEssentials

extension LambdaService {
    /// Checks and keeps the archive of a `Code` or `Content` member.
    func addCode(
        _ member: FunctionCodeMember?, member name: String, _ call: LambdaCall
    ) async throws(ServiceError) -> StoredCode {
        if member?.s3Bucket != nil || member?.s3Key != nil {
            throw .unsupported("code in S3 buckets: pass the zip archive itself as ZipFile")
        }
        if member?.imageUri != nil { throw .unsupported("container images: pass a zip archive as ZipFile") }
        if !(member?.sourceKMSKeyArn ?? "").isEmpty { throw .unsupported("SourceKMSKeyArn") }
        guard let archive = member?.zipFile else {
            throw .invalidParameter("Please provide a source for function code.")
        }
        guard archive.count <= configuration.archiveBytesMax else {
            throw .tooLarge(
                "Request must be smaller than 70167211 bytes for the \(call.operation.name) operation")
        }
        do { return try await code.add(Array(archive)) } catch { throw ServiceError(code: error) }
    }

    func checkArchitectures(_ architectures: [String]?) throws(ServiceError) {
        var constraints = Constraints()
        constraints.count(architectures, "architectures", 1...1)
        for architecture in architectures ?? [] {
            constraints.oneOf(architecture, "architectures", ["x86_64", "arm64"])
        }
        try constraints.check()
    }

    /// Refuses native code that this host can't run; returns warnings for code that it runs all the same.
    func checkMachine(
        _ architecture: String, code: StoredCode, layers: [LayerUse]
    ) throws(ServiceError) -> [String] {
        guard architecture != configuration.architecture else { return [] }
        let machines = Set(code.machines + layers.flatMap(\.code.machines))
        let foreign = machines.subtracting([configuration.architecture]).sorted()
        guard foreign.isEmpty else {
            throw .invalidParameter(
                "The code holds native files for \(foreign.joined(separator: ", ")); this host is "
                    + "\(configuration.architecture). Package it for \(configuration.architecture).")
        }
        return ["Architecture \(architecture) isn't this host's: the function runs as \(configuration.architecture)."]
    }

    func checkUnpackedSize(_ code: StoredCode, _ layers: [LayerUse]) throws(ServiceError) {
        let bytes = layers.reduce(code.unpackedBytes) { $0 + $1.code.unpackedBytes }
        guard bytes <= configuration.unpackedBytesMax else {
            throw .invalidParameter(
                "Function code combined with layers exceeds the maximum allowed size of "
                    + "\(configuration.unpackedBytesMax) bytes. The actual size is \(bytes) bytes.")
        }
    }

    /// The layers that a function names, found and checked.
    func layerUses(_ arns: [String], _ call: LambdaCall) async throws(ServiceError) -> [LayerUse] {
        guard arns.count <= configuration.layersMax else {
            throw .invalidParameter("Cannot reference more than \(configuration.layersMax) layers.")
        }
        var uses: [LayerUse] = []
        var names: Set<String> = []
        for arn in arns {
            let missing = ServiceError.invalidParameter("Layer version \(arn.prefix(256)) does not exist.")
            guard let reference = LayerReference(versionARN: arn), let number = reference.number,
                reference.account == account.rawValue, reference.region == call.region
            else { throw missing }
            guard names.insert(reference.name).inserted else {
                throw .invalidParameter(
                    "Two different versions of the same layer are not allowed to be referenced in the same function.")
            }
            guard let layer = try await store.layerVersion(number, name: reference.name, region: call.region) else {
                throw missing
            }
            uses.append(LayerUse(arn: arn, code: layer.code))
        }
        return uses
    }

    func updateFunctionCode(_ call: LambdaCall) async throws(ServiceError) -> ServiceResponse {
        let (key, qualifier) = try call.function()
        try LambdaService.refuseQualifier(qualifier)
        let request = try call.body(UpdateFunctionCodeRequest.self)
        try checkArchitectures(request.architectures)
        if request.publishTo != nil { throw .unsupported("PublishTo") }
        guard let before = try await store.function(key)?.record else {
            throw .notFound("Function not found: \(call.arn(key))")
        }
        try LambdaService.checkUpdatable(before, revision: request.revisionId, arn: call.arn(key))
        let stored = try await addCode(request.code, member: "code", call)
        let (shape, warnings) = try await change(key, arn: call.arn(key)) {
            (function, changes) async throws(ServiceError) -> (FunctionConfigurationShape, [String]) in
            try LambdaService.checkUpdatable(function, revision: request.revisionId, arn: call.arn(key))
            var updated = function
            LambdaService.beginUpdate(&updated)
            updated.latest.code = stored
            updated.latest.architecture = request.architectures?.first ?? updated.latest.architecture
            let layers = updated.latest.layers
            let warnings = try checkMachine(updated.latest.architecture, code: stored, layers: layers)
            try checkUnpackedSize(stored, layers)
            touch(&updated.latest)
            if request.dryRun == true {
                return (Shapes(call).configuration(function, updated.latest, version: nil), warnings)
            }
            var version: PublishedVersion?
            if request.publish == true { version = try await addVersion(&updated, &changes, description: nil) }
            function = updated
            let shape = Shapes(call).configuration(
                function, version?.configuration ?? function.latest, version: version.map { String($0.number) },
                isQualified: version != nil)
            return (shape, warnings)
        }
        activate(key)
        return try .json(shape, warnings: warnings)
    }

    func updateFunctionConfiguration(_ call: LambdaCall) async throws(ServiceError) -> ServiceResponse {
        let (key, qualifier) = try call.function()
        try LambdaService.refuseQualifier(qualifier)
        let request = try call.body(UpdateFunctionConfigurationRequest.self)
        if request.configuration.tenancyConfig != nil {
            throw .invalidParameter("TenancyConfig can't be changed after a function was created.")
        }
        guard try await store.function(key) != nil else { throw .notFound("Function not found: \(call.arn(key))") }
        try check(request.configuration)
        let layers: [LayerUse]?
        if let arns = request.configuration.layers { layers = try await layerUses(arns, call) } else { layers = nil }
        let (shape, warnings) = try await change(key, arn: call.arn(key)) {
            (function, _) async throws(ServiceError) -> (FunctionConfigurationShape, [String]) in
            try LambdaService.checkUpdatable(function, revision: request.revisionId, arn: call.arn(key))
            LambdaService.beginUpdate(&function)
            rules.apply(request.configuration, to: &function.latest)
            if let layers { function.latest.layers = layers }
            let latest = function.latest
            try checkUnpackedSize(latest.code, latest.layers)
            var warnings = try checkMachine(latest.architecture, code: latest.code, layers: latest.layers)
            warnings += self.warnings(latest)
            touch(&function.latest)
            return (Shapes(call).configuration(function, function.latest, version: nil), warnings)
        }
        activate(key)
        return try .json(shape, warnings: warnings)
    }

    private func touch(_ record: inout VersionRecord) {
        record.lastModified = now()
        record.revisionID = randomUUID()
    }

    private static func beginUpdate(_ function: inout FunctionRecord) {
        if function.state == .active { function.serving = function.serving ?? function.latest }
        function.updateStatus = .inProgress
        function.failure = nil
    }

    static func checkUpdatable(
        _ function: FunctionRecord, revision: String?, arn: String
    ) throws(ServiceError) {
        if function.state == .pending { throw .conflict(SnapshotBuilder.unavailable(.pending)) }
        if function.updateStatus == .inProgress {
            throw .conflict(
                "The operation cannot be performed at this time. An update is in progress for resource: \(arn)")
        }
        if let revision, revision != function.latest.revisionID { throw .wrongRevision }
    }

    /// For operations on the function itself; `$LATEST` is the same.
    static func refuseQualifier(_ qualifier: String?) throws(ServiceError) {
        guard let qualifier, qualifier != "$LATEST" else { return }
        throw .invalidParameter("This operation does not allow a qualifier; '\(qualifier)' was given.")
    }
}
