import CloisterServiceKit

/// Secrets Manager's exceptions, with AWS's texts, in one place.
enum SecretsError {
    static func invalidParameter(_ message: String) -> ServiceError {
        ServiceError("InvalidParameterException", status: 400, message: message)
    }

    static func invalidRequest(_ message: String) -> ServiceError {
        ServiceError("InvalidRequestException", status: 400, message: message)
    }

    static func constraint(_ member: String, value: String?, _ rule: String) -> ServiceError {
        let shown = value.map { "Value '\($0.prefix(256))'" } ?? "Value"
        return ServiceError(
            "ValidationException", status: 400,
            message: "1 validation error detected: \(shown) at '\(member)' failed to satisfy constraint: \(rule)")
    }

    static func required(_ member: String) -> ServiceError {
        constraint(member, value: "null", "Member must not be null")
    }

    static func notFound(_ message: String) -> ServiceError {
        ServiceError("ResourceNotFoundException", status: 400, message: message)
    }

    static func exists(_ message: String) -> ServiceError {
        ServiceError("ResourceExistsException", status: 400, message: message)
    }

    static let noSecret = notFound("Secrets Manager can't find the specified secret.")

    static let markedForDeletion = invalidRequest(
        "You can't perform this operation on the secret because it was marked for deletion.")

    static let noValue = invalidRequest("You must provide either SecretString or SecretBinary.")

    static let invalidToken = ServiceError(
        "InvalidNextTokenException", status: 400, message: "The NextToken value is invalid.")

    static func malformedPolicy(_ message: String) -> ServiceError {
        ServiceError("MalformedPolicyDocumentException", status: 400, message: message)
    }

    static func `internal`(_ logMessage: String) -> ServiceError {
        ServiceError(
            "InternalServiceError", status: 500, message: "An error occurred on the server side.", fault: .service,
            logMessage: logMessage)
    }

    /// A KMS error while a value is encrypted or decrypted. Who may not use the key learns that; anything else is the
    /// service's own exception with KMS's reason, as on AWS.
    static func key(_ error: ServiceError, isDecrypting: Bool) -> ServiceError {
        guard error.code != "AccessDeniedException", error.status < 500 else { return error }
        let text = error.message.isEmpty ? error.code : "\(error.message) (KMS: \(error.code))"
        return ServiceError(
            isDecrypting ? "DecryptionFailure" : "EncryptionFailure", status: 400,
            message: isDecrypting
                ? "Secrets Manager can't decrypt the protected secret text using the provided KMS key. \(text)"
                : "Secrets Manager can't encrypt the protected secret text using the provided KMS key. \(text)")
    }

    /// What the caller sees of any error.
    static func from(_ error: any Error) -> ServiceError {
        switch error {
        case let error as ServiceError: error
        case let error as StoreError: `internal`(error.description)
        default: `internal`(String(describing: type(of: error)))
        }
    }
}
