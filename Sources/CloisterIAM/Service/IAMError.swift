import CloisterServiceKit

/// IAM's and STS's errors, with AWS's texts, in one place.
enum IAMError {
    static func noSuchEntity(_ message: String) -> ServiceError { ServiceError("NoSuchEntity", status: 404, message: message) }

    static func exists(_ message: String) -> ServiceError {
        ServiceError("EntityAlreadyExists", status: 409, message: message)
    }

    static func deleteConflict(_ message: String) -> ServiceError {
        ServiceError("DeleteConflict", status: 409, message: message)
    }

    static func limitExceeded(_ message: String) -> ServiceError {
        ServiceError("LimitExceeded", status: 409, message: message)
    }

    static func malformedPolicy(_ error: PolicyError) -> ServiceError {
        ServiceError("MalformedPolicyDocument", status: 400, message: error.message)
    }

    static func invalidInput(_ message: String) -> ServiceError { ServiceError("InvalidInput", status: 400, message: message) }

    static func validation(_ message: String) -> ServiceError { ServiceError("ValidationError", status: 400, message: message) }

    /// AWS's text for a value that breaks the model's constraints.
    static func constraint(_ member: String, _ value: String?, _ rule: String) -> ServiceError {
        let name = member.prefix(1).lowercased() + member.dropFirst()
        let shown = value.map { "'\($0.prefix(256))'" } ?? "null"
        return validation("1 validation error detected: Value \(shown) at '\(name)' failed to satisfy constraint: \(rule)")
    }

    static func accessDenied(_ message: String) -> ServiceError { ServiceError("AccessDenied", status: 403, message: message) }

    static func unavailable(_ logMessage: String) -> ServiceError {
        ServiceError(
            "ServiceFailure", status: 503, message: "The service cannot complete the request.", fault: .service,
            logMessage: logMessage)
    }
}
