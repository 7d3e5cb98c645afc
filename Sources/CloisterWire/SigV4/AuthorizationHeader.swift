/// `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`, in bytes: it is read for every request.
struct AuthorizationHeader {
    let credential: ArraySlice<UInt8>
    let signedHeaders: ArraySlice<UInt8>
    let signature: [UInt8]

    private static let prefix = Array("\(SigV4.algorithm) ".utf8)
    private static let credentialName = Array("Credential".utf8)
    private static let signedHeadersName = Array("SignedHeaders".utf8)
    private static let signatureName = Array("Signature".utf8)

    init(_ value: ArraySlice<UInt8>) throws(SigV4Error) {
        guard value.starts(with: AuthorizationHeader.prefix) else {
            throw .incomplete("Authorization header must use AWS4-HMAC-SHA256.")
        }
        var credential: ArraySlice<UInt8>?
        var signedHeaders: ArraySlice<UInt8>?
        var signature: ArraySlice<UInt8>?
        var rest = value.dropFirst(AuthorizationHeader.prefix.count)
        while !rest.isEmpty {
            let part = rest.prefix { $0 != UInt8(ascii: ",") }.drop { $0 == UInt8(ascii: " ") }
            rest = rest[part.endIndex...].dropFirst()
            guard let equals = part.firstIndex(of: UInt8(ascii: "=")) else {
                throw .incomplete("Authorization header is malformed.")
            }
            let content = part[(equals + 1)...]
            switch part[..<equals] {
            case AuthorizationHeader.credentialName[...]: try AuthorizationHeader.set(&credential, content)
            case AuthorizationHeader.signedHeadersName[...]: try AuthorizationHeader.set(&signedHeaders, content)
            case AuthorizationHeader.signatureName[...]: try AuthorizationHeader.set(&signature, content)
            default: throw .incomplete("Authorization header is malformed.")
            }
        }
        guard let credential else { throw .incomplete("Authorization header requires 'Credential' parameter.") }
        guard let signedHeaders else { throw .incomplete("Authorization header requires 'SignedHeaders' parameter.") }
        guard let signature = signature.flatMap({ SigV4.bytes(hex: $0) }), signature.count == 32 else {
            throw .incomplete("Authorization header requires 'Signature' parameter.")
        }
        self.credential = credential
        self.signedHeaders = signedHeaders
        self.signature = signature
    }

    /// A parameter given twice could be read in two ways.
    private static func set(_ place: inout ArraySlice<UInt8>?, _ value: ArraySlice<UInt8>) throws(SigV4Error) {
        guard place == nil else { throw .incomplete("Authorization header is malformed.") }
        place = value
    }
}
