import CloisterServiceKit

/// KMS's exceptions, with AWS's texts, in one place.
enum KMSError {
    static func validation(_ message: String) -> ServiceError {
        ServiceError("ValidationException", status: 400, message: message)
    }

    /// AWS's text for a value that breaks the model's constraints. `value` is nil for a secret or absent one.
    static func constraint(_ member: String, value: String?, _ rule: String) -> ServiceError {
        let shown = value.map { "Value '\($0.prefix(256))'" } ?? "Value"
        return validation("1 validation error detected: \(shown) at '\(member)' failed to satisfy constraint: \(rule)")
    }

    static func required(_ member: String) -> ServiceError {
        constraint(member, value: "null", "Member must not be null")
    }

    static func notFound(_ message: String) -> ServiceError {
        ServiceError("NotFoundException", status: 400, message: message)
    }

    static func noKey(_ arn: String) -> ServiceError { notFound("Key '\(arn)' does not exist") }
    static func noAlias(_ arn: String) -> ServiceError { notFound("Alias \(arn) is not found.") }
    static func foreign(_ arn: String) -> ServiceError { notFound("Invalid arn \(arn.prefix(256))") }

    static func invalidARN(_ text: String) -> ServiceError {
        ServiceError("InvalidArnException", status: 400, message: "Invalid arn \(text.prefix(256))")
    }

    static func disabled(_ arn: String) -> ServiceError {
        ServiceError("DisabledException", status: 400, message: "\(arn) is disabled.")
    }

    static func invalidState(_ message: String) -> ServiceError {
        ServiceError("KMSInvalidStateException", status: 400, message: message)
    }

    static func pendingDeletion(_ arn: String) -> ServiceError { invalidState("\(arn) is pending deletion.") }

    static func invalidUsage(_ arn: String, _ usage: KeyUsage, _ operation: String) -> ServiceError {
        invalidUsage("\(arn) key usage is \(usage.rawValue) which is not valid for \(operation).")
    }

    static func invalidUsage(_ message: String) -> ServiceError {
        ServiceError("InvalidKeyUsageException", status: 400, message: message)
    }

    static func unsupported(_ message: String) -> ServiceError {
        ServiceError("UnsupportedOperationException", status: 400, message: message)
    }

    static func limit(_ message: String) -> ServiceError {
        ServiceError("LimitExceededException", status: 400, message: message)
    }

    static func tag(_ message: String) -> ServiceError { ServiceError("TagException", status: 400, message: message) }

    static let invalidMarker = ServiceError("InvalidMarkerException", status: 400, message: "The marker is not valid.")

    /// AWS says no more than the name: what of blob, context and key is wrong is nobody's business.
    static let invalidCiphertext = ServiceError("InvalidCiphertextException", status: 400, message: "")

    static let incorrectKey = ServiceError(
        "IncorrectKeyException", status: 400,
        message: "The key ID in the request does not identify a CMK that can perform this operation.")

    /// For a blob whose key isn't the caller's: says nothing about whether it exists.
    static let noAccessToBlob = ServiceError(
        "AccessDeniedException", status: 400,
        message: "The ciphertext refers to a customer master key that does not exist, does not exist in this region, "
            + "or you are not allowed to access.")

    static let dryRun = ServiceError(
        "DryRunOperationException", status: 412,
        message: "The request would have succeeded, but the DryRun option is set.")

    static func malformedPolicy(_ message: String) -> ServiceError {
        ServiceError("MalformedPolicyDocumentException", status: 400, message: message)
    }

    static func `internal`(_ logMessage: String) -> ServiceError {
        ServiceError(
            "KMSInternalException", status: 500, message: "The request failed because of an internal error.",
            fault: .service, logMessage: logMessage)
    }

    /// What the caller sees of any error.
    static func from(_ error: any Error) -> ServiceError {
        switch error {
        case let error as ServiceError: error
        case let error as StoreError: `internal`(error.description)
        case let error as RootKeyError: `internal`(error.description)
        default: `internal`(String(describing: type(of: error)))
        }
    }
}
