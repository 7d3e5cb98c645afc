import CloisterCore
import CloisterServiceKit

extension LambdaService {
    func createAlias(_ call: LambdaCall) async throws(ServiceError) -> ServiceResponse {
        let key = try call.function().key
        let request = try call.body(AliasRequest.self)
        try check(request, name: request.name, needsVersion: true)
        let name = request.name ?? ""
        let shape = try await change(key, arn: call.arn(key)) {
            (function, _) async throws(ServiceError) -> AliasShape in
            guard function.aliases[name] == nil else {
                throw .conflict("Alias already exists: \(call.arn(key, name))")
            }
            guard function.aliases.count < configuration.aliasesMax else {
                throw .invalidParameter("A function has at most \(configuration.aliasesMax) aliases.")
            }
            var alias = AliasRecord(version: "", revisionID: "")
            try await apply(request, to: &alias, of: key, call)
            function.aliases[name] = alias
            return LambdaService.shape(alias, name: name, key, call)
        }
        return try .json(shape, status: 201)
    }

    func updateAlias(_ call: LambdaCall) async throws(ServiceError) -> ServiceResponse {
        let (key, name) = try aliasPath(call)
        let request = try call.body(AliasRequest.self)
        try check(request, name: name, needsVersion: false)
        let shape = try await change(key, arn: call.arn(key)) {
            (function, _) async throws(ServiceError) -> AliasShape in
            guard var alias = function.aliases[name] else { throw LambdaService.noAlias(key, name, call) }
            if let revision = request.revisionId, revision != alias.revisionID { throw .wrongRevision }
            try await apply(request, to: &alias, of: key, call)
            function.aliases[name] = alias
            guard alias.version != "$LATEST" || function.provisioned?[name] == nil else {
                throw LambdaService.unpublished
            }
            try ProvisionedRules.checkOverlap(function)
            return LambdaService.shape(alias, name: name, key, call)
        }
        return try .json(shape)
    }

    func getAlias(_ call: LambdaCall) async throws(ServiceError) -> ServiceResponse {
        let (key, name) = try aliasPath(call)
        guard let function = try await store.function(key)?.record else {
            throw .notFound("Function not found: \(call.arn(key))")
        }
        guard let alias = function.aliases[name] else { throw LambdaService.noAlias(key, name, call) }
        return try .json(LambdaService.shape(alias, name: name, key, call))
    }

    func listAliases(_ call: LambdaCall) async throws(ServiceError) -> ServiceResponse {
        let key = try call.function().key
        guard let function = try await store.function(key)?.record else {
            throw .notFound("Function not found: \(call.arn(key))")
        }
        let version = call.request.queryValue("FunctionVersion")
        var constraints = Constraints()
        constraints.pattern(version, "functionVersion", .version)
        try constraints.check()
        let all = function.aliases.sorted { $0.key < $1.key }
            .filter { version == nil || $0.value.version == version || $0.value.additionalVersion == version }
            .map { LambdaService.shape($0.value, name: $0.key, key, call) }
        let page = try Marker.page(all, marker: call.marker, limit: try call.maxItems(), name: \.name)
        return try .json(AliasListShape(aliases: page.items, nextMarker: page.next))
    }

    /// Deleting an alias that isn't there succeeds, as on AWS.
    func deleteAlias(_ call: LambdaCall) async throws(ServiceError) -> ServiceResponse {
        let (key, name) = try aliasPath(call)
        try await change(key, arn: call.arn(key)) { (function, _) async throws(ServiceError) in
            guard function.aliases[name] != nil else { return }
            function.aliases[name] = nil
            function.policies[name] = nil
            function.eventInvoke[name] = nil
            function.dropProvisioned(name)
        }
        return .noContent
    }

    private func aliasPath(_ call: LambdaCall) throws(ServiceError) -> (FunctionKey, name: String) {
        let key = try call.function().key
        let name = call.label("Name")
        var constraints = Constraints()
        constraints.length(name, "name", min: 1, max: 128)
        constraints.pattern(name, "name", .alias)
        try constraints.check()
        return (key, name)
    }

    private func check(_ request: AliasRequest, name: String?, needsVersion: Bool) throws(ServiceError) {
        var constraints = Constraints()
        constraints.require(name != nil, "name")
        constraints.length(name, "name", min: 1, max: 128)
        constraints.pattern(name, "name", .alias)
        constraints.require(!needsVersion || request.functionVersion != nil, "functionVersion")
        constraints.length(request.functionVersion, "functionVersion", min: 1, max: 1_024)
        constraints.pattern(request.functionVersion, "functionVersion", .version)
        constraints.length(request.description, "description", max: 256)
        try constraints.check()
    }

    private func apply(
        _ request: AliasRequest, to alias: inout AliasRecord, of key: FunctionKey, _ call: LambdaCall
    ) async throws(ServiceError) {
        if let version = request.functionVersion {
            alias.version = try await existing(version, of: key, call)
        }
        if let description = request.description { alias.description = description }
        if let routing = request.routingConfig {
            let weights = routing.additionalVersionWeights ?? [:]
            guard weights.count <= 1 else {
                throw .invalidParameter("Number of items in AdditionalVersionWeights cannot be greater than 1")
            }
            alias.additionalVersion = nil
            alias.additionalWeight = 0
            if let (version, weight) = weights.first {
                try LambdaService.check(weight: weight, version: version)
                alias.additionalVersion = try await existing(version, of: key, call)
                alias.additionalWeight = weight
            }
        }
        if alias.additionalVersion != nil {
            guard alias.version != "$LATEST" else {
                throw .invalidParameter("$LATEST is not supported for an alias pointing to more than 1 version")
            }
            guard alias.version != alias.additionalVersion else {
                throw .invalidParameter(
                    "Invalid function version \(alias.version). Function version \(alias.version) is already included "
                        + "in routing configuration.")
            }
        }
        alias.revisionID = randomUUID()
    }

    private static func check(weight: Double, version: String) throws(ServiceError) {
        guard Pattern.isDigits(version) else {
            var constraints = Constraints()
            constraints.pattern(
                version, "routingConfig.additionalVersionWeights",
                Pattern(text: "[0-9]+", matches: Pattern.isDigits))
            try constraints.check()
            return
        }
        guard weight >= 0, weight <= 1 else {
            throw .validation(
                "1 validation error detected: Value '\(weight)' at 'routingConfig.additionalVersionWeights' failed to "
                    + "satisfy constraint: Member must have value between 0.0 and 1.0")
        }
    }

    /// The version as this server spells it, if it exists.
    private func existing(
        _ text: String, of key: FunctionKey, _ call: LambdaCall
    ) async throws(ServiceError) -> String {
        guard let version = FunctionVersion(text) else { throw .notFound("Function not found: \(call.arn(key, text))") }
        if case .number(let number) = version, try await store.version(number, of: key) == nil {
            throw .notFound("Function not found: \(call.arn(key, text))")
        }
        return version.description
    }

    private static func noAlias(_ key: FunctionKey, _ name: String, _ call: LambdaCall) -> ServiceError {
        .notFound("Cannot find alias arn: \(call.arn(key, name))")
    }

    private static func shape(_ alias: AliasRecord, name: String, _ key: FunctionKey, _ call: LambdaCall) -> AliasShape
    {
        AliasShape(
            aliasArn: call.arn(key, name), name: name, functionVersion: alias.version,
            description: alias.description,
            routingConfig: alias.additionalVersion.map {
                RoutingConfigShape(additionalVersionWeights: [$0: alias.additionalWeight])
            }, revisionId: alias.revisionID)
    }
}
