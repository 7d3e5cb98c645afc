import CloisterServiceKit

extension IAMAuthorizer: RolePassing {
    public func passRole(_ roleARN: String, to service: String, for caller: Caller) async throws(ServiceError) {
        try decide(
            AccessRequest(action: "iam:PassRole", resource: roleARN, conditions: ["iam:PassedToService": [service]]),
            for: caller)
        guard let role = store.read({ $0.role(arn: roleARN) }) else {
            // What IAM doesn't know is either taken as it is or refused when it is used.
            guard allowsUnmanagedRoles else { throw IAMAuthorizer.notAssumable }
            return
        }
        let platform = Caller(
            account: caller.account, region: caller.region, principalARN: service, accessKeyID: "", principalType: .service)
        let decision = decision(
            AccessRequest(action: "sts:AssumeRole", resource: roleARN, resourcePolicy: role.trust.text), for: platform)
        guard decision.isAllowed else { throw IAMAuthorizer.notAssumable }
    }

    private static let notAssumable = ServiceError(
        "InvalidParameterValueException", status: 400,
        message: "The role defined for the function cannot be assumed by Lambda.")
}
