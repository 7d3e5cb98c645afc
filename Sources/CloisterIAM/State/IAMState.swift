import CloisterCore
import CloisterServiceKit
import Foundation

/// Everything that IAM knows of one account, and the changes to its documents that are not on disk yet. A value: whoever
/// decides by it sees one moment.
struct IAMState: Sendable {
    static let userKind = "iam.user"
    static let groupKind = "iam.group"
    static let roleKind = "iam.role"
    static let policyKind = "iam.policy"

    let account: AccountID
    /// By name in lower case: names that differ only in case are one name.
    private(set) var users: [String: UserRecord] = [:]
    private(set) var groups: [String: GroupRecord] = [:]
    private(set) var roles: [String: RoleRecord] = [:]
    private(set) var policies: [String: ManagedPolicyRecord] = [:]
    /// Which user has an access key: key id to name in lower case.
    private(set) var keyOwners: [String: String] = [:]
    private(set) var changes: [DocumentChange] = []

    init(account: AccountID) { self.account = account }

    // MARK: Reading

    func user(_ name: String) -> UserRecord? { users[name.lowercased()] }
    func group(_ name: String) -> GroupRecord? { groups[name.lowercased()] }
    func role(_ name: String) -> RoleRecord? { roles[name.lowercased()] }

    /// The role of an ARN; nil when another path, account or name is meant.
    func role(arn: String) -> RoleRecord? {
        guard let name = arn.split(separator: "/").last, let role = role(String(name)), role.arn(account) == arn else {
            return nil
        }
        return role
    }

    func user(arn: String) -> UserRecord? {
        guard let name = arn.split(separator: "/").last, let user = user(String(name)), user.arn(account) == arn else {
            return nil
        }
        return user
    }

    func managedPolicy(arn: String) -> ManagedPolicyRecord? {
        guard let name = arn.split(separator: "/").last, let policy = policies[name.lowercased()], policy.arn(account) == arn
        else { return nil }
        return policy
    }

    /// The document behind a managed policy's ARN, of the account or of AWS.
    func document(arn: String) -> NamedPolicy? {
        if let own = managedPolicy(arn: arn)?.current {
            return NamedPolicy(id: arn, origin: .userManaged, document: own.document)
        }
        return AWSManagedPolicies.policy(arn: arn).map {
            NamedPolicy(id: arn, origin: .awsManaged, document: $0.policy.document)
        }
    }

    /// Whoever a managed policy is attached to, or whose boundary it is.
    func attachments(of arn: String) -> (users: [UserRecord], groups: [GroupRecord], roles: [RoleRecord]) {
        (
            users.values.filter { $0.attachedPolicies.contains(arn) }.sorted { $0.name < $1.name },
            groups.values.filter { $0.attachedPolicies.contains(arn) }.sorted { $0.name < $1.name },
            roles.values.filter { $0.attachedPolicies.contains(arn) }.sorted { $0.name < $1.name }
        )
    }

    // MARK: Changing

    mutating func put(_ user: UserRecord) throws(ServiceError) {
        let key = user.name.lowercased()
        for accessKey in users[key]?.accessKeys ?? [] { keyOwners[accessKey.id] = nil }
        for accessKey in user.accessKeys { keyOwners[accessKey.id] = key }
        users[key] = user
        try record(IAMState.userKind, key, user)
    }

    mutating func put(_ group: GroupRecord) throws(ServiceError) {
        groups[group.name.lowercased()] = group
        try record(IAMState.groupKind, group.name.lowercased(), group)
    }

    mutating func put(_ role: RoleRecord) throws(ServiceError) {
        roles[role.name.lowercased()] = role
        try record(IAMState.roleKind, role.name.lowercased(), role)
    }

    mutating func put(_ policy: ManagedPolicyRecord) throws(ServiceError) {
        policies[policy.name.lowercased()] = policy
        try record(IAMState.policyKind, policy.name.lowercased(), policy)
    }

    mutating func remove(_ user: UserRecord) {
        let key = user.name.lowercased()
        for accessKey in users[key]?.accessKeys ?? [] { keyOwners[accessKey.id] = nil }
        users[key] = nil
        changes.append(.delete(documentKey(IAMState.userKind, key)))
    }

    mutating func remove(_ group: GroupRecord) {
        groups[group.name.lowercased()] = nil
        changes.append(.delete(documentKey(IAMState.groupKind, group.name.lowercased())))
    }

    mutating func remove(_ role: RoleRecord) {
        roles[role.name.lowercased()] = nil
        changes.append(.delete(documentKey(IAMState.roleKind, role.name.lowercased())))
    }

    mutating func remove(_ policy: ManagedPolicyRecord) {
        policies[policy.name.lowercased()] = nil
        changes.append(.delete(documentKey(IAMState.policyKind, policy.name.lowercased())))
    }

    mutating func takeChanges() -> [DocumentChange] {
        defer { changes = [] }
        return changes
    }

    private mutating func record(_ kind: String, _ name: String, _ value: some Encodable) throws(ServiceError) {
        do {
            changes.append(.put(documentKey(kind, name), [UInt8](try JSONEncoder().encode(value))))
        } catch {
            throw IAMError.unavailable("a record can't be encoded: \(error)")
        }
    }

    private func documentKey(_ kind: String, _ name: String) -> DocumentKey {
        DocumentKey(kind: kind, name: "\(account)/\(name)")
    }
}
