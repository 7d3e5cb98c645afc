/// What came back from a function.
public struct FunctionResult: Sendable, Equatable {
    public var payload: [UInt8]
    /// `Handled` or `Unhandled` when the function failed; then the payload is its error object.
    public var functionError: String?

    public init(payload: [UInt8], functionError: String? = nil) {
        self.payload = payload
        self.functionError = functionError
    }
}

/// How a service of the platform calls a customer's function: a rotation of Secrets Manager, for example.
public protocol FunctionInvoker: Sendable {
    /// Invokes and waits for the answer (`RequestResponse`). `caller` is on whose behalf. Throws Lambda's own errors
    /// (`ResourceNotFoundException`, `TooManyRequestsException`) when the function could not be invoked at all.
    func invoke(functionARN: String, payload: [UInt8], for caller: Caller) async throws(ServiceError) -> FunctionResult
}
