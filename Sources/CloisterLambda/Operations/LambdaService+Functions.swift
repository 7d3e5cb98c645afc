import CloisterCore
import CloisterServiceKit

extension LambdaService {
    /// One version of a function as a qualifier means it.
    struct Resolved: Sendable {
        var function: FunctionRecord
        var record: VersionRecord
        /// Nil for `$LATEST`.
        var number: Int?
        var qualifier: String?
    }

    /// The function in the path, at the qualifier in the path or the query.
    func resolve(_ call: LambdaCall) async throws(ServiceError) -> Resolved {
        let (key, qualifier) = try call.function()
        let missing = ServiceError.notFound("Function not found: \(call.arn(key, qualifier))")
        guard let function = try await store.function(key)?.record else { throw missing }
        guard let qualifier else {
            return Resolved(function: function, record: function.latest, number: nil, qualifier: nil)
        }
        guard let version = FunctionVersion(function.aliases[qualifier]?.version ?? qualifier) else { throw missing }
        guard case .number(let number) = version else {
            return Resolved(function: function, record: function.latest, number: nil, qualifier: qualifier)
        }
        guard let published = try await store.version(number, of: key) else { throw missing }
        return Resolved(
            function: function, record: published.configuration, number: number, qualifier: qualifier)
    }

    func getFunction(_ call: LambdaCall) async throws(ServiceError) -> ServiceResponse {
        let resolved = try await resolve(call)
        let function = resolved.function
        return try .json(
            GetFunctionShape(
                configuration: shape(resolved, call),
                code: FunctionCodeLocationShape(location: codeLocation(resolved.record.code.digest, call)),
                tags: function.tags.isEmpty ? nil : function.tags,
                concurrency: function.reservedConcurrency.map { ConcurrencyShape(reservedConcurrentExecutions: $0) }))
    }

    func getFunctionConfiguration(_ call: LambdaCall) async throws(ServiceError) -> ServiceResponse {
        try .json(shape(try await resolve(call), call))
    }

    func deleteFunction(_ call: LambdaCall) async throws(ServiceError) -> ServiceResponse {
        let (key, qualifier) = try call.function()
        guard let qualifier else {
            try await deleteWhole(key, call)
            return ServiceResponse(status: 200)
        }
        guard let version = FunctionVersion(qualifier) else {
            throw .invalidParameter("Deletion of aliases is not currently supported.")
        }
        guard case .number(let number) = version else {
            throw .invalidParameter("$LATEST version cannot be deleted without deleting the function.")
        }
        try await deleteVersion(number, of: key, call)
        return ServiceResponse(status: 200)
    }

    func listFunctions(_ call: LambdaCall) async throws(ServiceError) -> ServiceResponse {
        let limit = try call.maxItems()
        let which = call.request.queryValue("FunctionVersion")
        var constraints = Constraints()
        constraints.oneOf(which, "functionVersion", ["ALL"])
        try constraints.check()
        let marker = try Marker.names(call.marker, count: which == nil ? 1 : 2)
        if which == nil { return try await listLatest(call, after: marker?[0], limit: limit) }
        return try await listAllVersions(call, after: marker, limit: limit)
    }

    private func listLatest(
        _ call: LambdaCall, after: String?, limit: Int
    ) async throws(ServiceError) -> ServiceResponse {
        // One more than asked for tells whether there is a next page.
        let found = try await store.functions(region: call.region, after: after, limit: limit + 1)
        let page = found.prefix(limit)
        return try .json(
            FunctionListShape(
                functions: page.map { Shapes(call).configuration($0, $0.latest, version: nil) },
                nextMarker: found.count > limit ? page.last.map { Marker.text([$0.name]) } : nil))
    }

    /// `$LATEST` and every version of every function, in order of name and number.
    private func listAllVersions(
        _ call: LambdaCall, after: [String]?, limit: Int
    ) async throws(ServiceError) -> ServiceResponse {
        var shapes: [FunctionConfigurationShape] = []
        let last = after.map { ($0[0], Int($0[1]) ?? 0) } ?? ("", 0)
        var pending: [FunctionRecord] = []
        if !last.0.isEmpty, let first = try await store.function(FunctionKey(region: call.region, name: last.0))?.record
        {
            pending = [first]
        }
        pending += try await store.functions(region: call.region, after: last.0, limit: limit + 1)
        for function in pending where shapes.count <= limit {
            if function.name != last.0 {
                shapes.append(Shapes(call).configuration(function, function.latest, version: nil, isQualified: true))
            }
            for version in try await store.versions(of: function.key)
            where function.name != last.0 || version.number > last.1 {
                shapes.append(
                    Shapes(call).configuration(
                        function, version.configuration, version: String(version.number), isQualified: true))
            }
        }
        let page = shapes.prefix(limit)
        let next = page.last.map { Marker.text([$0.functionName, $0.version == "$LATEST" ? "0" : $0.version]) }
        return try .json(
            FunctionListShape(functions: Array(page), nextMarker: shapes.count > limit ? next : nil))
    }

    func shape(_ resolved: Resolved, _ call: LambdaCall) -> FunctionConfigurationShape {
        Shapes(call).configuration(
            resolved.function, resolved.record, version: resolved.number.map(String.init),
            qualifier: resolved.qualifier)
    }

    private func deleteWhole(_ key: FunctionKey, _ call: LambdaCall) async throws(ServiceError) {
        try await functionLocks.withLock(key) { () async throws(ServiceError) in
            guard let stored = try await store.function(key) else {
                throw .notFound("Function not found: \(call.arn(key))")
            }
            let versions = try await store.versions(of: key).map {
                DocumentChange.delete(FunctionStore.key(version: $0.number, of: key))
            }
            try await store.apply(
                [.delete(FunctionStore.key(key), expecting: .revision(stored.revision))] + versions)
            await directory.remove(key)
        }
    }

    private func deleteVersion(
        _ number: Int, of key: FunctionKey, _ call: LambdaCall
    ) async throws(ServiceError) {
        let arn = call.arn(key, String(number))
        try await change(key, arn: call.arn(key)) { (function, changes) async throws(ServiceError) in
            guard try await store.version(number, of: key) != nil else {
                throw .notFound("Function not found: \(arn)")
            }
            let text = String(number)
            let aliases = function.aliases.filter { $0.value.version == text || $0.value.additionalVersion == text }
            guard aliases.isEmpty else {
                throw .conflict(
                    "Version \(number) can't be deleted: the aliases \(aliases.keys.sorted()) refer to it.")
            }
            function.policies[text] = nil
            function.eventInvoke[text] = nil
            function.dropProvisioned(text)
            if function.lastPublished == number { function.lastPublished = nil }
            changes.append(.delete(FunctionStore.key(version: number, of: key)))
        }
    }
}
