import CloisterCore
import CloisterServiceKit

/// Users, groups and roles, as far as operations treat them alike.
protocol IAMEntity: PolicyHolder, Sendable {
    /// The parameter that names one.
    static var parameter: String { get }
    /// For messages: `user`.
    static var noun: String { get }
    /// Characters of all inline policies together, blanks aside.
    static var inlineCharactersMax: Int { get }
    static var nameLengthMax: Int { get }

    static func find(_ name: String, in state: IAMState) -> Self?
    static func arn(path: String, name: String, _ account: AccountID) -> String
    func arn(_ account: AccountID) -> String
    func put(in state: inout IAMState) throws(ServiceError)
}

extension IAMEntity {
    static func arn(path: String, name: String, _ account: AccountID) -> String {
        "arn:aws:iam::\(account):\(noun)\(path)\(name)"
    }

    static func existing(_ name: String, in state: IAMState) throws(ServiceError) -> Self {
        guard let entity = find(name, in: state) else {
            throw IAMError.noSuchEntity("The \(noun) with name \(name) cannot be found.")
        }
        return entity
    }
}

extension UserRecord: IAMEntity {
    static let parameter = "UserName"
    static let noun = "user"
    static let inlineCharactersMax = 2_048
    static let nameLengthMax = 64

    static func find(_ name: String, in state: IAMState) -> UserRecord? { state.user(name) }
    func put(in state: inout IAMState) throws(ServiceError) { try state.put(self) }
}

extension GroupRecord: IAMEntity {
    static let parameter = "GroupName"
    static let noun = "group"
    static let inlineCharactersMax = 5_120
    static let nameLengthMax = 128

    static func find(_ name: String, in state: IAMState) -> GroupRecord? { state.group(name) }
    func put(in state: inout IAMState) throws(ServiceError) { try state.put(self) }
}

extension RoleRecord: IAMEntity {
    static let parameter = "RoleName"
    static let noun = "role"
    static let inlineCharactersMax = 10_240
    static let nameLengthMax = 64

    static func find(_ name: String, in state: IAMState) -> RoleRecord? { state.role(name) }
    func put(in state: inout IAMState) throws(ServiceError) { try state.put(self) }
}
