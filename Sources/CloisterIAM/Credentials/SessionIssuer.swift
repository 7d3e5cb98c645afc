import CloisterCore
import CloisterServiceKit
import Foundation

/// Makes temporary credentials. They need no table: the token holds everything, sealed, and the secret follows from the
/// key's id.
public struct SessionIssuer: EnvironmentCredentialIssuer {
    /// Credentials of environments live as long as any environment does, and are renewed with it.
    static let environmentSeconds: Int64 = 12 * 3_600
    static let tokenBytesMax = 16 << 10

    let store: IAMStore
    /// Seconds since 1970.
    let now: @Sendable () -> Int64

    public init(store: IAMStore, now: @escaping @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970) }) {
        self.store = store
        self.now = now
    }

    public func credentials(
        environment: EnvironmentID, functionARN: String, functionName: String, roleARN: String
    ) -> TemporaryCredentials {
        let role = store.read { $0.role(arn: roleARN) }
        let issued = now()
        return credentials(
            SessionClaims(
                principal: .role, arn: roleARN, id: role?.id ?? "", name: functionName, issuedAt: issued,
                expiresAt: issued + SessionIssuer.environmentSeconds, environment: environment.rawValue))
    }

    func credentials(_ claims: SessionClaims) -> TemporaryCredentials {
        let id = store.keys.identifier("ASIA", 16)
        // Claims are texts and numbers: they can always be encoded.
        let encoded = (try? JSONEncoder().encode(claims)).map { [UInt8]($0) } ?? []
        return TemporaryCredentials(
            accessKeyID: id, secret: store.keys.sessionSecret(of: id),
            sessionToken: store.keys.sealToken(encoded, of: id) ?? "", expiresAt: claims.expiresAt)
    }
}
