import CloisterCore
import CloisterServiceKit
import Foundation
import Logging

/// CloudWatch Logs' API (JSON 1.1) over a `LogStore`. Which operations there are: `LogsCoverage`.
public struct LogsService: Service {
    public let signingName = "logs"
    public let access = ServiceAccess.wholeService
    public var targetPrefix: String? { wire.targetPrefix }

    let store: LogStore
    private let logger: Logger
    private let wire = JSONProtocol(
        version: "1.1", targetPrefix: "Logs_20140328.", bodyBytesMax: LogsLimits.bodyBytesMax)

    public init(store: LogStore, logger: Logger = Logger(label: "cloister.logs")) {
        self.store = store
        self.logger = logger
    }

    public func respond(to request: ServiceRequest) async -> ServiceResponse {
        do {
            let call = try wire.call(request)
            guard let operation = LogsCoverage.operations[call.operation] else { throw JSONProtocol.unknownOperation }
            guard let handler = operation.handler else { throw JSONProtocol.notBuilt(call.operation) }
            return wire.response(try await handler(self, call))
        } catch {
            return failure(LogsError.from(error))
        }
    }

    func token(_ call: LogsCall, _ parameters: String...) -> PageToken {
        PageToken(key: store.tokenKey, scope: [call.operation, call.region] + parameters)
    }

    private func failure(_ error: ServiceError) -> ServiceResponse {
        if let text = error.logMessage { logger.error("A logs request failed", metadata: ["error": "\(text)"]) }
        return wire.failure(error)
    }
}

typealias LogsCall = JSONCall

extension JSONCall {
    var region: String { caller.region }

    func groupARN(_ name: String) -> String {
        "arn:aws:logs:\(region):\(caller.account):log-group:\(name)"
    }
}
