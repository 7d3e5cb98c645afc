import CloisterCore
import CloisterServiceKit
import FoundationEssentials

extension LambdaService {
    func createFunction(_ call: LambdaCall) async throws(ServiceError) -> ServiceResponse {
        let request = try call.body(CreateFunctionRequest.self)
        let key = try checkCreate(request, call)
        guard try await store.function(key) == nil else { throw LambdaService.exists(key) }
        let layers = try await layerUses(request.configuration.layers ?? [], call)
        let stored = try await addCode(request.code, member: "code", call)
        let architecture = request.architectures?.first ?? "x86_64"
        var warnings = try checkMachine(architecture, code: stored, layers: layers)
        try checkUnpackedSize(stored, layers)
        var record = VersionRecord(
            code: stored, runtime: "", handler: "", role: "", layers: layers, architecture: architecture,
            lastModified: now(), revisionID: randomUUID())
        rules.apply(request.configuration, to: &record)
        warnings += self.warnings(record)
        let function = FunctionRecord(
            region: key.region, name: key.name, identity: randomUUID(),
            isTenantIsolated: request.configuration.tenancyConfig != nil, latest: record, tags: request.tags ?? [:])
        let shape = try await add(function, publish: request.publish == true, call)
        return try .json(shape, status: 201, warnings: warnings)
    }

    private func checkCreate(
        _ request: CreateFunctionRequest, _ call: LambdaCall
    ) throws(ServiceError) -> FunctionKey {
        var constraints = Constraints()
        constraints.require(request.functionName != nil, "functionName")
        constraints.require(request.configuration.role != nil, "role")
        constraints.require(request.code != nil, "code")
        constraints.oneOf(request.packageType, "packageType", ["Zip", "Image"])
        try constraints.check()
        try checkArchitectures(request.architectures)
        if request.packageType == "Image" || request.code?.imageUri != nil {
            throw .unsupported("container images (PackageType Image): deploy a zip archive with a runtime")
        }
        if !(request.codeSigningConfigArn ?? "").isEmpty { throw .unsupported("CodeSigningConfigArn") }
        if request.publishTo != nil { throw .unsupported("PublishTo") }
        guard request.configuration.runtime != nil, request.configuration.handler != nil else {
            throw .invalidParameter(
                "Runtime and Handler are mandatory parameters for functions created with deployment packages.")
        }
        try checkTenancy(request.configuration)
        try check(request.configuration)
        try TagRules.check(request.tags ?? [:], max: configuration.tagsMax)
        let reference = try call.reference(request.functionName ?? "")
        guard reference.qualifier == nil else {
            throw .invalidParameter("FunctionName must not have a qualifier in CreateFunction.")
        }
        return FunctionKey(region: call.region, name: reference.name)
    }

    private func checkTenancy(_ members: ConfigurationMembers) throws(ServiceError) {
        guard let tenancy = members.tenancyConfig else { return }
        var constraints = Constraints()
        let mode = "tenancyConfig.tenantIsolationMode"
        constraints.require(tenancy.tenantIsolationMode != nil, mode)
        constraints.oneOf(tenancy.tenantIsolationMode, mode, ["PER_TENANT"])
        try constraints.check()
    }

    /// What the members alone decide, and whether the runtime is known here.
    func check(_ members: ConfigurationMembers) throws(ServiceError) {
        try rules.check(members)
        guard let runtime = members.runtime else { return }
        if case .unknown(let available) = catalog.availability(of: runtime) {
            throw LambdaService.unknownRuntime(runtime, available)
        }
    }

    private func add(
        _ new: FunctionRecord, publish isPublished: Bool, _ call: LambdaCall
    ) async throws(ServiceError) -> FunctionConfigurationShape {
        let shape = try await functionLocks.withLock(new.key) {
            () async throws(ServiceError) -> FunctionConfigurationShape in
            guard try await store.function(new.key) == nil else { throw LambdaService.exists(new.key) }
            var function = new
            var changes: [DocumentChange] = []
            var version: PublishedVersion?
            if isPublished { version = try await addVersion(&function, &changes, description: nil) }
            try await store.apply([try FunctionStore.put(function, expecting: nil)] + changes)
            try await publish(function)
            return Shapes(call).configuration(
                function, version?.configuration ?? function.latest, version: version.map { String($0.number) })
        }
        activate(new.key)
        return shape
    }

    private static func exists(_ key: FunctionKey) -> ServiceError { .conflict("Function already exist: \(key.name)") }

    /// What the caller should know although the request succeeds.
    func warnings(_ record: VersionRecord) -> [String] {
        var warnings: [String] = []
        if record.snapStart != "None" {
            warnings.append("SnapStart is recorded but not in effect: every environment starts anew.")
        }
        if case .ready(let image) = catalog.availability(of: record.runtime), image.runtime != record.runtime {
            warnings.append("The runtime \(record.runtime) isn't here: the function runs on \(image.runtime).")
        }
        return warnings
    }
}
