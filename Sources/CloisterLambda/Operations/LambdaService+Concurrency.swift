import CloisterCore
import CloisterServiceKit

struct AccountSettingsShape: Encodable {
    struct Limit: Encodable {
        var totalCodeSize: Int
        var codeSizeUnzipped: Int
        var codeSizeZipped: Int
        var concurrentExecutions: Int
        var unreservedConcurrentExecutions: Int
    }

    struct Usage: Encodable {
        var totalCodeSize: Int
        var functionCount: Int
    }

    var accountLimit: Limit
    var accountUsage: Usage
}

extension LambdaService {
    func putFunctionConcurrency(_ call: LambdaCall) async throws(ServiceError) -> ServiceResponse {
        let (key, qualifier) = try call.function()
        try LambdaService.refuseQualifier(qualifier)
        let request = try call.body(ConcurrencyShape.self)
        var constraints = Constraints()
        constraints.require(request.reservedConcurrentExecutions != nil, "reservedConcurrentExecutions")
        constraints.range(
            request.reservedConcurrentExecutions, "reservedConcurrentExecutions", 0...Int(Int32.max))
        try constraints.check()
        let reserved = request.reservedConcurrentExecutions ?? 0
        // The sum is over all functions, so one change at a time.
        try await sharedLocks.withLock("concurrency") { () async throws(ServiceError) in
            try await checkReservation(reserved, for: key)
            try await change(key, arn: call.arn(key)) { (function, _) async throws(ServiceError) in
                guard function.provisionedSum <= reserved else {
                    throw .invalidParameter(
                        "ReservedConcurrentExecutions \(reserved) should not be lower than function's total provisioned "
                            + "concurrency [\(function.provisionedSum)].")
                }
                function.reservedConcurrency = reserved
            }
        }
        return try .json(ConcurrencyShape(reservedConcurrentExecutions: reserved))
    }

    func getFunctionConcurrency(_ call: LambdaCall) async throws(ServiceError) -> ServiceResponse {
        let (key, qualifier) = try call.function()
        try LambdaService.refuseQualifier(qualifier)
        guard let function = try await store.function(key)?.record else {
            throw .notFound("Function not found: \(call.arn(key))")
        }
        return try .json(ConcurrencyShape(reservedConcurrentExecutions: function.reservedConcurrency))
    }

    func deleteFunctionConcurrency(_ call: LambdaCall) async throws(ServiceError) -> ServiceResponse {
        let (key, qualifier) = try call.function()
        try LambdaService.refuseQualifier(qualifier)
        try await change(key, arn: call.arn(key)) { (function, _) async throws(ServiceError) in
            function.reservedConcurrency = nil
        }
        return .noContent
    }

    func getAccountSettings(_ call: LambdaCall) async throws(ServiceError) -> ServiceResponse {
        let functions = try await store.allFunctions()
        let reserved = functions.reduce(0) { $0 + $1.committedConcurrency }
        let here = functions.filter { $0.region == call.region }
        var bytes = here.reduce(0) { $0 + $1.latest.code.archiveBytes }
        for function in here {
            bytes += try await store.versions(of: function.key).reduce(0) { $0 + $1.configuration.code.archiveBytes }
        }
        bytes += try await store.layerVersions(region: call.region, name: nil).reduce(0) { $0 + $1.code.archiveBytes }
        return try .json(
            AccountSettingsShape(
                accountLimit: .init(
                    totalCodeSize: configuration.codeBytesMax, codeSizeUnzipped: configuration.unpackedBytesMax,
                    codeSizeZipped: configuration.archiveBytesMax,
                    concurrentExecutions: configuration.accountConcurrencyMax,
                    unreservedConcurrentExecutions: configuration.accountConcurrencyMax - reserved),
                accountUsage: .init(totalCodeSize: bytes, functionCount: here.count)))
    }

    private func checkReservation(_ reserved: Int, for key: FunctionKey) async throws(ServiceError) {
        let others = try await store.allFunctions().filter { $0.key != key }
        let sum = others.reduce(0) { $0 + $1.committedConcurrency }
        guard configuration.accountConcurrencyMax - sum - reserved >= configuration.unreservedConcurrencyMin else {
            throw .invalidParameter(
                "Specified ReservedConcurrentExecutions for function decreases account's "
                    + "UnreservedConcurrentExecution below its minimum value of "
                    + "[\(configuration.unreservedConcurrencyMin)].")
        }
    }
}
