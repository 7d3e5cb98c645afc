import CloisterServiceKit

extension IAMService {
    func createPolicyVersion(_ call: QueryCall) async throws(ServiceError) -> XML {
        let arn = try await policyARN(call)
        let document = try managedDocument(call)
        let isDefault = try call.flag("SetAsDefault") ?? false
        let time = now()
        let changed = try await changePolicy(arn) { (policy) throws(ServiceError) in
            guard policy.versions.count < IAMService.versionsMax else {
                throw IAMError.limitExceeded(
                    "A managed policy can have up to 5 versions. Before you create a new version, you must delete an "
                        + "existing version.")
            }
            policy.lastVersion += 1
            policy.versions.append(
                ManagedPolicyRecord.Version(number: policy.lastVersion, policy: document, createdAt: time))
            if isDefault { policy.defaultVersion = policy.lastVersion }
            policy.updatedAt = time
        }
        var xml = XML()
        if let version = changed.versions.last {
            xml.nest("PolicyVersion") { describe(version, default: changed.defaultVersion, withDocument: false, &$0) }
        }
        return xml
    }

    func getPolicyVersion(_ call: QueryCall) async throws(ServiceError) -> XML {
        let arn = try await policyARN(call)
        let id = try call.required("VersionId", length: 2...32)
        var version: ManagedPolicyRecord.Version?
        var number = 1
        if let policy = AWSManagedPolicies.policy(arn: arn) {
            version = id == "v1" ? ManagedPolicyRecord.Version(number: 1, policy: policy.policy, createdAt: 1_422_748_800) : nil
        } else {
            let policy = try IAMService.existingPolicy(arn, in: store.snapshot)
            version = policy.versions.first { $0.id == id }
            number = policy.defaultVersion
        }
        guard let version else { throw IAMService.noVersion(arn, id) }
        var xml = XML()
        xml.nest("PolicyVersion") { describe(version, default: number, withDocument: true, &$0) }
        return xml
    }

    func listPolicyVersions(_ call: QueryCall) async throws(ServiceError) -> XML {
        let arn = try await policyARN(call)
        if let policy = AWSManagedPolicies.policy(arn: arn) {
            let version = ManagedPolicyRecord.Version(number: 1, policy: policy.policy, createdAt: 1_422_748_800)
            return try page(call, [version], by: \.id) { xml, versions in
                xml.list("Versions", versions) { describe($1, default: 1, withDocument: false, &$0) }
            }
        }
        let policy = try IAMService.existingPolicy(arn, in: store.snapshot)
        return try page(call, policy.versions.sorted { $0.id < $1.id }, by: \.id) { xml, versions in
            xml.list("Versions", versions) { describe($1, default: policy.defaultVersion, withDocument: false, &$0) }
        }
    }

    func deletePolicyVersion(_ call: QueryCall) async throws(ServiceError) -> XML {
        let arn = try await policyARN(call)
        let id = try call.required("VersionId", length: 2...32)
        _ = try await changePolicy(arn) { (policy) throws(ServiceError) in
            guard let index = policy.versions.firstIndex(where: { $0.id == id }) else { throw IAMService.noVersion(arn, id) }
            guard policy.versions[index].number != policy.defaultVersion else {
                throw IAMError.deleteConflict("Cannot delete the default version of a policy.")
            }
            policy.versions.remove(at: index)
        }
        return XML()
    }

    func setDefaultPolicyVersion(_ call: QueryCall) async throws(ServiceError) -> XML {
        let arn = try await policyARN(call)
        let id = try call.required("VersionId", length: 2...32)
        let time = now()
        _ = try await changePolicy(arn) { (policy) throws(ServiceError) in
            guard let version = policy.versions.first(where: { $0.id == id }) else { throw IAMService.noVersion(arn, id) }
            policy.defaultVersion = version.number
            policy.updatedAt = time
        }
        return XML()
    }

    private static func noVersion(_ arn: String, _ id: String) -> ServiceError {
        IAMError.noSuchEntity("Policy \(arn) version \(id) does not exist or is not attachable.")
    }
}
