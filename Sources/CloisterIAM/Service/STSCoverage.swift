import CloisterServiceKit

/// Every operation of STS's model, and which of them are built: the one table for dispatch and documentation.
public enum STSCoverage {
    typealias Handler = @Sendable (STSService, QueryCall) async throws(ServiceError) -> XML

    public struct Operation: Sendable {
        /// What differs from AWS; for the documentation.
        public let note: String
        let handler: Handler?

        init(note: String, handler: Handler?) {
            self.note = note
            self.handler = handler
        }

        public var isBuilt: Bool { handler != nil }
    }

    public static let operations: [String: Operation] = built.merging(
        notBuilt.map { ($0, Operation(note: "", handler: nil)) }) { first, _ in first }

    /// A table for the documentation, by name.
    public static func markdown() -> String {
        let rows = operations.sorted { $0.key < $1.key }.map { name, operation in
            "| \(name) | \(operation.isBuilt ? "yes" : "no (501)") | \(operation.note) |"
        }
        return (["| Operation | Built | Note |", "| --- | --- | --- |"] + rows).joined(separator: "\n") + "\n"
    }

    private static let built: [String: Operation] = [
        "AssumeRole": Operation(note: "AWS's conditions and session policies; MFA is not built") { (service, call) throws(ServiceError) in try await service.assumeRole(call) },
        "DecodeAuthorizationMessage": Operation(note: "messages come in the header `x-cloister-encoded-authorization-message` of a denial") { (service, call) throws(ServiceError) in try await service.decodeAuthorizationMessage(call) },
        "GetAccessKeyInfo": Operation(note: "") { (service, call) throws(ServiceError) in try await service.getAccessKeyInfo(call) },
        "GetCallerIdentity": Operation(note: "") { (service, call) throws(ServiceError) in try await service.getCallerIdentity(call) },
        "GetSessionToken": Operation(note: "MFA is not built") { (service, call) throws(ServiceError) in try await service.getSessionToken(call) },
    ]

    /// Answered with 501, naming the operation.
    private static let notBuilt = """
        AssumeRoleWithSAML AssumeRoleWithWebIdentity AssumeRoot GetDelegatedAccessToken GetFederationToken
        GetWebIdentityToken
        """.split(whereSeparator: \.isWhitespace).map(String.init)
}
