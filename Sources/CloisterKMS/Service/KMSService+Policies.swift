import CloisterServiceKit

extension KMSService {
    func getKeyPolicy(_ call: KMSCall) async throws -> Responses.Policy {
        let input = try call.input(Requests.Key.self)
        let access = KeyAccess("GetKeyPolicy", takesAliases: false)
        let key = try await ring.key(input.KeyId, access, for: call.requester)
        try checkName(input.PolicyName)
        return Responses.Policy(Policy: key.record.policy)
    }

    func listKeyPolicies(_ call: KMSCall) async throws -> Responses.PolicyNames {
        let input = try call.input(Requests.Key.self)
        _ = try await ring.key(input.KeyId, KeyAccess("ListKeyPolicies", takesAliases: false), for: call.requester)
        return Responses.PolicyNames()
    }

    func putKeyPolicy(_ call: KMSCall) async throws -> Responses.Empty {
        let input = try call.input(Requests.Key.self)
        let policy = try Check.policy(try Check.required(input.Policy, "policy"))
        let isBypassed = input.BypassPolicyLockoutSafetyCheck ?? false
        let conditions = ["kms:BypassPolicyLockoutSafetyCheck": ["\(isBypassed)"]]
        let access = KeyAccess("PutKeyPolicy", conditions: conditions, takesAliases: false)
        let key = try await ring.key(input.KeyId, access, for: call.requester)
        try checkName(input.PolicyName)
        if !isBypassed { try await checkNoLockout(policy, arn: key.arn, call) }
        try await ring.change(key) { record in
            try KMSService.checkChangeable(record, arn: key.arn, access.operation)
            record.policy = policy
        }
        return Responses.Empty()
    }

    /// A policy that would keep its author from changing it again is refused.
    func checkNoLockout(_ policy: String, arn: String, _ call: KMSCall) async throws {
        let request = AccessRequest(action: "kms:PutKeyPolicy", resource: arn, resourcePolicy: policy)
        do {
            try await ring.authorizer.authorize(request, for: call.caller)
        } catch {
            throw KMSError.malformedPolicy("The new key policy will not allow you to update the key policy in the future.")
        }
    }

    private func checkName(_ name: String?) throws {
        guard name == nil || name == "default" else { throw KMSError.notFound("No such policy exists") }
    }
}
