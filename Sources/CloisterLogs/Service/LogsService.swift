import CloisterCore
import CloisterServiceKit
import Foundation
import Logging

/// CloudWatch Logs' API (JSON 1.1) over a `LogStore`. Which operations there are: `LogsCoverage`.
public struct LogsService: Service {
    public let signingName = "logs"

    let store: LogStore
    private let logger: Logger

    public init(store: LogStore, logger: Logger = Logger(label: "cloister.logs")) {
        self.store = store
        self.logger = logger
    }

    public func respond(to request: ServiceRequest) async -> ServiceResponse {
        do {
            let call = try LogsCall(request)
            guard let operation = LogsCoverage.operations[call.operation] else { throw LogsError.unknownOperation }
            guard let handler = operation.handler else { throw LogsError.notBuilt(call.operation) }
            return LogsService.response(status: 200, body: try await handler(self, call))
        } catch {
            return failure(LogsError.from(error))
        }
    }

    func token(_ call: LogsCall, _ parameters: String...) -> PageToken {
        PageToken(key: store.tokenKey, scope: [call.operation, call.region] + parameters)
    }

    private func failure(_ error: ServiceError) -> ServiceResponse {
        if let text = error.logMessage { logger.error("A logs request failed", metadata: ["error": "\(text)"]) }
        let members = error.members.merging(["__type": error.code, "message": error.message]) { $1 }
        // A dictionary of strings can always be encoded.
        let body = (try? JSONEncoder().encode(members)).map { [UInt8]($0) } ?? []
        var response = LogsService.response(status: error.status, body: body)
        response.headers.append((name: "x-amzn-ErrorType", value: error.code))
        response.headers += error.headers.map { (name: $0.key, value: $0.value) }
        return response
    }

    private static func response(status: Int, body: [UInt8]) -> ServiceResponse {
        ServiceResponse(
            status: status, headers: [(name: "Content-Type", value: "application/x-amz-json-1.1")], body: body)
    }
}

/// One call: the operation's name and its undecoded input.
struct LogsCall: Sendable {
    private static let targetPrefix = "Logs_20140328."

    let operation: String
    let caller: Caller
    private let body: [UInt8]

    var region: String { caller.region }

    init(_ request: ServiceRequest) throws(ServiceError) {
        guard request.method == "POST", request.path == "/" || request.path.isEmpty,
            let target = request.header("x-amz-target"), target.hasPrefix(LogsCall.targetPrefix)
        else { throw LogsError.unknownOperation }
        guard request.body.count <= LogsLimits.bodyBytesMax else {
            throw LogsError.serialization("The request body is larger than \(LogsLimits.bodyBytesMax) bytes")
        }
        operation = String(target.dropFirst(LogsCall.targetPrefix.count))
        caller = request.caller
        body = request.body
    }

    func input<Input: Decodable>(_ type: Input.Type) throws(ServiceError) -> Input {
        do {
            return try JSONDecoder().decode(type, from: Data(body))
        } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context) {
            let member = context.codingPath.map(\.stringValue).joined(separator: ".")
            throw LogsError.serialization("The member '\(member)' has a wrong type")
        } catch {
            throw LogsError.serialization("The request body is not a JSON object of this operation")
        }
    }

    func groupARN(_ name: String) -> String {
        "arn:aws:logs:\(region):\(caller.account):log-group:\(name)"
    }
}
