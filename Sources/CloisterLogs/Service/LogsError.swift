import CloisterServiceKit

/// CloudWatch Logs' exceptions, with AWS's texts, in one place.
enum LogsError {
    static func invalidParameter(_ message: String) -> ServiceError {
        ServiceError("InvalidParameterException", status: 400, message: message)
    }

    /// AWS's text for a value that breaks the model's constraints.
    static func constraint(_ member: String, value: String?, _ rule: String) -> ServiceError {
        let shown = value.map { "'\($0.prefix(256))'" } ?? "null"
        return invalidParameter(
            "1 validation error detected: Value \(shown) at '\(member)' failed to satisfy constraint: \(rule)")
    }

    static func required(_ member: String) -> ServiceError {
        constraint(member, value: nil, "Member must not be null")
    }

    static let invalidToken = invalidParameter("The specified nextToken is invalid.")

    /// What the caller sees of any error.
    static func from(_ error: any Error) -> ServiceError {
        switch error {
        case let error as ServiceError: error
        case let error as LogStoreError: from(error)
        case let error as LogFilterPattern.Malformed: invalidParameter(error.message)
        default: unavailable("\(error)")
        }
    }

    private static func from(_ error: LogStoreError) -> ServiceError {
        switch error.code {
        case .groupNotFound: notFound("The specified log group does not exist.")
        case .streamNotFound: notFound("The specified log stream does not exist.")
        case .groupExists: exists("The specified log group already exists")
        case .streamExists: exists("The specified log stream already exists")
        case .tooManyGroups: ServiceError("LimitExceededException", status: 400, message: "Resource limit exceeded.")
        case .tooManyTags:
            ServiceError(
                "TooManyTagsException", status: 400, message: "A resource can have at most \(LogsLimits.tagsMax) tags")
        case .tooManySubscribers:
            ServiceError("LimitExceededException", status: 400, message: "Too many live subscribers")
        case .unavailable: unavailable(error.message)
        }
    }

    private static func notFound(_ message: String) -> ServiceError {
        ServiceError("ResourceNotFoundException", status: 400, message: message)
    }

    private static func exists(_ message: String) -> ServiceError {
        ServiceError("ResourceAlreadyExistsException", status: 400, message: message)
    }

    private static func unavailable(_ logMessage: String) -> ServiceError {
        ServiceError(
            "ServiceUnavailableException", status: 503, message: "The service cannot complete the request.",
            fault: .service, logMessage: logMessage)
    }
}
