import CloisterTemplates
import Foundation

/// The operations of the Lambda API that deployments and invocations need.
struct LambdaClient {
    let api: APIClient

    // MARK: - Functions

    func createFunction(_ members: [String: JSONValue], zip: [UInt8]) throws -> JSONValue {
        var members = members
        members["Code"] = .object(["ZipFile": .string(Base64.encode(zip))])
        return try send("POST", "/2015-03-31/functions", body: members)
    }

    /// Nil when there is no such function.
    func function(_ name: String) throws -> JSONValue? {
        try unlessMissing { try send("GET", "/2015-03-31/functions/\(APIRequest.encode(name))") }
    }

    func configuration(_ name: String) throws -> JSONValue? {
        try unlessMissing { try send("GET", "/2015-03-31/functions/\(APIRequest.encode(name))/configuration") }
    }

    func updateCode(_ name: String, zip: [UInt8], architectures: JSONValue?) throws -> JSONValue {
        var members: [String: JSONValue] = ["ZipFile": .string(Base64.encode(zip))]
        members["Architectures"] = architectures
        return try send("PUT", "/2015-03-31/functions/\(APIRequest.encode(name))/code", body: members)
    }

    func updateConfiguration(_ name: String, _ members: [String: JSONValue]) throws -> JSONValue {
        try send("PUT", "/2015-03-31/functions/\(APIRequest.encode(name))/configuration", body: members)
    }

    func deleteFunction(_ name: String, qualifier: String? = nil) throws {
        let query = qualifier.map { [(name: "Qualifier", value: $0)] } ?? []
        _ = try unlessMissing { try send("DELETE", "/2015-03-31/functions/\(APIRequest.encode(name))", query: query) }
    }

    /// Nil takes the limit away.
    func setReservedConcurrency(_ name: String, _ count: Int?) throws {
        let path = "/2017-10-31/functions/\(APIRequest.encode(name))/concurrency"
        if let count {
            _ = try send("PUT", path, body: ["ReservedConcurrentExecutions": .integer(count)])
        } else {
            _ = try unlessMissing { try send("DELETE", path) }
        }
    }

    func setTags(arn: String, adding: [String: JSONValue], removing: [String]) throws {
        let path = "/2017-03-31/tags/\(APIRequest.encode(arn))"
        if !adding.isEmpty { _ = try send("POST", path, body: ["Tags": .object(adding)]) }
        if !removing.isEmpty {
            _ = try send("DELETE", path, query: removing.map { (name: "tagKeys", value: $0) })
        }
    }

    // MARK: - Versions, aliases, layers, permissions

    func publishVersion(_ name: String, _ members: [String: JSONValue]) throws -> JSONValue {
        try send("POST", "/2015-03-31/functions/\(APIRequest.encode(name))/versions", body: members)
    }

    func createAlias(_ function: String, _ members: [String: JSONValue]) throws -> JSONValue {
        try send("POST", "/2015-03-31/functions/\(APIRequest.encode(function))/aliases", body: members)
    }

    func updateAlias(_ function: String, _ alias: String, _ members: [String: JSONValue]) throws -> JSONValue {
        try send(
            "PUT", "/2015-03-31/functions/\(APIRequest.encode(function))/aliases/\(APIRequest.encode(alias))",
            body: members)
    }

    func deleteAlias(_ function: String, _ alias: String) throws {
        let path = "/2015-03-31/functions/\(APIRequest.encode(function))/aliases/\(APIRequest.encode(alias))"
        _ = try unlessMissing { try send("DELETE", path) }
    }

    func publishLayer(_ name: String, _ members: [String: JSONValue], zip: [UInt8]) throws -> JSONValue {
        var members = members
        members["Content"] = .object(["ZipFile": .string(Base64.encode(zip))])
        return try send("POST", "/2018-10-31/layers/\(APIRequest.encode(name))/versions", body: members)
    }

    func deleteLayerVersion(_ name: String, _ version: String) throws {
        let path = "/2018-10-31/layers/\(APIRequest.encode(name))/versions/\(APIRequest.encode(version))"
        _ = try unlessMissing { try send("DELETE", path) }
    }

    func addPermission(_ function: String, _ members: [String: JSONValue]) throws {
        _ = try send("POST", "/2015-03-31/functions/\(APIRequest.encode(function))/policy", body: members)
    }

    func removePermission(_ function: String, statement: String) throws {
        let path = "/2015-03-31/functions/\(APIRequest.encode(function))/policy/\(APIRequest.encode(statement))"
        _ = try unlessMissing { try send("DELETE", path) }
    }

    func putEventInvokeConfiguration(_ function: String, qualifier: String, _ members: [String: JSONValue]) throws {
        _ = try send(
            "PUT", "/2019-09-25/functions/\(APIRequest.encode(function))/event-invoke-config",
            query: [(name: "Qualifier", value: qualifier)], body: members)
    }

    func deleteEventInvokeConfiguration(_ function: String, qualifier: String) throws {
        let path = "/2019-09-25/functions/\(APIRequest.encode(function))/event-invoke-config"
        _ = try unlessMissing { try send("DELETE", path, query: [(name: "Qualifier", value: qualifier)]) }
    }

    func putProvisionedConcurrency(
        _ function: String, qualifier: String, _ members: [String: JSONValue]
    ) throws -> JSONValue {
        try send(
            "PUT", provisionedPath(function), query: [(name: "Qualifier", value: qualifier)], body: members)
    }

    func provisionedConcurrency(_ function: String, qualifier: String) throws -> JSONValue {
        try send("GET", provisionedPath(function), query: [(name: "Qualifier", value: qualifier)])
    }

    func deleteProvisionedConcurrency(_ function: String, qualifier: String) throws {
        let query = [(name: "Qualifier", value: qualifier)]
        _ = try unlessMissing { try send("DELETE", provisionedPath(function), query: query) }
    }

    private func provisionedPath(_ function: String) -> String {
        "/2019-09-30/functions/\(APIRequest.encode(function))/provisioned-concurrency"
    }

    // MARK: - Sending

    /// Every answer's `x-cloister-warning` fields, in the order of arrival; taken out by the reader.
    private let warningLog = WarningLog()

    init(api: APIClient) { self.api = api }

    /// What the server has warned about since the last call.
    func takeWarnings() -> [String] { warningLog.take() }

    private func send(
        _ method: String, _ path: String, query: [(name: String, value: String)] = [],
        body: [String: JSONValue]? = nil
    ) throws -> JSONValue {
        var request = APIRequest(method, path, query: query)
        if let body {
            request.body = try JSONValue.object(body).bytes
            request.fields = [(name: "content-type", value: "application/json")]
        }
        let response = try api.send(request)
        warningLog.add(response.fields("x-cloister-warning"))
        return JSONValue(bytes: response.body) ?? .null
    }

    private func unlessMissing(_ work: () throws -> JSONValue) throws -> JSONValue? {
        do {
            return try work()
        } catch let error as APIError where error.isNotFound {
            return nil
        }
    }
}

/// Warnings that came with answers, each once.
private final class WarningLog {
    private var pending: [String] = []
    private var seen: Set<String> = []

    func add(_ warnings: [String]) {
        for warning in warnings where seen.insert(warning).inserted { pending.append(warning) }
    }

    func take() -> [String] {
        defer { pending = [] }
        return pending
    }
}
