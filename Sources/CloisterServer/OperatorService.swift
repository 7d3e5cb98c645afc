import CloisterCore
import CloisterDataPlane
import CloisterLogs
import CloisterServiceKit
import CloisterTenants
import Foundation

/// What the command line asks the server for beyond AWS's APIs, under `/_cloister/`. Signed for the service `cloister`.
struct OperatorService: Service {
    let plane: DataPlane
    let documents: any DocumentStore
    let logs: LogStore
    let level: IsolationLevel
    let tenants: TenantService

    var signingName: String { "cloister" }

    private static let stackKind = "stack"
    private static let stackBytesMax = 4 << 20

    func respond(to request: ServiceRequest) async -> ServiceResponse {
        let parts = request.path.split(separator: "/").map(String.init)
        guard parts.first == "_cloister", parts.count >= 2 else { return OperatorService.failure(404, "NotFound", "No such path.") }
        do {
            switch (request.method, parts[1], parts.count) {
            case ("GET", "environments", 2): return try OperatorService.json(await plane.describeEnvironments())
            case ("GET", "health", 2): return try OperatorService.json(
                ["level": level.rawValue, "status": "ok", "accountId": request.caller.account.rawValue])
            case ("GET", "logs", 2): return try await LogLines(logs: logs, request: request).respond()
            case ("GET", "stacks", 2): return try OperatorService.json(try await documents.list(kind: OperatorService.stackKind))
            case (_, "tenants", _), (_, "tiers", _): return await tenants.respond(to: request)
            case (_, "stacks", 3): return try await stack(parts[2], request)
            default: return OperatorService.failure(404, "NotFound", "No such path.")
            }
        } catch let error as ServiceError {
            return OperatorService.failure(error.status, error.code, error.message)
        } catch {
            return OperatorService.failure(500, "ServiceException", "The store failed.")
        }
    }

    private func stack(_ name: String, _ request: ServiceRequest) async throws -> ServiceResponse {
        guard (1...128).contains(name.utf8.count),
            name.utf8.allSatisfy({ isalnum(Int32($0)) != 0 || $0 == UInt8(ascii: "-") })
        else { throw ServiceError("ValidationError", status: 400, message: "A stack's name is 1 to 128 of [a-zA-Z0-9-].") }
        let key = "\(request.caller.region)/\(name)"
        switch request.method {
        case "GET":
            guard let body = try await documents.document(kind: OperatorService.stackKind, name: key) else {
                throw ServiceError("NotFound", status: 404, message: "Stack \(name) does not exist.")
            }
            return ServiceResponse(status: 200, headers: [("Content-Type", "application/json")], body: body)
        case "PUT":
            guard request.body.count <= OperatorService.stackBytesMax else {
                throw ServiceError("ValidationError", status: 413, message: "The stack's record is too large.")
            }
            try await documents.put(kind: OperatorService.stackKind, name: key, request.body)
            return ServiceResponse(status: 204)
        case "DELETE":
            try await documents.delete(kind: OperatorService.stackKind, name: key)
            return ServiceResponse(status: 204)
        default:
            throw ServiceError("MethodNotAllowed", status: 405, message: "A stack takes GET, PUT and DELETE.")
        }
    }

    static func json(_ value: some Encodable) throws -> ServiceResponse {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
        return ServiceResponse(
            status: 200, headers: [("Content-Type", "application/json")], body: Array(try encoder.encode(value)))
    }

    static func failure(_ status: Int, _ code: String, _ message: String) -> ServiceResponse {
        let body = (try? JSONEncoder().encode(["message": message])).map { Array($0) } ?? []
        return ServiceResponse(
            status: status, headers: [("Content-Type", "application/json"), ("x-amzn-ErrorType", code)], body: body)
    }
}
