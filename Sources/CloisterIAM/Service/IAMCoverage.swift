import CloisterServiceKit

/// Every operation of IAM's model, and which of them are built: the one table for dispatch and documentation.
public enum IAMCoverage {
    typealias Handler = @Sendable (IAMService, QueryCall) async throws(ServiceError) -> XML

    public struct Operation: Sendable {
        /// What differs from AWS; for the documentation.
        public let note: String
        let handler: Handler?

        init(note: String, handler: Handler?) {
            self.note = note
            self.handler = handler
        }

        public var isBuilt: Bool { handler != nil }
    }

    public static let operations: [String: Operation] = built.merging(
        notBuilt.map { ($0, Operation(note: "", handler: nil)) }) { first, _ in first }

    /// A table for the documentation, by name.
    public static func markdown() -> String {
        let rows = operations.sorted { $0.key < $1.key }.map { name, operation in
            "| \(name) | \(operation.isBuilt ? "yes" : "no (501)") | \(operation.note) |"
        }
        return (["| Operation | Built | Note |", "| --- | --- | --- |"] + rows).joined(separator: "\n") + "\n"
    }

    private static let built: [String: Operation] = [
        "AddUserToGroup": Operation(note: "") { (service, call) throws(ServiceError) in try await service.addUserToGroup(call) },
        "AttachGroupPolicy": Operation(note: "") { (service, call) throws(ServiceError) in try await service.attachPolicy(GroupRecord.self, call) },
        "AttachRolePolicy": Operation(note: "") { (service, call) throws(ServiceError) in try await service.attachPolicy(RoleRecord.self, call) },
        "AttachUserPolicy": Operation(note: "") { (service, call) throws(ServiceError) in try await service.attachPolicy(UserRecord.self, call) },
        "CreateAccessKey": Operation(note: "the secret is kept wrapped under the root key") { (service, call) throws(ServiceError) in try await service.createAccessKey(call) },
        "CreateGroup": Operation(note: "") { (service, call) throws(ServiceError) in try await service.createGroup(call) },
        "CreatePolicy": Operation(note: "") { (service, call) throws(ServiceError) in try await service.createPolicy(call) },
        "CreatePolicyVersion": Operation(note: "") { (service, call) throws(ServiceError) in try await service.createPolicyVersion(call) },
        "CreateRole": Operation(note: "") { (service, call) throws(ServiceError) in try await service.createRole(call) },
        "CreateUser": Operation(note: "the name `administrator` is taken") { (service, call) throws(ServiceError) in try await service.createUser(call) },
        "DeleteAccessKey": Operation(note: "") { (service, call) throws(ServiceError) in try await service.deleteAccessKey(call) },
        "DeleteGroup": Operation(note: "") { (service, call) throws(ServiceError) in try await service.deleteGroup(call) },
        "DeleteGroupPolicy": Operation(note: "") { (service, call) throws(ServiceError) in try await service.deleteInlinePolicy(GroupRecord.self, call) },
        "DeletePolicy": Operation(note: "") { (service, call) throws(ServiceError) in try await service.deletePolicy(call) },
        "DeletePolicyVersion": Operation(note: "") { (service, call) throws(ServiceError) in try await service.deletePolicyVersion(call) },
        "DeleteRole": Operation(note: "") { (service, call) throws(ServiceError) in try await service.deleteRole(call) },
        "DeleteRolePermissionsBoundary": Operation(note: "") { (service, call) throws(ServiceError) in try await service.deleteBoundary(RoleRecord.self, call) },
        "DeleteRolePolicy": Operation(note: "") { (service, call) throws(ServiceError) in try await service.deleteInlinePolicy(RoleRecord.self, call) },
        "DeleteUser": Operation(note: "") { (service, call) throws(ServiceError) in try await service.deleteUser(call) },
        "DeleteUserPermissionsBoundary": Operation(note: "") { (service, call) throws(ServiceError) in try await service.deleteBoundary(UserRecord.self, call) },
        "DeleteUserPolicy": Operation(note: "") { (service, call) throws(ServiceError) in try await service.deleteInlinePolicy(UserRecord.self, call) },
        "DetachGroupPolicy": Operation(note: "") { (service, call) throws(ServiceError) in try await service.detachPolicy(GroupRecord.self, call) },
        "DetachRolePolicy": Operation(note: "") { (service, call) throws(ServiceError) in try await service.detachPolicy(RoleRecord.self, call) },
        "DetachUserPolicy": Operation(note: "") { (service, call) throws(ServiceError) in try await service.detachPolicy(UserRecord.self, call) },
        "GetAccountAuthorizationDetails": Operation(note: "one page; without AWS's managed policies") { (service, call) throws(ServiceError) in try await service.getAccountAuthorizationDetails(call) },
        "GetAccountSummary": Operation(note: "") { (service, call) throws(ServiceError) in try await service.getAccountSummary(call) },
        "GetContextKeysForCustomPolicy": Operation(note: "") { (service, call) throws(ServiceError) in try await service.contextKeysForCustomPolicy(call) },
        "GetContextKeysForPrincipalPolicy": Operation(note: "") { (service, call) throws(ServiceError) in try await service.contextKeysForPrincipalPolicy(call) },
        "GetGroup": Operation(note: "") { (service, call) throws(ServiceError) in try await service.getGroup(call) },
        "GetGroupPolicy": Operation(note: "") { (service, call) throws(ServiceError) in try await service.getInlinePolicy(GroupRecord.self, call) },
        "GetPolicy": Operation(note: "") { (service, call) throws(ServiceError) in try await service.getPolicy(call) },
        "GetPolicyVersion": Operation(note: "") { (service, call) throws(ServiceError) in try await service.getPolicyVersion(call) },
        "GetRole": Operation(note: "`RoleLastUsed` is empty") { (service, call) throws(ServiceError) in try await service.getRole(call) },
        "GetRolePolicy": Operation(note: "") { (service, call) throws(ServiceError) in try await service.getInlinePolicy(RoleRecord.self, call) },
        "GetUser": Operation(note: "") { (service, call) throws(ServiceError) in try await service.getUser(call) },
        "GetUserPolicy": Operation(note: "") { (service, call) throws(ServiceError) in try await service.getInlinePolicy(UserRecord.self, call) },
        "ListAccessKeys": Operation(note: "") { (service, call) throws(ServiceError) in try await service.listAccessKeys(call) },
        "ListAccountAliases": Operation(note: "always empty") { (service, call) throws(ServiceError) in try await service.listAccountAliases(call) },
        "ListAttachedGroupPolicies": Operation(note: "`PathPrefix` is ignored") { (service, call) throws(ServiceError) in try await service.listAttachedPolicies(GroupRecord.self, call) },
        "ListAttachedRolePolicies": Operation(note: "`PathPrefix` is ignored") { (service, call) throws(ServiceError) in try await service.listAttachedPolicies(RoleRecord.self, call) },
        "ListAttachedUserPolicies": Operation(note: "`PathPrefix` is ignored") { (service, call) throws(ServiceError) in try await service.listAttachedPolicies(UserRecord.self, call) },
        "ListEntitiesForPolicy": Operation(note: "one page; filters are ignored") { (service, call) throws(ServiceError) in try await service.listEntitiesForPolicy(call) },
        "ListGroupPolicies": Operation(note: "") { (service, call) throws(ServiceError) in try await service.listInlinePolicies(GroupRecord.self, call) },
        "ListGroups": Operation(note: "") { (service, call) throws(ServiceError) in try await service.listGroups(call) },
        "ListGroupsForUser": Operation(note: "") { (service, call) throws(ServiceError) in try await service.listGroupsForUser(call) },
        "ListInstanceProfilesForRole": Operation(note: "always empty: there are no instances") { (service, call) throws(ServiceError) in try await service.listInstanceProfilesForRole(call) },
        "ListPolicies": Operation(note: "of AWS's managed policies those that Cloister has") { (service, call) throws(ServiceError) in try await service.listPolicies(call) },
        "ListPolicyTags": Operation(note: "") { (service, call) throws(ServiceError) in try await service.listPolicyTags(call) },
        "ListPolicyVersions": Operation(note: "") { (service, call) throws(ServiceError) in try await service.listPolicyVersions(call) },
        "ListRolePolicies": Operation(note: "") { (service, call) throws(ServiceError) in try await service.listInlinePolicies(RoleRecord.self, call) },
        "ListRoleTags": Operation(note: "") { (service, call) throws(ServiceError) in try await service.listTags(RoleRecord.self, call) },
        "ListRoles": Operation(note: "") { (service, call) throws(ServiceError) in try await service.listRoles(call) },
        "ListUserPolicies": Operation(note: "") { (service, call) throws(ServiceError) in try await service.listInlinePolicies(UserRecord.self, call) },
        "ListUserTags": Operation(note: "") { (service, call) throws(ServiceError) in try await service.listTags(UserRecord.self, call) },
        "ListUsers": Operation(note: "") { (service, call) throws(ServiceError) in try await service.listUsers(call) },
        "PutGroupPolicy": Operation(note: "") { (service, call) throws(ServiceError) in try await service.putInlinePolicy(GroupRecord.self, call) },
        "PutRolePermissionsBoundary": Operation(note: "") { (service, call) throws(ServiceError) in try await service.putBoundary(RoleRecord.self, call) },
        "PutRolePolicy": Operation(note: "") { (service, call) throws(ServiceError) in try await service.putInlinePolicy(RoleRecord.self, call) },
        "PutUserPermissionsBoundary": Operation(note: "") { (service, call) throws(ServiceError) in try await service.putBoundary(UserRecord.self, call) },
        "PutUserPolicy": Operation(note: "") { (service, call) throws(ServiceError) in try await service.putInlinePolicy(UserRecord.self, call) },
        "RemoveUserFromGroup": Operation(note: "") { (service, call) throws(ServiceError) in try await service.removeUserFromGroup(call) },
        "SetDefaultPolicyVersion": Operation(note: "") { (service, call) throws(ServiceError) in try await service.setDefaultPolicyVersion(call) },
        "SimulateCustomPolicy": Operation(note: "without resource handling options") { (service, call) throws(ServiceError) in try await service.simulateCustomPolicy(call) },
        "SimulatePrincipalPolicy": Operation(note: "without resource handling options; the tenant boundary is not simulated") { (service, call) throws(ServiceError) in try await service.simulatePrincipalPolicy(call) },
        "TagPolicy": Operation(note: "") { (service, call) throws(ServiceError) in try await service.tagPolicy(call) },
        "TagRole": Operation(note: "") { (service, call) throws(ServiceError) in try await service.tag(RoleRecord.self, call) },
        "TagUser": Operation(note: "") { (service, call) throws(ServiceError) in try await service.tag(UserRecord.self, call) },
        "UntagPolicy": Operation(note: "") { (service, call) throws(ServiceError) in try await service.untagPolicy(call) },
        "UntagRole": Operation(note: "") { (service, call) throws(ServiceError) in try await service.untag(RoleRecord.self, call) },
        "UntagUser": Operation(note: "") { (service, call) throws(ServiceError) in try await service.untag(UserRecord.self, call) },
        "UpdateAccessKey": Operation(note: "") { (service, call) throws(ServiceError) in try await service.updateAccessKey(call) },
        "UpdateAssumeRolePolicy": Operation(note: "") { (service, call) throws(ServiceError) in try await service.updateAssumeRolePolicy(call) },
        "UpdateRole": Operation(note: "") { (service, call) throws(ServiceError) in try await service.updateRole(call) },
        "UpdateRoleDescription": Operation(note: "") { (service, call) throws(ServiceError) in try await service.updateRoleDescription(call) },
        "UpdateUser": Operation(note: "") { (service, call) throws(ServiceError) in try await service.updateUser(call) },
    ]

    /// Answered with 501, naming the operation.
    private static let notBuilt = """
        AcceptDelegationRequest AddClientIDToOpenIDConnectProvider AddRoleToInstanceProfile
        AssociateDelegationRequest ChangePassword CreateAccountAlias CreateDelegationRequest
        CreateInstanceProfile CreateLoginProfile CreateOpenIDConnectProvider CreateSAMLProvider
        CreateServiceLinkedRole CreateServiceSpecificCredential CreateVirtualMFADevice DeactivateMFADevice
        DeleteAccountAlias DeleteAccountPasswordPolicy DeleteInstanceProfile DeleteLoginProfile
        DeleteOpenIDConnectProvider DeleteSAMLProvider DeleteSSHPublicKey DeleteServerCertificate
        DeleteServiceLinkedRole DeleteServiceSpecificCredential DeleteSigningCertificate
        DeleteVirtualMFADevice DisableOrganizationsRootCredentialsManagement
        DisableOrganizationsRootSessions DisableOutboundWebIdentityFederation EnableMFADevice
        EnableOrganizationsRootCredentialsManagement EnableOrganizationsRootSessions
        EnableOutboundWebIdentityFederation GenerateCredentialReport GenerateOrganizationsAccessReport
        GenerateServiceLastAccessedDetails GetAccessKeyLastUsed GetAccountPasswordPolicy GetCredentialReport
        GetDelegationRequest GetHumanReadableSummary GetInstanceProfile GetLoginProfile GetMFADevice
        GetOpenIDConnectProvider GetOrganizationsAccessReport GetOutboundWebIdentityFederationInfo
        GetSAMLProvider GetSSHPublicKey GetServerCertificate GetServiceLastAccessedDetails
        GetServiceLastAccessedDetailsWithEntities GetServiceLinkedRoleDeletionStatus ListDelegationRequests
        ListInstanceProfileTags ListInstanceProfiles ListMFADeviceTags ListMFADevices
        ListOpenIDConnectProviderTags ListOpenIDConnectProviders ListOrganizationsFeatures
        ListPoliciesGrantingServiceAccess ListSAMLProviderTags ListSAMLProviders ListSSHPublicKeys
        ListServerCertificateTags ListServerCertificates ListServiceSpecificCredentials
        ListSigningCertificates ListVirtualMFADevices RejectDelegationRequest
        RemoveClientIDFromOpenIDConnectProvider RemoveRoleFromInstanceProfile ResetServiceSpecificCredential
        ResyncMFADevice SendDelegationToken SetSecurityTokenServicePreferences TagInstanceProfile
        TagMFADevice TagOpenIDConnectProvider TagSAMLProvider TagServerCertificate UntagInstanceProfile
        UntagMFADevice UntagOpenIDConnectProvider UntagSAMLProvider UntagServerCertificate
        UpdateAccountPasswordPolicy UpdateDelegationRequest UpdateGroup UpdateLoginProfile
        UpdateOpenIDConnectProviderThumbprint UpdateSAMLProvider UpdateSSHPublicKey UpdateServerCertificate
        UpdateServiceSpecificCredential UpdateSigningCertificate UploadSSHPublicKey UploadServerCertificate
        UploadSigningCertificate
        """.split(whereSeparator: \.isWhitespace).map(String.init)
}
