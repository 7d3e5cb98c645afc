import CloisterCore
import CloisterServiceKit
import CloisterWire
import Crypto

/// Who calls, and whether they may.
extension DataPlane {
    /// A request whose head names a key that exists; the signature is judged once the body is known.
    struct Claim {
        let pending: SigV4Verifier.Pending
        fileprivate let credential: CallerCredential
    }

    /// What the head says of the signature. Nil where unsigned requests are let in and this one is unsigned; never for
    /// what comes from inside.
    func pendingSignature(_ head: HTTPHead, _ channel: CallChannel) throws(ServiceError) -> SigV4Verifier.Pending? {
        let isUnsigned = !head.has("authorization") && !head.query.contains("X-Amz-Signature=")
        if isUnsigned, channel == .front, configuration.isUnsignedAllowed || carriesToken(head) { return nil }
        do throws(SigV4Error) {
            return try verifier.begin(head, nowEpochSeconds: Clock.wallMilliseconds() / 1_000)
        } catch {
            throw FrontErrors.of(error)
        }
    }

    func claim(_ pending: SigV4Verifier.Pending, _ channel: CallChannel) throws(ServiceError) -> Claim {
        do throws(CredentialRefusal) {
            let credential = try configuration.credentials.credential(
                accessKeyID: pending.scope.accessKeyID, sessionToken: pending.sessionToken, channel: channel)
            return Claim(pending: pending, credential: credential)
        } catch {
            throw ServiceError(error.code, status: 403, message: error.message)
        }
    }

    func verify(_ claim: Claim, bodyHash: SHA256.Digest) throws(ServiceError) -> Caller {
        do throws(SigV4Error) {
            try verifier.finish(claim.pending, bodyHash: bodyHash, secret: claim.credential.secret)
        } catch {
            throw FrontErrors.of(error)
        }
        var caller = claim.credential.caller
        caller.region = claim.pending.scope.region
        return caller
    }

    /// Links to code, as `GetFunction` gives them out, prove themselves by a token that their service checks.
    func carriesToken(_ head: HTTPHead) -> Bool {
        head.isMethod("GET") && head.path.hasPrefix("/_cloister/code/")
    }

    /// Who an unsigned request is taken for.
    var anonymousCaller: Caller {
        Caller(
            account: configuration.account, region: "us-east-1",
            principalARN: "arn:aws:iam::\(configuration.account):user/local", accessKeyID: "",
            principalType: .administrator)
    }

    /// For services that leave it to the front.
    func allow(_ caller: Caller, _ service: any Service) throws(ServiceError) {
        if service.access == .decidedByService { return }
        // A key of the administrator's that a function brings in is held to the function's channel all the same.
        if caller.principalType == .administrator, caller.environment == nil { return }
        let request = AccessRequest(action: "\(service.signingName):*", resource: "*")
        guard service.access == .wholeService, caller.environment == nil else {
            throw ServiceError(
                "AccessDeniedException", status: 403,
                message: "User: \(caller.principalARN) is not authorized to perform: \(request.action) on resource: * "
                    + (caller.environment == nil ? "because only the administrator is" : "from inside a function"))
        }
        try configuration.authorizer.decide(request, for: caller)
    }

    /// Before an invocation starts anything.
    func allowInvocation(_ caller: Caller, of functionARN: String, tenant: TenantID?) throws(ServiceError) {
        if caller.principalType == .administrator, caller.environment == nil { return }
        try configuration.authorizer.decide(
            AccessRequest(
                action: "lambda:InvokeFunction", resource: functionARN,
                conditions: tenant.map { [AccessConditionKeys.invocationTenant: [$0.rawValue]] } ?? [:]),
            for: caller)
    }
}
