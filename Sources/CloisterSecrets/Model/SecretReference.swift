import CloisterCore
import CloisterServiceKit

/// What a secret belongs to: every look-up is within the caller's account and region.
struct SecretScope: Hashable, Sendable {
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

    var prefix: String { "\(account)/\(region)/" }

    func arn(_ resource: String) -> String { "arn:aws:secretsmanager:\(region):\(account):secret:\(resource)" }
}

/// How a caller names a secret: by name, by its ARN, or by its ARN without the six characters at the end.
struct SecretReference: Equatable {
    /// The names that it may mean, most exact first; a suffix that must be right where one was given.
    var candidates: [Candidate]

    struct Candidate: Equatable {
        var name: String
        var suffix: String?
    }

    /// The name to speak of when there is no such secret.
    var name: String { candidates.last?.name ?? "" }

    /// Nil for an ARN of another account or region, or of something else.
    init?(_ text: String, _ scope: SecretScope) {
        guard text.hasPrefix("arn:") else {
            candidates = [Candidate(name: text)]
            return
        }
        let start = scope.arn("")
        guard text.hasPrefix(start), text.utf8.count > start.utf8.count else { return nil }
        let resource = String(text.dropFirst(start.count))
        candidates = [Candidate(name: resource)]
        guard let dash = resource.lastIndex(of: "-"), resource[dash...].utf8.count == 7 else { return }
        let exact = Candidate(name: String(resource[..<dash]), suffix: String(resource[dash...].dropFirst()))
        candidates.insert(exact, at: 0)
    }
}
