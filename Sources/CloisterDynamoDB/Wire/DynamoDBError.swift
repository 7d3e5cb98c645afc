import CloisterServiceKit

/// A failure as DynamoDB's clients read it: name, message, and for some the members that come with it.
struct DynamoDBError: Error, Equatable {
    var code: String
    var status = 400
    var message: String
    var members: [JSON.Member] = []
    /// For the operator's log only.
    var logMessage: String?

    init(_ code: String, status: Int = 400, _ message: String, members: [JSON.Member] = [], logMessage: String? = nil) {
        self.code = code
        self.status = status
        self.message = message
        self.members = members
        self.logMessage = logMessage
    }

    init(_ error: ServiceError) {
        self.init(
            error.code, status: error.status, error.message,
            members: error.members.sorted { $0.key < $1.key }.map { JSON.Member(name: Text($0), value: .text($1)) },
            logMessage: error.logMessage)
    }
}

extension DynamoDBError {
    static func validation(_ message: String) -> DynamoDBError { DynamoDBError("ValidationException", message) }

    static func invalidParameter(_ message: String) -> DynamoDBError {
        validation("One or more parameter values were invalid: " + message)
    }

    static func serialization(_ message: String) -> DynamoDBError { DynamoDBError("SerializationException", message) }

    static func conditionFailed(_ item: Item?) -> DynamoDBError {
        DynamoDBError(
            "ConditionalCheckFailedException", "The conditional request failed",
            members: item.map { [JSON.Member(name: "Item", value: AttributeValueCoding.json($0))] } ?? [])
    }

    static let tableNotFound = DynamoDBError("ResourceNotFoundException", "Requested resource not found")

    static func tableNotFound(_ name: String) -> DynamoDBError {
        DynamoDBError("ResourceNotFoundException", "Requested resource not found: Table: \(name) not found")
    }

    static func inUse(_ message: String) -> DynamoDBError { DynamoDBError("ResourceInUseException", message) }
    static func limitExceeded(_ message: String) -> DynamoDBError { DynamoDBError("LimitExceededException", message) }

    static let keyMismatch = validation("The provided key element does not match the schema")

    static func unavailable(_ logMessage: String) -> DynamoDBError {
        DynamoDBError(
            "InternalServerError", status: 500, "The request could not be completed. Try again.",
            logMessage: logMessage)
    }

    static func from(_ error: any Error) -> DynamoDBError {
        switch error {
        case let error as DynamoDBError: error
        case let error as ServiceError: DynamoDBError(error)
        case let error as NumberFault: validation(error.message)
        case let error as StorageError: unavailable(error.message)
        default: unavailable("\(type(of: error))")
        }
    }

    /// What a failure of the table's key is to the caller: the table can't be reached.
    static func keyUnavailable(_ error: ServiceError) -> DynamoDBError {
        let code =
            switch error.code {
            case "DisabledException": "KMSKeyDisabledException"
            case "NotFoundException": "KMSKeyNotFoundException"
            case "KMSInvalidStateException": "KMSKeyInvalidStateException"
            case "AccessDeniedException": "KMSKeyAccessDeniedException"
            default: error.code
            }
        return DynamoDBError(
            code, status: error.status, "The table's KMS key can't be used: \(error.message)",
            logMessage: error.logMessage)
    }

    /// For the log: without members, which may hold an item.
    var logText: String { "\(code): \(logMessage ?? message)" }

    /// What goes before the name in `__type`; AWS's front has namespaces of its own for what it refuses itself.
    var namespace: String {
        switch code {
        case "ValidationException": "com.amazon.coral.validate#"
        case "SerializationException", "UnknownOperationException", "AccessDeniedException":
            "com.amazon.coral.service#"
        default: "com.amazonaws.dynamodb.v20120810#"
        }
    }

    /// The members of the response's body.
    var body: JSON {
        let isCapital = [
            "SerializationException", "TransactionCanceledException", "IdempotentParameterMismatchException",
            "TransactionInProgressException",
        ].contains(code)
        var all: [JSON.Member] = [JSON.Member(name: "__type", value: .text(namespace + code))]
        if code != "UnknownOperationException" {
            all.append(JSON.Member(name: isCapital ? "Message" : "message", value: .text(message)))
        }
        return .object(all + members)
    }
}
