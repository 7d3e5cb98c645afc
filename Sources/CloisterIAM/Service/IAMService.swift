import CloisterCore
import CloisterServiceKit
import Foundation
import Logging

/// IAM's API (query protocol, 2010-05-08). Which operations there are: `IAMCoverage`.
public struct IAMService: Service {
    public let signingName = "iam"
    public let access = ServiceAccess.decidedByService

    let store: IAMStore
    let authorizer: any Authorizer
    /// Seconds since 1970.
    let now: @Sendable () -> Int64
    private let logger: Logger
    private let wire = QueryProtocol(version: "2010-05-08", namespace: "https://iam.amazonaws.com/doc/2010-05-08/")

    public init(
        store: IAMStore, authorizer: any Authorizer, logger: Logger = Logger(label: "cloister.iam"),
        now: @escaping @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970) }
    ) {
        self.store = store
        self.authorizer = authorizer
        self.logger = logger
        self.now = now
    }

    public func refusal(_ error: ServiceError, requestID: RequestID) -> ServiceResponse? {
        wire.refusal(error, requestID: requestID.rawValue)
    }

    public func respond(to request: ServiceRequest) async -> ServiceResponse {
        do throws(ServiceError) {
            let call = try wire.call(request)
            guard let operation = IAMCoverage.operations[call.operation] else {
                throw QueryProtocol.invalidAction(call.operation, call.text("Version") ?? "")
            }
            guard let handler = operation.handler else { throw QueryProtocol.notBuilt(call.operation) }
            return wire.response(call, try await handler(self, call))
        } catch {
            if let text = error.logMessage { logger.error("an IAM request failed", metadata: ["error": "\(text)"]) }
            return wire.failure(error.inQueryForm, requestID: request.requestID.rawValue)
        }
    }

    var account: AccountID { store.account }

    /// Asks for the operation itself.
    func authorize(_ call: QueryCall, _ resource: String, _ conditions: [String: [String]] = [:]) async throws(ServiceError) {
        try await authorizer.authorize(
            AccessRequest(action: "iam:\(call.operation)", resource: resource, conditions: conditions), for: call.caller)
    }

    func identifier(_ prefix: String) -> String { store.keys.identifier(prefix, 17) }
}

extension ServiceError {
    /// The query protocol calls a denial `AccessDenied`.
    var inQueryForm: ServiceError {
        guard code == "AccessDeniedException" else { return self }
        var error = self
        error.code = "AccessDenied"
        error.status = 403
        return error
    }
}
