public import CloisterCore

/// Who calls, after the signature has been verified.
public struct Caller: Sendable, Equatable {
    public var account: AccountID
    /// The region that the client signed for.
    public var region: String
    /// `arn:aws:iam::ACCOUNT:user/NAME` or an assumed role's ARN.
    public var principalARN: String
    public var accessKeyID: String
    /// Whose policies are asked.
    public var principalType: PrincipalType
    /// IAM's unique id, `aws:userid`: `AIDA…`, or `AROA…:SESSION` of an assumed role.
    public var principalID: String
    /// `aws:PrincipalTag/…`: a user's tags, or a role's with the session's laid over them.
    public var principalTags: [String: String]
    /// Set for temporary credentials.
    public var session: CallerSession?
    /// Set by the platform for whatever comes in by an environment's channel.
    public var environment: CallerEnvironment?

    /// `principalType` is what may do least unless said otherwise: a user without policies.
    public init(
        account: AccountID, region: String, principalARN: String, accessKeyID: String,
        principalType: PrincipalType = .user, principalID: String = "", principalTags: [String: String] = [:],
        session: CallerSession? = nil, environment: CallerEnvironment? = nil
    ) {
        self.account = account
        self.region = region
        self.principalARN = principalARN
        self.accessKeyID = accessKeyID
        self.principalType = principalType
        self.principalID = principalID
        self.principalTags = principalTags
        self.session = session
        self.environment = environment
    }

    /// The tenant that the platform holds this call to; nil for calls from outside and from plain functions.
    public var tenant: TenantID? { environment?.tenant }

    /// The function that calls; nil for calls from outside.
    public var functionARN: String? { environment?.functionARN }
}

/// An authenticated HTTP request to an AWS-compatible service, read in full.
public struct ServiceRequest: Sendable {
    public var method: String
    /// As received: percent-encoded, without the query.
    public var path: String
    /// Decoded names and values, in the order received; a name without `=` has an empty value.
    public var query: [(name: String, value: String)]
    /// Names in lower case, in the order received.
    public var headers: [(name: String, value: String)]
    public var body: [UInt8]
    public var caller: Caller
    public var requestID: RequestID

    public init(
        method: String, path: String, query: [(name: String, value: String)] = [],
        headers: [(name: String, value: String)] = [], body: [UInt8] = [], caller: Caller, requestID: RequestID
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
        self.caller = caller
        self.requestID = requestID
    }

    /// The first value of the header `name` (lower case).
    public func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }

    /// The first value of the query parameter `name`.
    public func queryValue(_ name: String) -> String? { query.first { $0.name == name }?.value }
}

/// A service's answer. The front adds `x-amzn-RequestId`, `Date` and the framing.
public struct ServiceResponse: Sendable {
    public var status: Int
    public var headers: [(name: String, value: String)]
    public var body: [UInt8]
    /// Parts that follow `body` as they come; the answer is then chunked. Ended by the stream, or by cancelling its
    /// consumer when the client hangs up.
    public var stream: AsyncStream<[UInt8]>?

    public init(
        status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = [],
        stream: AsyncStream<[UInt8]>? = nil
    ) {
        self.status = status
        self.headers = headers
        self.body = body
        self.stream = stream
    }
}

/// One AWS-compatible service, mounted on the front by the service name in the signature's credential scope.
public protocol Service: Sendable {
    /// `lambda`, `logs`, …
    var signingName: String { get }
    /// How this service's `X-Amz-Target` begins, where it has one: finds the service of an unsigned request.
    var targetPrefix: String? { get }
    var access: ServiceAccess { get }
    /// Never throws: every failure is an answer that the service's own clients understand.
    func respond(to request: ServiceRequest) async -> ServiceResponse
    /// What the front answers instead of the service when it refuses a request (a wrong signature, an unknown key), in
    /// the form that the service's clients read. Nil: JSON will do.
    func refusal(_ error: ServiceError, requestID: RequestID) -> ServiceResponse?
}

extension Service {
    public var targetPrefix: String? { nil }
    /// What a service that says nothing gets.
    public var access: ServiceAccess { .administratorOnly }

    public func refusal(_ error: ServiceError, requestID: RequestID) -> ServiceResponse? { nil }
}
