import CloisterCore
import CloisterServiceKit

extension LambdaService {
    func putProvisionedConcurrencyConfig(_ call: LambdaCall) async throws(ServiceError) -> ServiceResponse {
        let (key, qualifier) = try provisionedPath(call)
        let request = try call.body(ProvisionedConcurrencyRequest.self)
        var constraints = Constraints()
        constraints.require(request.provisionedConcurrentExecutions != nil, "provisionedConcurrentExecutions")
        constraints.range(
            request.provisionedConcurrentExecutions, "provisionedConcurrentExecutions", 1...Int(Int32.max))
        try constraints.check()
        guard qualifier != "$LATEST" else { throw LambdaService.unpublished }
        let count = request.provisionedConcurrentExecutions ?? 0
        // The sum is over all functions, so one change at a time.
        let function = try await sharedLocks.withLock("concurrency") {
            () async throws(ServiceError) -> FunctionRecord in
            let others = try await store.allFunctions().filter { $0.key != key }
            return try await change(key, arn: call.arn(key)) {
                (function, _) async throws(ServiceError) -> FunctionRecord in
                try await requireProvisionable(qualifier, of: function, call)
                var all = function.provisioned ?? [:]
                all[qualifier] = ProvisionedRecord(count: count, lastModified: now())
                function.provisioned = all
                try ProvisionedRules.checkOverlap(function)
                try checkCapacity(function, others: others)
                return function
            }
        }
        return try .json(await provisionedShape(function, qualifier), status: 202)
    }

    func getProvisionedConcurrencyConfig(_ call: LambdaCall) async throws(ServiceError) -> ServiceResponse {
        let (function, qualifier) = try await provisionedFunction(call)
        guard function.provisioned?[qualifier] != nil else {
            throw ServiceError(
                "ProvisionedConcurrencyConfigNotFoundException", status: 404,
                message: "No Provisioned Concurrency Config found for this function")
        }
        return try .json(await provisionedShape(function, qualifier))
    }

    /// Deleting what isn't there succeeds, as on AWS.
    func deleteProvisionedConcurrencyConfig(_ call: LambdaCall) async throws(ServiceError) -> ServiceResponse {
        let (function, qualifier) = try await provisionedFunction(call)
        try await change(function.key, arn: call.arn(function.key)) { (function, _) async throws(ServiceError) in
            function.dropProvisioned(qualifier)
        }
        return .noContent
    }

    func listProvisionedConcurrencyConfigs(_ call: LambdaCall) async throws(ServiceError) -> ServiceResponse {
        let (key, qualifier) = try call.function()
        try LambdaService.refuseQualifier(qualifier)
        guard let function = try await store.function(key)?.record else {
            throw .notFound("Function not found: \(call.arn(key))")
        }
        let page = try Marker.page(
            (function.provisioned ?? [:]).keys.sorted(), marker: call.marker, limit: try call.maxItems(allowed: 50),
            name: \.self)
        var shapes: [ProvisionedConcurrencyShape] = []
        for qualifier in page.items {
            var shape = await provisionedShape(function, qualifier)
            shape.functionArn = call.arn(key, qualifier)
            shapes.append(shape)
        }
        return try .json(ProvisionedConcurrencyListShape(provisionedConcurrencyConfigs: shapes, nextMarker: page.next))
    }

    // MARK: Parts

    static let unpublished = ServiceError.invalidParameter(
        "Provisioned Concurrency Configs cannot be applied to unpublished function versions.")

    private func provisionedPath(_ call: LambdaCall) throws(ServiceError) -> (FunctionKey, qualifier: String) {
        let (key, qualifier) = try call.function()
        var constraints = Constraints()
        constraints.require(qualifier != nil, "qualifier")
        try constraints.check()
        return (key, qualifier ?? "")
    }

    /// The function, if it has that version or alias.
    private func provisionedFunction(_ call: LambdaCall) async throws(ServiceError) -> (FunctionRecord, String) {
        let (key, qualifier) = try provisionedPath(call)
        guard qualifier != "$LATEST" else {
            throw .invalidParameter("The function resource provided must be an alias or a published version.")
        }
        guard let function = try await store.function(key)?.record else {
            throw .notFound("Function not found: \(call.arn(key))")
        }
        try await requirePublished(qualifier, of: function, call)
        return (function, qualifier)
    }

    private func requirePublished(
        _ qualifier: String, of function: FunctionRecord, _ call: LambdaCall
    ) async throws(ServiceError) {
        guard function.aliases[qualifier] == nil else { return }
        guard case .number(let number) = FunctionVersion(qualifier) else {
            throw .notFound("Cannot find alias arn: \(call.arn(function.key, qualifier))")
        }
        guard try await store.version(number, of: function.key) != nil else {
            throw .notFound("Function not found: \(call.arn(function.key, qualifier))")
        }
    }

    private func requireProvisionable(
        _ qualifier: String, of function: FunctionRecord, _ call: LambdaCall
    ) async throws(ServiceError) {
        try await requirePublished(qualifier, of: function, call)
        guard let alias = function.aliases[qualifier] else { return }
        guard alias.version != "$LATEST" else { throw LambdaService.unpublished }
        guard alias.additionalVersion == nil else {
            throw .invalidParameter("Alias with weights can not be used with Provisioned Concurrency")
        }
    }

    private func checkCapacity(_ function: FunctionRecord, others: [FunctionRecord]) throws(ServiceError) {
        if let reserved = function.reservedConcurrency {
            guard function.provisionedSum <= reserved else {
                throw .invalidParameter(
                    "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution "
                        + "for function")
            }
            return
        }
        let committed = others.reduce(function.provisionedSum) { $0 + $1.committedConcurrency }
        guard configuration.accountConcurrencyMax - committed >= configuration.unreservedConcurrencyMin else {
            throw .invalidParameter(
                "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below "
                    + "its minimum value of [\(configuration.unreservedConcurrencyMin)].")
        }
    }

    private func provisionedShape(
        _ function: FunctionRecord, _ qualifier: String
    ) async -> ProvisionedConcurrencyShape {
        let record = function.provisioned?[qualifier] ?? ProvisionedRecord(count: 0, lastModified: 0)
        let entry = FunctionEntry(
            key: function.key, versions: [:], aliases: SnapshotBuilder.aliases(function.aliases))
        let shares = entry.shares(of: record.count, qualifier: qualifier)
        let found = await directory.provisionedConcurrency(of: function.key)
        return ProvisionedRules.shape(record, shares: shares, found: found)
    }
}
