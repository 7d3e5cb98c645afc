import CloisterServiceKit
import CloisterWire

/// Errors as Lambda's and the other services' clients read them: the name in `x-amzn-ErrorType`, the text in the body.
enum FrontErrors {
    /// The exceptions whose model spells the member `Message`.
    private static let capitalised: Set<String> = [
        "ResourceNotFoundException", "ServiceException", "AccessDeniedException", "SnapStartException",
        "RecursiveInvocationException", "SnapStartNotReadyException",
    ]

    static func fields(_ error: ServiceError) -> [(name: String, value: String)] {
        [("Content-Type", "application/json"), ("x-amzn-ErrorType", error.code)]
            + error.headers.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    static func body(_ error: ServiceError) -> String {
        var members = error.members.sorted { $0.key < $1.key }
            .map { "\(JSONMembers.quoted($0.key)):\(JSONMembers.quoted($0.value))" }
        members.append("\"Type\":\"\(error.fault.rawValue)\"")
        members.append("\"\(capitalised.contains(error.code) ? "Message" : "message")\":\(JSONMembers.quoted(error.message))")
        // What the JSON protocols of the other services look at.
        members.append("\"__type\":\(JSONMembers.quoted(error.code))")
        return "{\(members.joined(separator: ","))}"
    }

    static func of(_ error: SigV4Error) -> ServiceError {
        ServiceError(error.code, status: error.status, message: error.message)
    }

    static func tooLarge(limit: Int, operation: String) -> ServiceError {
        ServiceError(
            "RequestTooLargeException", status: 413,
            message: "Request must be smaller than \(limit) bytes for the \(operation) operation")
    }
}
