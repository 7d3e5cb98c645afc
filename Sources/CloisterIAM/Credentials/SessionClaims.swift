import CloisterServiceKit
import Foundation

/// What a session token says, sealed. Short names: the token goes with every request.
struct SessionClaims: Codable, Sendable, Equatable {
    enum Principal: String, Codable, Sendable { case administrator = "a", user = "u", role = "r" }

    var principal: Principal
    /// The user's or the role's.
    var arn: String
    /// The user's or role's unique id: one that was deleted and made again is another. Empty for a role that IAM doesn't
    /// know.
    var id: String
    var name: String
    var issuedAt: Int64
    var expiresAt: Int64
    var policies: [String] = []
    var policyARNs: [String] = []
    var tags: [String: String] = [:]
    var transitiveTagKeys: [String] = []
    var sourceIdentity: String?
    /// The environment on whose channel alone the credentials are good.
    var environment: String?

    private enum CodingKeys: String, CodingKey {
        case principal = "p", arn = "a", id = "i", name = "n", issuedAt = "t", expiresAt = "x", policies = "o"
        case policyARNs = "m", tags = "g", transitiveTagKeys = "k", sourceIdentity = "s", environment = "e"
    }
}
