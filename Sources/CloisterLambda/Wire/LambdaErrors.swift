import CloisterServiceKit

/// The control plane's errors with AWS's names and statuses.
extension ServiceError {
    static func invalidParameter(_ message: String) -> ServiceError {
        ServiceError("InvalidParameterValueException", status: 400, message: message)
    }

    /// A member breaks a constraint of AWS's model.
    static func validation(_ message: String) -> ServiceError {
        ServiceError("ValidationException", status: 400, message: message)
    }

    static func serialization(_ message: String) -> ServiceError {
        ServiceError("SerializationException", status: 400, message: message)
    }

    static func unparsable(_ detail: String) -> ServiceError {
        ServiceError(
            "InvalidRequestContentException", status: 400,
            message: "Could not parse request body into json: \(detail)")
    }

    static func notFound(_ message: String) -> ServiceError {
        ServiceError("ResourceNotFoundException", status: 404, message: message)
    }

    static func conflict(_ message: String) -> ServiceError {
        ServiceError("ResourceConflictException", status: 409, message: message)
    }

    static var wrongRevision: ServiceError {
        ServiceError(
            "PreconditionFailedException", status: 412,
            message: "The Revision Id provided does not match the latest Revision Id. "
                + "Call the GetFunction/GetAlias API to retrieve the latest Revision Id")
    }

    static func tooLarge(_ message: String) -> ServiceError {
        ServiceError("RequestEntityTooLargeException", status: 413, message: message)
    }

    static func notImplemented(_ operation: String) -> ServiceError {
        ServiceError(
            "NotImplementedException", status: 501, message: "Cloister does not implement \(operation).",
            fault: .service)
    }

    static func service(log: String) -> ServiceError {
        ServiceError(
            "ServiceException", status: 500, message: "An internal error occurred. The server's log has the reason.",
            fault: .service, logMessage: log)
    }

    init(store error: StoreError) {
        self =
            error.code == .conflict
            ? .conflict("The resource was changed by another request at the same time. Try again.")
            : .service(log: error.description)
    }

    init(code error: CodeError) {
        switch error.code {
        case .unreadable:
            self = .invalidParameter(
                "Could not unzip uploaded file. Please check your file, then try to upload again.")
            logMessage = error.message
        case .unsafe, .tooManyEntries:
            self = .invalidParameter(
                "Could not unzip uploaded file. Please check your file, then try to upload again. (\(error.message))")
        case .unpackedTooLarge:
            self = .invalidParameter(error.message)
        case .archiveTooLarge:
            self = .tooLarge(error.message)
        case .missing, .unavailable:
            self = .service(log: error.description)
        }
    }

    /// The answer in Lambda's envelope.
    var response: ServiceResponse {
        var body = members
        body["Type"] = fault.rawValue
        body[ServiceError.codesWithCapitalMessage.contains(code) ? "Message" : "message"] = message
        // Text to text can't fail to encode; if it ever did, status and header still say what is wrong.
        let bytes = (try? LambdaJSON.encodeVerbatim(body)) ?? []
        let fixed = [(name: "Content-Type", value: "application/json"), (name: "x-amzn-ErrorType", value: code)]
        return ServiceResponse(
            status: status, headers: fixed + headers.sorted { $0.key < $1.key }.map { (name: $0.key, value: $0.value) },
            body: bytes)
    }

    /// AWS spells the member `Message` for these, `message` for all others.
    private static let codesWithCapitalMessage: Set<String> = [
        "ResourceNotFoundException", "ServiceException", "CodeSigningConfigNotFoundException",
        "ResourceInUseException", "AccessDeniedException",
    ]
}
