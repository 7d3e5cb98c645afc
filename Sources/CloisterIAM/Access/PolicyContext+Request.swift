import CloisterCore
import CloisterServiceKit

extension PolicyContext {
    /// A service's request with the keys that every request has.
    init(_ request: AccessRequest, _ caller: Caller, account: AccountID, now: Int64) {
        let isService = caller.principalType == .service
        self.init(
            principal: PolicyPrincipal(
                account: caller.account.rawValue, arn: caller.principalARN, roleARN: caller.session?.roleARN,
                service: isService ? caller.principalARN : nil),
            action: request.action, resource: request.resource)
        for (key, values) in request.conditions { set(key, values) }
        setPrincipal(caller)
        self["aws:currenttime"] = [PolicyDate.text(epochSeconds: now)]
        self["aws:epochtime"] = [String(now)]
        self["aws:viaawsservice"] = ["false"]
        if self["aws:resourceaccount"] == nil { self["aws:resourceaccount"] = [account.rawValue] }
        if !caller.region.isEmpty { self["aws:requestedregion"] = [caller.region] }
    }

    /// Who calls. What a service or a client says about it never counts.
    private mutating func setPrincipal(_ caller: Caller) {
        self["aws:principalaccount"] = [caller.account.rawValue]
        self["aws:principaltype"] = [caller.principalType.rawValue]
        self["aws:userid"] = caller.principalID.isEmpty ? nil : [caller.principalID]
        if caller.principalType == .service {
            self["aws:principalservicename"] = [caller.principalARN]
            self["aws:principalisawsservice"] = ["true"]
            return
        }
        self["aws:principalisawsservice"] = ["false"]
        self["aws:principalarn"] = [caller.session?.roleARN ?? caller.principalARN]
        self["aws:username"] = caller.principalType == .user ? [caller.principalARN.split(separator: "/").last.map(String.init) ?? ""] : nil
        for (key, value) in caller.principalTags { set("aws:PrincipalTag/\(key)", [value]) }
        if let session = caller.session {
            self["aws:tokenissuetime"] = [PolicyDate.text(epochSeconds: session.issuedAt)]
            if let identity = session.sourceIdentity { self["aws:sourceidentity"] = [identity] }
        }
        setEnvironment(caller.environment)
    }

    private mutating func setEnvironment(_ environment: CallerEnvironment?) {
        self["lambda:sourcefunctionarn"] = environment.map { [$0.functionARN] }
        guard let environment else { return }
        if self["lambda:functionarn"] == nil { self["lambda:functionarn"] = [environment.functionARN] }
        guard environment.isTenantIsolated || environment.tenant != nil else { return }
        self["aws:principaltag/tenant_id"] = environment.tenant.map { [$0.rawValue] }
        self["cloister:sourcetenantid"] = environment.tenant.map { [$0.rawValue] }
    }
}
