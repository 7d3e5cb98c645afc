import CloisterCore
import CloisterServiceKit

/// One call: who makes it, and its parsed input.
struct DynamoDBCall: Sendable {
    let operation: String
    let caller: Caller
    let input: Input

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
    }

    /// The name, once the constraints hold. Throws for a malformed one, and for an ARN of elsewhere.
    static func read(_ text: String?, call: DynamoDBCall) throws -> String {
        guard let text else { throw DynamoDBError.tableNotFound }
        guard text.hasPrefix("arn:") else {
            guard (3...255).contains(text.utf8.count), text.utf8.allSatisfy(Constraints.isNameByte) else {
                throw DynamoDBError.validation(
                    "Invalid table/index name.  Table/index names must be between 3 and 255 characters long, "
                        + "and may contain only the characters a-z, A-Z, 0-9, '_', '-', and '.'")
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
