import CloisterCore
import CloisterServiceKit

extension STSService {
    private static let chainedSecondsMax = 3_600
    private static let tagsMax = 50
    private static let policyLengthMax = 2_048
    /// What a token may carry of policies and tags, in bytes.
    private static let packedBytesMax = 8_192

    func assumeRole(_ call: QueryCall) async throws(ServiceError) -> XML {
        let arn = try call.required("RoleArn", length: 20...2_048)
        let name = try sessionName(call)
        try STSService.refuseMFA(call)
        let tags = try sessionTags(call)
        let policies = try sessionPolicies(call)
        let role = store.read { $0.role(arn: arn) }
        try authorize(call, arn, role, tags: tags.given, name: name)
        guard let role else { throw denied(call, arn) }
        let seconds = try duration(call, role)
        let now = issuer.now()
        var claims = SessionClaims(
            principal: .role, arn: arn, id: role.id, name: name, issuedAt: now, expiresAt: now + Int64(seconds),
            policies: policies.texts, policyARNs: policies.arns, tags: tags.all, transitiveTagKeys: tags.transitive)
        claims.sourceIdentity = call.text("SourceIdentity") ?? call.caller.session?.sourceIdentity
        // What begins in an environment stays there.
        claims.environment = call.caller.environment?.id.rawValue
        let packed = claims.packedBytes
        guard packed <= STSService.packedBytesMax else {
            throw ServiceError(
                "PackedPolicyTooLarge", status: 400,
                message: "Packed size of session tags and policies consumes \(packed * 100 / STSService.packedBytesMax)% of allotted space.")
        }
        var xml = XML()
        describe(claims, role, packed: packed, &xml)
        return xml
    }

    private func describe(_ claims: SessionClaims, _ role: RoleRecord, packed: Int, _ xml: inout XML) {
        STSService.describe(issuer.credentials(claims), &xml)
        xml.nest("AssumedRoleUser") { xml in
            xml.add("AssumedRoleId", "\(role.id):\(claims.name)")
            xml.add("Arn", "arn:aws:sts::\(store.account):assumed-role/\(role.name)/\(claims.name)")
        }
        if packed > 0 { xml.add("PackedPolicySize", packed * 100 / STSService.packedBytesMax) }
        xml.add("SourceIdentity", claims.sourceIdentity)
    }

    private func sessionName(_ call: QueryCall) throws(ServiceError) -> String {
        let name = try call.required("RoleSessionName", length: 2...64)
        guard QueryCall.isName(name) else {
            throw IAMError.constraint("RoleSessionName", name, #"Member must satisfy regular expression pattern: [\w+=,.@-]*"#)
        }
        if let identity = try call.optional("SourceIdentity", length: 2...64), !QueryCall.isName(identity) {
            throw IAMError.constraint("SourceIdentity", identity, #"Member must satisfy regular expression pattern: [\w+=,.@-]*"#)
        }
        return name
    }

    private func duration(_ call: QueryCall, _ role: RoleRecord) throws(ServiceError) -> Int {
        let wanted = try call.integer("DurationSeconds", in: 900...43_200) ?? 3_600
        guard wanted <= role.sessionSecondsMax else {
            throw IAMError.validation("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
        }
        guard call.caller.session?.roleARN == nil || wanted <= STSService.chainedSecondsMax else {
            throw IAMError.validation(
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
        }
        return wanted
    }

    // MARK: Tags and policies of the session

    private func sessionTags(
        _ call: QueryCall
    ) throws(ServiceError) -> (given: [String: String], all: [String: String], transitive: [String]) {
        let given = try call.tags()
        guard given.count <= STSService.tagsMax else { throw IAMError.validation("There are too many session tags.") }
        let inherited = (call.caller.session?.tags ?? [:]).filter { tag in
            call.caller.session?.transitiveTagKeys.contains { $0.lowercased() == tag.key.lowercased() } ?? false
        }
        let overridden = given.keys.first { key in inherited.keys.contains { $0.lowercased() == key.lowercased() } }
        if let overridden {
            throw ServiceError(
                "InvalidParameterValue", status: 400, message: "One of the specified transitive tag keys can't be overridden: \(overridden)")
        }
        let transitive = call.texts("TransitiveTagKeys")
        guard transitive.allSatisfy({ key in given.keys.contains { $0.lowercased() == key.lowercased() } }) else {
            throw ServiceError(
                "InvalidParameterValue", status: 400, message: "The specified transitive tag key must be included in the requested tags.")
        }
        return (given, given.merging(inherited) { $1 }, transitive + inherited.keys.sorted())
    }

    private func sessionPolicies(_ call: QueryCall) throws(ServiceError) -> (texts: [String], arns: [String]) {
        var texts: [String] = []
        if let text = try call.optional("Policy", length: 1...STSService.policyLengthMax) {
            do throws(PolicyError) { _ = try PolicyDocument(text, kind: .identity) } catch { throw IAMError.malformedPolicy(error) }
            texts.append(text)
        }
        let arns = call.structures("PolicyArns", first: "arn").compactMap { call.text($0 + "arn") }
        guard arns.count <= 10 else { throw IAMError.validation("There are too many session policies.") }
        let state = store.snapshot
        if let missing = arns.first(where: { state.document(arn: $0) == nil }) {
            throw ServiceError("MalformedPolicyDocument", status: 400, message: "The policy \(missing.prefix(256)) does not exist.")
        }
        return (texts, arns)
    }

    // MARK: Access

    private func authorize(
        _ call: QueryCall, _ arn: String, _ role: RoleRecord?, tags: [String: String], name: String
    ) throws(ServiceError) {
        var conditions = IAMService.conditions(tags)
        conditions["sts:RoleSessionName"] = [name]
        conditions["sts:ExternalId"] = call.text("ExternalId").map { [$0] }
        conditions["sts:SourceIdentity"] = call.text("SourceIdentity").map { [$0] }
        let transitive = call.texts("TransitiveTagKeys")
        if !transitive.isEmpty { conditions["sts:TransitiveTagKeys"] = transitive }
        for (key, value) in role?.tags ?? [:] { conditions["aws:ResourceTag/\(key)"] = [value] }
        var actions = ["sts:AssumeRole"]
        if !tags.isEmpty { actions.append("sts:TagSession") }
        if call.text("SourceIdentity") != nil { actions.append("sts:SetSourceIdentity") }
        for action in actions {
            try authorizer.decide(
                AccessRequest(
                    action: action, resource: arn, conditions: conditions, resourcePolicy: role?.trust.text ?? STSService.nobody),
                for: call.caller)
        }
    }

    /// For a role that isn't there: nobody may assume it, and the answer is the same.
    private static let nobody = #"{"Statement":{"Effect":"Deny","Principal":"*","Action":"sts:NoAction"}}"#

    private func denied(_ call: QueryCall, _ arn: String) -> ServiceError {
        IAMError.accessDenied("User: \(call.caller.principalARN) is not authorized to perform: sts:AssumeRole on resource: \(arn)")
    }
}

extension SessionClaims {
    /// What policies and tags take in the token.
    fileprivate var packedBytes: Int {
        policies.reduce(0) { $0 + $1.utf8.count } + policyARNs.reduce(0) { $0 + $1.utf8.count }
            + tags.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
    }
}
