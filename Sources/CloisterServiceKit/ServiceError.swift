/// A failure with the name that AWS's clients know, a text for the caller and, where they differ, one for the log.
public struct ServiceError: Error, Sendable, Equatable {
    public enum Fault: String, Sendable { case user = "User", service = "Service" }

    /// The exception's name, with `Exception` where AWS's name has it.
    public var code: String
    public var status: Int
    /// What the caller sees; names no other tenant and no internals.
    public var message: String
    public var fault: Fault
    /// Further members of the body, such as `Reason`.
    public var members: [String: String]
    /// Further headers, such as `Retry-After`.
    public var headers: [String: String]
    /// For the operator's log only.
    public var logMessage: String?

    public init(
        _ code: String, status: Int, message: String, fault: Fault = .user, members: [String: String] = [:],
        headers: [String: String] = [:], logMessage: String? = nil
    ) {
        self.code = code
        self.status = status
        self.message = message
        self.fault = fault
        self.members = members
        self.headers = headers
        self.logMessage = logMessage
    }
}
