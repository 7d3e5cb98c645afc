import CloisterCore
import CloisterServiceKit
import Foundation
import Logging

/// The registry's API for administrators: `/_cloister/tenants` and `/_cloister/tiers`, JSON.
public struct TenantService: Service {
    private static let listMax = 1_000

    let registry: TenantRegistry
    let logger: Logger

    public var signingName: String { "cloister" }

    public init(registry: TenantRegistry, logger: Logger) {
        self.registry = registry
        self.logger = logger
    }

    private struct TierList: Encodable { var tiers: [TierRecord] }

    private struct TenantList: Encodable {
        var tenants: [TenantRecord]
        /// What `after` takes for the rest.
        var next: String?
    }

    private struct TenantShown: Encodable {
        var tenant: TenantRecord
        var effective: EffectiveRecord

        func encode(to encoder: any Encoder) throws {
            try tenant.encode(to: encoder)
            var container = encoder.container(keyedBy: Member.self)
            try container.encode(effective, forKey: .effective)
        }

        private enum Member: CodingKey { case effective }
    }

    public func respond(to request: ServiceRequest) async -> ServiceResponse {
        do throws(ServiceError) {
            return try await answer(request)
        } catch {
            if let reason = error.logMessage { logger.error("\(reason)", metadata: ["code": "\(error.code)"]) }
            return TenantService.refusal(error)
        }
    }

    private func answer(_ request: ServiceRequest) async throws(ServiceError) -> ServiceResponse {
        guard request.caller.principalType == .administrator, request.caller.environment == nil else {
            throw ServiceError(
                "AccessDeniedException", status: 403, message: "Only the administrator may use the tenant registry.")
        }
        var parts: [String] = []
        for part in request.path.split(separator: "/") {
            guard let decoded = String(part).removingPercentEncoding else {
                throw .validation("The path is not percent-encoded UTF-8.")
            }
            parts.append(decoded)
        }
        switch (parts.dropFirst().first, parts.count) {
        case ("tiers", 2): return try await listTiers(request)
        case ("tiers", 3): return try await tier(parts[2], request)
        case ("tenants", 2): return try await listTenants(request)
        case ("tenants", 3): return try await tenant(try id(parts[2]), request)
        case ("tenants", 4): return try await status(try id(parts[2]), parts[3], request)
        default: throw .notFound("No such path.")
        }
    }

    // MARK: Tiers

    private func listTiers(_ request: ServiceRequest) async throws(ServiceError) -> ServiceResponse {
        try TenantService.require(request, ["GET"])
        return try TenantService.json(TierList(tiers: try await registry.store.tiers().compactMap(\.record)))
    }

    private func tier(_ name: String, _ request: ServiceRequest) async throws(ServiceError) -> ServiceResponse {
        guard TierRecord.isName(name) else { throw .validation("A tier's name is 1 to 64 of [a-zA-Z0-9_-].") }
        try TenantService.require(request, ["GET", "PUT", "DELETE"])
        switch request.method {
        case "PUT":
            let record = try StrictDecoding.decode(TierRecord.self, request.body)
            return try TenantService.json(
                try await registry.putTier(name, record, region: request.caller.region))
        case "DELETE":
            try await registry.deleteTier(name)
            return ServiceResponse(status: 204)
        default:
            return try TenantService.json(try await registry.tier(name))
        }
    }

    // MARK: Tenants

    private func id(_ text: String) throws(ServiceError) -> TenantID {
        guard let id = TenantID(text) else {
            throw .validation(
                "A tenant id is 1 to \(TenantID.lengthMax) of [a-zA-Z0-9._:/=+-@ ], without blanks at its ends or "
                    + "double blanks.")
        }
        return id
    }

    private func listTenants(_ request: ServiceRequest) async throws(ServiceError) -> ServiceResponse {
        try TenantService.require(request, ["GET"])
        let limit = request.queryValue("limit").map { Int($0) ?? 0 } ?? TenantService.listMax
        try bound(limit, "limit", 1...TenantService.listMax)
        let after = request.queryValue("after")
        if let after { _ = try id(after) }
        let found = try await registry.store.tenants(after: after, limit: limit)
        return try TenantService.json(
            TenantList(
                tenants: found.compactMap(\.record), next: found.count == limit ? found.last?.name : nil))
    }

    private func tenant(_ id: TenantID, _ request: ServiceRequest) async throws(ServiceError) -> ServiceResponse {
        try TenantService.require(request, ["GET", "PUT", "DELETE"])
        switch request.method {
        case "PUT":
            let record = try StrictDecoding.decode(TenantRecord.self, request.body)
            return try await shown(try await registry.putTenant(id, record, region: request.caller.region))
        case "DELETE":
            try await registry.deleteTenant(id)
            return ServiceResponse(status: 204)
        default:
            return try await shown(try await registry.tenant(id))
        }
    }

    private func status(
        _ id: TenantID, _ verb: String, _ request: ServiceRequest
    ) async throws(ServiceError) -> ServiceResponse {
        guard ["suspend", "resume"].contains(verb) else { throw .notFound("No such path.") }
        try TenantService.require(request, ["POST"])
        return try await shown(try await registry.setStatus(verb == "suspend" ? .suspended : .active, of: id))
    }

    private func shown(_ tenant: TenantRecord) async throws(ServiceError) -> ServiceResponse {
        try TenantService.json(TenantShown(tenant: tenant, effective: try await registry.effective(tenant)))
    }

    // MARK: Answers

    private static func require(_ request: ServiceRequest, _ methods: [String]) throws(ServiceError) {
        guard methods.contains(request.method) else {
            throw ServiceError(
                "MethodNotAllowed", status: 405, message: "This path takes \(methods.joined(separator: ", ")).",
                headers: ["Allow": methods.joined(separator: ", ")])
        }
    }

    private static func json(_ value: some Encodable) throws(ServiceError) -> ServiceResponse {
        do {
            return ServiceResponse(
                status: 200, headers: [("Content-Type", "application/json")],
                body: Array(try RegistryStore.encoder.encode(value)))
        } catch {
            throw .service(log: "can't encode an answer: \(type(of: value))")
        }
    }

    private static func refusal(_ error: ServiceError) -> ServiceResponse {
        let body = (try? JSONEncoder().encode(["message": error.message])).map { Array($0) } ?? []
        let fixed = [(name: "Content-Type", value: "application/json"), (name: "x-amzn-ErrorType", value: error.code)]
        return ServiceResponse(
            status: error.status, headers: fixed + error.headers.map { (name: $0.key, value: $0.value) }, body: body)
    }
}
