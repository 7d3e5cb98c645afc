/// Whether a caller may give a role to a service: asked before a function gets its execution role.
public protocol RolePassing: Sendable {
    /// - Parameter service: `lambda.amazonaws.com`.
    ///
    /// Throws `AccessDeniedException` when the caller may not pass the role, `InvalidParameterValueException` when the
    /// role doesn't let the service assume it.
    func passRole(_ roleARN: String, to service: String, for caller: Caller) async throws(ServiceError)
}
