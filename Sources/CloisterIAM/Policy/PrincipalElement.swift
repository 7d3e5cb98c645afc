/// `Principal` or `NotPrincipal` of a resource policy or a trust policy.
struct PrincipalElement: Sendable, Equatable {
    enum Entry: Sendable, Equatable {
        case everyone
        case account(String)
        /// A user, a role or a role's session.
        case principal(String)
        case service(String)
        /// Identity providers and canonical users: there are none here, so it matches nobody.
        case other(String)
    }

    /// How closely a principal was named, weakest first: the closer, the less its own policies have a say.
    enum Match: Int, Sendable, Comparable {
        case none, account, everyone, role, itself

        static func < (lhs: Match, rhs: Match) -> Bool { lhs.rawValue < rhs.rawValue }
    }

    var entries: [Entry]
    /// `NotPrincipal`: everyone but these.
    var isInverted: Bool

    func match(_ principal: PolicyPrincipal) -> Match {
        let closest = entries.map { PrincipalElement.match($0, principal) }.max() ?? .none
        guard isInverted else { return closest }
        return closest == .none ? .everyone : .none
    }

    private static func match(_ entry: Entry, _ principal: PolicyPrincipal) -> Match {
        switch entry {
        case .everyone: return .everyone
        case .account(let account): return principal.service == nil && account == principal.account ? .account : .none
        case .principal(let arn):
            if principal.service != nil { return .none }
            if arn == principal.arn { return .itself }
            return arn == principal.roleARN ? .role : .none
        case .service(let name): return name == principal.service ? .itself : .none
        case .other: return .none
        }
    }

    init(_ json: PolicyJSON, isInverted: Bool) throws(PolicyError) {
        self.isInverted = isInverted
        if case .string("*") = json {
            entries = [.everyone]
            return
        }
        guard case .object(let members, _) = json, !members.isEmpty else {
            throw PolicyError("The element Principal must be \"*\" or an object.")
        }
        var entries: [Entry] = []
        for member in members {
            for text in try PolicyParser.texts(member.value, "Principal") {
                entries.append(try PrincipalElement.entry(member.name, text))
            }
        }
        guard !entries.isEmpty else { throw PolicyError("The element Principal names nobody.") }
        self.entries = entries
    }

    private static func entry(_ kind: String, _ text: String) throws(PolicyError) -> Entry {
        switch kind {
        case "AWS":
            if text == "*" { return .everyone }
            if isAccount(text) { return .account(text) }
            // arn:aws:iam::ACCOUNT:root, …:user/NAME, …:role/NAME, arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION
            let parts = text.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false)
            guard parts.count == 6, parts[0] == "arn", parts[2] == "iam" || parts[2] == "sts", parts[3].isEmpty,
                isAccount(parts[4]), !text.contains("*"), !text.contains("?")
            else { throw PolicyError("Invalid principal in policy: \"AWS\":\"\(text.prefix(128))\"") }
            return parts[5] == "root" ? .account(String(parts[4])) : .principal(text)
        case "Service":
            guard !text.isEmpty, text == "*" || !text.contains("*") else {
                throw PolicyError("Invalid principal in policy: \"SERVICE\":\"\(text.prefix(128))\"")
            }
            return .service(text)
        case "Federated", "CanonicalUser": return .other(text)
        default: throw PolicyError("The element Principal has no member \(kind.prefix(64)).")
        }
    }

    private static func isAccount(_ text: some StringProtocol) -> Bool {
        text.utf8.count == 12 && text.utf8.allSatisfy { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
    }
}
