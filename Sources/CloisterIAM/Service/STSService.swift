import CloisterCore
import CloisterServiceKit
import Foundation
import Logging

/// STS's API (query protocol, 2011-06-15). Which operations there are: `STSCoverage`.
public struct STSService: Service {
    public let signingName = "sts"
    public let access = ServiceAccess.decidedByService

    let issuer: SessionIssuer
    let authorizer: IAMAuthorizer
    private let logger: Logger
    private let wire = QueryProtocol(version: "2011-06-15", namespace: "https://sts.amazonaws.com/doc/2011-06-15/")

    public init(issuer: SessionIssuer, authorizer: IAMAuthorizer, logger: Logger = Logger(label: "cloister.sts")) {
        self.issuer = issuer
        self.authorizer = authorizer
        self.logger = logger
    }

    public func refusal(_ error: ServiceError, requestID: RequestID) -> ServiceResponse? {
        wire.refusal(error, requestID: requestID.rawValue)
    }

    public func respond(to request: ServiceRequest) async -> ServiceResponse {
        do throws(ServiceError) {
            let call = try wire.call(request)
            guard let operation = STSCoverage.operations[call.operation] else {
                throw QueryProtocol.invalidAction(call.operation, call.text("Version") ?? "")
            }
            guard let handler = operation.handler else { throw QueryProtocol.notBuilt(call.operation) }
            return wire.response(call, try await handler(self, call))
        } catch {
            if let text = error.logMessage { logger.error("an STS request failed", metadata: ["error": "\(text)"]) }
            return wire.failure(error.inQueryForm, requestID: request.requestID.rawValue)
        }
    }

    var store: IAMStore { issuer.store }

    // MARK: Who and what

    /// Needs no permission, and none can take it away.
    func getCallerIdentity(_ call: QueryCall) async throws(ServiceError) -> XML {
        var xml = XML()
        xml.add("UserId", call.caller.principalID)
        xml.add("Account", call.caller.account.rawValue)
        xml.add("Arn", call.caller.principalARN)
        return xml
    }

    func getAccessKeyInfo(_ call: QueryCall) async throws(ServiceError) -> XML {
        let id = try call.required("AccessKeyId", length: 16...128)
        try authorizer.decide(AccessRequest(action: "sts:GetAccessKeyInfo", resource: "*"), for: call.caller)
        guard id.utf8.allSatisfy({ $0 < 0x80 }), QueryCall.isName(id) else {
            throw IAMError.validation("The access key id is malformed.")
        }
        var xml = XML()
        xml.add("Account", store.account.rawValue)
        return xml
    }

    func decodeAuthorizationMessage(_ call: QueryCall) async throws(ServiceError) -> XML {
        let message = try call.required("EncodedMessage", length: 1...10_240)
        try authorizer.decide(AccessRequest(action: "sts:DecodeAuthorizationMessage", resource: "*"), for: call.caller)
        guard let bytes = store.keys.openMessage(message) else {
            throw ServiceError(
                "InvalidAuthorizationMessageException", status: 400,
                message: "The error returned if the message passed to DecodeAuthorizationMessage was invalid.")
        }
        var xml = XML()
        xml.add("DecodedMessage", String(decoding: bytes, as: UTF8.self))
        return xml
    }

    // MARK: GetSessionToken

    func getSessionToken(_ call: QueryCall) async throws(ServiceError) -> XML {
        let seconds = try call.integer("DurationSeconds", in: 900...129_600) ?? 43_200
        try STSService.refuseMFA(call)
        guard call.caller.session == nil else {
            throw IAMError.accessDenied("Cannot call GetSessionToken with session credentials")
        }
        let now = issuer.now()
        var claims = SessionClaims(
            principal: call.caller.principalType == .administrator ? .administrator : .user, arn: call.caller.principalARN,
            id: call.caller.principalID, name: "", issuedAt: now, expiresAt: now + Int64(seconds))
        claims.environment = call.caller.environment?.id.rawValue
        var xml = XML()
        STSService.describe(issuer.credentials(claims), &xml)
        return xml
    }

    static func refuseMFA(_ call: QueryCall) throws(ServiceError) {
        guard call.text("SerialNumber") == nil, call.text("TokenCode") == nil else {
            throw IAMError.accessDenied("MultiFactorAuthentication failed with invalid MFA one time pass code.")
        }
    }

    static func describe(_ credentials: TemporaryCredentials, _ xml: inout XML) {
        xml.nest("Credentials") { xml in
            xml.add("AccessKeyId", credentials.accessKeyID)
            xml.add("SecretAccessKey", credentials.secret)
            xml.add("SessionToken", credentials.sessionToken)
            xml.add("Expiration", PolicyDate.text(epochSeconds: credentials.expiresAt))
        }
    }
}
