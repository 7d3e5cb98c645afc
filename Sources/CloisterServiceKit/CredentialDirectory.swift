public import CloisterCore

/// Where a request came in.
public enum CallChannel: Sendable, Equatable {
    /// The endpoint that everybody can reach.
    case front
    /// An environment's own listener: whatever comes in there comes from that environment.
    case environment(CallerEnvironment)
}

/// An access key as the front needs it: the secret to verify the signature with, and who calls if it is right.
/// Prints without the secret.
public struct CallerCredential: Sendable, CustomStringConvertible {
    public let secret: String
    /// The region is empty: the signature's scope names it.
    public let caller: Caller

    public init(secret: String, caller: Caller) {
        self.secret = secret
        self.caller = caller
    }

    public var description: String { "CallerCredential(\(caller.accessKeyID))" }
}

/// Why an access key isn't taken; names and texts are AWS's.
public enum CredentialRefusal: Error, Sendable, Equatable {
    /// No such key, a key that is switched off, or a token that isn't one of ours or not this key's.
    case unknown
    case expired
    /// The key belongs to an environment and was used outside it (or inside another): stolen.
    case foreignChannel

    public var code: String {
        switch self {
        case .unknown, .foreignChannel: "UnrecognizedClientException"
        case .expired: "ExpiredTokenException"
        }
    }

    public var message: String {
        switch self {
        case .unknown, .foreignChannel: "The security token included in the request is invalid."
        case .expired: "The security token included in the request is expired"
        }
    }
}

/// Access keys by id: what the verification of signatures asks. Synchronous, without I/O, a few microseconds; may be
/// asked on an event loop.
public protocol CredentialDirectory: Sendable {
    /// - Parameters:
    ///   - sessionToken: `X-Amz-Security-Token`, from the header or the presigned query.
    ///   - channel: where the request came in. The caller that is returned carries what the channel proves.
    func credential(
        accessKeyID: String, sessionToken: String?, channel: CallChannel
    ) throws(CredentialRefusal) -> CallerCredential
}

/// Temporary credentials. Prints without secret and token.
public struct TemporaryCredentials: Sendable, CustomStringConvertible {
    public let accessKeyID: String
    public let secret: String
    public let sessionToken: String
    /// Seconds since 1970.
    public let expiresAt: Int64

    public init(accessKeyID: String, secret: String, sessionToken: String, expiresAt: Int64) {
        self.accessKeyID = accessKeyID
        self.secret = secret
        self.sessionToken = sessionToken
        self.expiresAt = expiresAt
    }

    public var description: String { "TemporaryCredentials(\(accessKeyID))" }
}

/// Makes the credentials that an execution environment gets.
public protocol EnvironmentCredentialIssuer: Sendable {
    /// Credentials of the function's execution role, good only on this environment's own channel.
    func credentials(
        environment: EnvironmentID, functionARN: String, functionName: String, roleARN: String
    ) -> TemporaryCredentials
}
