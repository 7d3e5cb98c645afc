import CloisterServiceKit

extension KMSService {
    static let grantOperations = [
        "Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo",
        "Sign", "Verify", "GetPublicKey", "CreateGrant", "RetireGrant", "DescribeKey", "GenerateDataKeyPair",
        "GenerateDataKeyPairWithoutPlaintext", "GenerateMac", "VerifyMac", "DeriveSharedSecret",
    ]

    func createGrant(_ call: KMSCall) async throws -> Responses.Grant {
        let input = try call.input(Requests.Grant.self)
        let grant = try newGrant(input, call)
        var conditions = ["kms:GrantOperations": grant.operations, "kms:GranteePrincipal": [grant.grantee]]
        conditions["kms:GrantIsForAWSResource"] = ["false"]
        if let retiring = grant.retiring { conditions["kms:RetiringPrincipal"] = [retiring] }
        let types = [
            grant.contextEquals.map { _ in "EncryptionContextEquals" },
            grant.contextSubset.map { _ in "EncryptionContextSubset" },
        ].compactMap { $0 }
        if !types.isEmpty { conditions["kms:GrantConstraintType"] = types }
        let access = KeyAccess("CreateGrant", conditions: conditions, takesAliases: false)
        let key = try await ring.key(input.KeyId, access, for: call.requester)
        if input.DryRun == true { throw KMSError.dryRun }
        var id = grant.id
        try await ring.change(key) { record in
            guard record.deletion == nil else { throw KMSError.pendingDeletion(key.arn) }
            guard record.isEnabled else { throw KMSError.disabled(key.arn) }
            if let known = record.grants.first(where: { $0.isSameRequest(as: grant) }) {
                id = known.id
                return
            }
            guard record.grants.count < KMSLimits.grantsPerKeyMax else {
                throw KMSError.limit("\(key.arn) has \(KMSLimits.grantsPerKeyMax) grants already.")
            }
            record.grants.append(grant)
        }
        return Responses.Grant(GrantToken: GrantToken(keyID: key.id, grantID: id).text, GrantId: id)
    }

    func listGrants(_ call: KMSCall) async throws -> Responses.Grants {
        let input = try call.input(Requests.Grant.self)
        let limit = try Page.limit(input.Limit, default: 50)
        let key = try await ring.key(input.KeyId, KeyAccess("ListGrants", takesAliases: false), for: call.requester)
        let grants = key.record.grants.filter { grant in
            (input.GrantId.map { $0 == grant.id } ?? true) && (input.GranteePrincipal.map { $0 == grant.grantee } ?? true)
        }
        return try shown(grants.map { (key, $0) }, input, limit: limit)
    }

    func listRetirableGrants(_ call: KMSCall) async throws -> Responses.Grants {
        let input = try call.input(Requests.Grant.self)
        let limit = try Page.limit(input.Limit, default: 50)
        let principal = try Check.required(input.RetiringPrincipal, "retiringPrincipal")
        try await ring.authorize(KeyAccess("ListRetirableGrants"), for: call.requester)
        var found: [(LoadedKey, Grant)] = []
        var after: KeyID?
        while true {
            let keys = try await ring.store.keys(call.requester.scope, after: after, limit: 500)
            for key in keys { found += key.record.grants.filter { $0.retiring == principal }.map { (key, $0) } }
            guard keys.count == 500 else { break }
            after = keys.last?.id
        }
        return try shown(found, input, limit: limit)
    }

    func revokeGrant(_ call: KMSCall) async throws -> Responses.Empty {
        let input = try call.input(Requests.Grant.self)
        let id = try Check.required(input.GrantId, "grantId")
        let key = try await ring.key(input.KeyId, KeyAccess("RevokeGrant", takesAliases: false), for: call.requester)
        try await remove(id, from: key, isDryRun: input.DryRun ?? false)
        return Responses.Empty()
    }

    /// By the token, or by key and id; allowed to the retiring principal, to a grantee whose grant says so, and to whom
    /// the policies allow it.
    func retireGrant(_ call: KMSCall) async throws -> Responses.Empty {
        let input = try call.input(Requests.Grant.self)
        let (reference, id) = try retired(input)
        guard case .key(let keyID) = try KeyReference.parse(reference, for: call.caller) else {
            throw KMSError.notFound("Invalid keyId '\(reference.prefix(256))'")
        }
        let access = KeyAccess("RetireGrant", takesAliases: false)
        guard let key = try await ring.current(keyID, call.requester.scope) else {
            _ = try await ring.key(reference, access, for: call.requester)
            throw KMSError.noKey(call.caller.keyARN(keyID))
        }
        let grant = key.record.grants.first { $0.id == id }
        let isRetiring = grant?.retiring.map { GrantStatements.isPrincipal($0, call.caller) } ?? false
        let policy =
            isRetiring
            ? GrantStatements.adding("RetireGrant", to: key.record.policy, caller: call.caller)
            : GrantStatements.policy(of: key.record, for: access, caller: call.caller)
        try await ring.authorizer.authorize(
            AccessRequest(
                action: "kms:RetireGrant", resource: key.arn,
                conditions: access.conditions(key: key, alias: nil, requester: call.requester), resourcePolicy: policy),
            for: call.caller)
        try await remove(id, from: key, isDryRun: input.DryRun ?? false)
        return Responses.Empty()
    }

    private func newGrant(_ input: Requests.Grant, _ call: KMSCall) throws -> Grant {
        let grantee = try Check.required(input.GranteePrincipal, "granteePrincipal")
        try Check.length(grantee, "granteePrincipal", 1...256)
        if let retiring = input.RetiringPrincipal { try Check.length(retiring, "retiringPrincipal", 1...256) }
        if let name = input.Name { try Check.length(name, "name", 1...256) }
        let operations = try Check.required(input.Operations, "operations")
        guard !operations.isEmpty else { throw KMSError.validation("Operations can't be empty.") }
        for operation in operations where !KMSService.grantOperations.contains(operation) {
            throw Check.notIn(KMSService.grantOperations, operation, "operations")
        }
        try Check.grantTokens(input.GrantTokens)
        return Grant(
            id: Hexadecimal.text(ring.random(32)), name: input.Name, createdAt: ring.now(), grantee: grantee,
            retiring: input.RetiringPrincipal, operations: operations,
            contextEquals: try input.Constraints?.EncryptionContextEquals.map { try Check.context($0) },
            contextSubset: try input.Constraints?.EncryptionContextSubset.map { try Check.context($0) },
            issuingAccount: "arn:aws:iam::\(call.caller.account):root")
    }

    private func retired(_ input: Requests.Grant) throws -> (reference: String, id: String) {
        if let text = input.GrantToken {
            guard let token = GrantToken(text) else {
                throw ServiceError("InvalidGrantTokenException", status: 400, message: "Invalid grant token.")
            }
            return (token.keyID.rawValue, token.grantID)
        }
        return (try Check.keyID(input.KeyId), try Check.required(input.GrantId, "grantId"))
    }

    private func remove(_ id: String, from key: LoadedKey, isDryRun: Bool) async throws {
        let missing = KMSError.notFound("Grant ID \(id.prefix(128)) not found")
        guard key.record.grants.contains(where: { $0.id == id }) else { throw missing }
        if isDryRun { throw KMSError.dryRun }
        try await ring.change(key) { record in
            guard record.grants.contains(where: { $0.id == id }) else { throw missing }
            record.grants.removeAll { $0.id == id }
        }
    }

    private func shown(
        _ grants: [(key: LoadedKey, grant: Grant)], _ input: Requests.Grant, limit: Int
    ) throws -> Responses.Grants {
        let sorted = grants.sorted { $0.grant.id < $1.grant.id }
        let page = try Page.of(sorted, marker: input.Marker, limit: limit) { $0.grant.id }
        return Responses.Grants(
            Grants: page.items.map { key, grant in
                let isConstrained = grant.contextEquals != nil || grant.contextSubset != nil
                return Responses.Grants.Entry(
                    KeyId: key.arn, GrantId: grant.id, Name: grant.name,
                    CreationDate: Responses.seconds(grant.createdAt), GranteePrincipal: grant.grantee,
                    RetiringPrincipal: grant.retiring, IssuingAccount: grant.issuingAccount,
                    Operations: grant.operations,
                    Constraints: isConstrained
                        ? Responses.Grants.Constraints(
                            EncryptionContextSubset: grant.contextSubset, EncryptionContextEquals: grant.contextEquals)
                        : nil)
            },
            NextMarker: page.next, Truncated: page.next != nil)
    }
}

extension Grant {
    /// A named grant that is asked for again is the same grant, so that a request can be repeated.
    func isSameRequest(as other: Grant) -> Bool {
        guard name != nil else { return false }
        var same = other
        same.id = id
        same.createdAt = createdAt
        return same == self
    }
}
