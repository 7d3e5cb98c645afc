import CloisterCore
import CloisterServiceKit

/// What a key belongs to: every look-up is within the caller's account and region.
struct KeyScope: Hashable, Sendable {
    let account: String
    let region: String

    init(account: String, region: String) {
        self.account = account
        self.region = region
    }

    init(_ caller: Caller) {
        account = caller.account.rawValue
        region = caller.region
    }

    /// How the names of its documents begin.
    var prefix: String { "\(account)/\(region)/" }

    func arn(_ resource: String) -> String { "arn:aws:kms:\(region):\(account):\(resource)" }
}
