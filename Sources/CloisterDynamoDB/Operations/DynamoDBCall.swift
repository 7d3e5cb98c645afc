import CloisterCore
import CloisterServiceKit

/// One call: who makes it, and its parsed input.
struct DynamoDBCall: Sendable {
    let operation: String
    let caller: Caller
    let input: Input
    /// Index keys that an update computes, and the authorizer has agreed to.
    var approvedIndexKeys: Set<AttributeValue> = []

    var scope: TableScope { TableScope(account: caller.account.rawValue, region: caller.region) }

    init(operation: String, caller: Caller, input: Input) {
        self.operation = operation
        self.caller = caller
        self.input = input
    }

    init(_ call: JSONCall) throws {
        guard let json = JSONReader.read(call.body), case .object(let members) = json else {
            throw DynamoDBError.serialization("The request body is not a JSON object")
        }
        self.init(operation: call.operation, caller: call.caller, input: Input(members: members))
    }

    func tableARN(_ name: String) -> String {
        "arn:aws:dynamodb:\(caller.region):\(caller.account):table/\(name)"
    }
}

/// A table as requests name it: by its name or its ARN.
enum TableName {
    private static let lengths = 1...1_024

    static func check(_ input: Input, _ constraints: inout Constraints, member: String = "tableName") throws {
        let name = try input.string("TableName")
        constraints.require(name != nil, member)
        constraints.length(name, member, lengths)
        if let name, !name.hasPrefix("arn:"), !name.utf8.allSatisfy(Constraints.isNameByte) {
            constraints.add(
                name, at: member, "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+")
        }
    }

    /// The name, once the constraints hold. Throws for a malformed one, and for an ARN of elsewhere.
    static func read(_ text: String?, call: DynamoDBCall) throws -> String {
        guard let text else { throw DynamoDBError.tableNotFound }
        guard text.hasPrefix("arn:") else {
            guard (3...255).contains(text.utf8.count) else {
                throw DynamoDBError.validation(
                    "TableName must be at least 3 characters long and at most 255 characters long")
            }
            guard text.utf8.allSatisfy(Constraints.isNameByte) else {
                throw DynamoDBError.validation(
                    "1 validation error detected: Value '\(text.prefix(1_024))' at 'tableName' failed to satisfy "
                        + "constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+")
            }
            return text
        }
        return try name(ofARN: text, call: call)
    }

    static func name(ofARN arn: String, call: DynamoDBCall) throws -> String {
        let prefix = call.tableARN("")
        guard Array(arn.utf8).starts(with: Array(prefix.utf8)) else {
            throw DynamoDBError("AccessDeniedException", "User is not authorized to access this resource: \(arn)")
        }
        let name = String(decoding: arn.utf8.dropFirst(prefix.utf8.count), as: UTF8.self)
        guard (3...255).contains(name.utf8.count), name.utf8.allSatisfy(Constraints.isNameByte) else {
            throw DynamoDBError.validation("Invalid TableArn: Invalid ResourceArn provided as input \(arn)")
        }
        return name
    }
}
