/// Why a request isn't let in; names and texts are AWS's.
public enum SigV4Error: Error, Equatable, Sendable {
    case missing
    case incomplete(String)
    case mismatch
    /// The signature's time is too far from ours.
    case skewed(String)

    public var code: String {
        switch self {
        case .missing: "MissingAuthenticationTokenException"
        case .incomplete: "IncompleteSignatureException"
        case .mismatch, .skewed: "InvalidSignatureException"
        }
    }

    public var status: Int {
        if case .incomplete = self { 400 } else { 403 }
    }

    public var message: String {
        switch self {
        case .missing: "Missing Authentication Token"
        case .incomplete(let what): what
        case .mismatch:
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
                + "Access Key and signing method. Consult the service documentation for details."
        case .skewed(let what): what
        }
    }
}
