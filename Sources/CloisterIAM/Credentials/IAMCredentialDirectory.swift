import CloisterCore
import CloisterServiceKit
import Foundation
import Synchronization

/// All access keys: the administrator's, those of users, and temporary ones.
public final class IAMCredentialDirectory: CredentialDirectory {
    /// A key of the administrator's, who isn't in IAM.
    public struct AdministratorKey: Sendable {
        let id: String
        let secret: String

        public init(id: String, secret: String) {
            self.id = id
            self.secret = secret
        }
    }

    /// Tokens that were opened, so that each is opened once; emptied when full.
    private static let openedMax = 8_192

    private struct Opened {
        let token: String
        let claims: SessionClaims
        let secret: String
    }

    let store: IAMStore
    private let administrators: [String: String]
    private let observer: any AccessObserver
    private let now: @Sendable () -> Int64
    private let opened = Mutex<[String: Opened]>([:])

    public init(
        store: IAMStore, administrators: [AdministratorKey], observer: any AccessObserver = NoAccessObserver(),
        now: @escaping @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970) }
    ) {
        self.store = store
        self.administrators = Dictionary(administrators.map { ($0.id, $0.secret) }) { first, _ in first }
        self.observer = observer
        self.now = now
    }

    public func credential(
        accessKeyID: String, sessionToken: String?, channel: CallChannel
    ) throws(CredentialRefusal) -> CallerCredential {
        var found = try lookUp(accessKeyID, sessionToken, channel)
        if case .environment(let environment) = channel { found.caller.bind(to: environment) }
        return CallerCredential(secret: found.secret, caller: found.caller)
    }

    private func lookUp(
        _ id: String, _ token: String?, _ channel: CallChannel
    ) throws(CredentialRefusal) -> (secret: String, caller: Caller) {
        if let secret = administrators[id] {
            guard token == nil else { throw .unknown }
            return (secret, administrator(id))
        }
        if id.hasPrefix("ASIA") {
            guard let token, token.utf8.count <= SessionIssuer.tokenBytesMax else { throw .unknown }
            return try session(id, token, channel)
        }
        guard token == nil,
            let (user, key) = store.read({ state in
                state.keyOwners[id].flatMap { state.users[$0] }.flatMap { user in
                    user.accessKeys.first { $0.id == id }.map { (user, $0) }
                }
            }), key.isActive, let secret = store.keys.unwrap(key.sealedSecret, of: id)
        else { throw .unknown }
        return (secret, caller(user, accessKeyID: id))
    }

    private func administrator(_ accessKeyID: String) -> Caller {
        Caller(
            account: store.account, region: "", principalARN: "arn:aws:iam::\(store.account):user/administrator",
            accessKeyID: accessKeyID, principalType: .administrator, principalID: "AIDAADMINISTRATOR")
    }

    private func caller(_ user: UserRecord, accessKeyID: String) -> Caller {
        Caller(
            account: store.account, region: "", principalARN: user.arn(store.account), accessKeyID: accessKeyID,
            principalType: .user, principalID: user.id, principalTags: user.tags)
    }

    private func session(
        _ id: String, _ token: String, _ channel: CallChannel
    ) throws(CredentialRefusal) -> (secret: String, caller: Caller) {
        let opened = try open(id, token)
        let claims = opened.claims
        if let environment = claims.environment {
            guard case .environment(let place) = channel, place.id.rawValue == environment else {
                observer.observed(
                    AccessEvent(
                        kind: .stolenCredential, caller: caller(claims, id: id, role: nil), accessKeyID: id,
                        reason: "credentials of environment \(environment) were used outside its channel", channel: channel))
                throw .foreignChannel
            }
        }
        guard now() < claims.expiresAt else { throw .expired }
        return (opened.secret, try current(claims, id: id))
    }

    private func open(_ id: String, _ token: String) throws(CredentialRefusal) -> Opened {
        if let known = opened.withLock({ $0[id] }), known.token.utf8.elementsEqual(token.utf8) { return known }
        guard let bytes = store.keys.openToken(token, of: id),
            let claims = try? JSONDecoder().decode(SessionClaims.self, from: Data(bytes))
        else { throw .unknown }
        let entry = Opened(token: token, claims: claims, secret: store.keys.sessionSecret(of: id))
        opened.withLock { opened in
            if opened.count >= IAMCredentialDirectory.openedMax { opened.removeAll(keepingCapacity: true) }
            opened[id] = entry
        }
        return entry
    }

    /// The session's caller by what IAM knows now: a user or a role that is gone ends its sessions.
    private func current(_ claims: SessionClaims, id: String) throws(CredentialRefusal) -> Caller {
        switch claims.principal {
        case .administrator:
            var caller = administrator(id)
            caller.session = session(claims, id: id)
            return caller
        case .user:
            guard let user = store.read({ $0.user(arn: claims.arn) }), user.id == claims.id else { throw .unknown }
            var caller = caller(user, accessKeyID: id)
            caller.session = session(claims, id: id)
            return caller
        case .role:
            let role = store.read { $0.role(arn: claims.arn) }
            // A role that IAM didn't know when an environment started may have been made since.
            guard role?.id ?? "" == claims.id || claims.id.isEmpty && claims.environment != nil else { throw .unknown }
            return caller(claims, id: id, role: role)
        }
    }

    private func caller(_ claims: SessionClaims, id: String, role: RoleRecord?) -> Caller {
        let roleName = claims.arn.split(separator: "/").last.map(String.init) ?? claims.arn
        let roleID = role?.id ?? (claims.id.isEmpty ? "AROAUNMANAGED" : claims.id)
        return Caller(
            account: store.account, region: "",
            principalARN: "arn:aws:sts::\(store.account):assumed-role/\(roleName)/\(claims.name)", accessKeyID: id,
            principalType: .assumedRole, principalID: "\(roleID):\(claims.name)",
            principalTags: (role?.tags ?? [:]).merging(claims.tags) { $1 }, session: session(claims, id: id))
    }

    private func session(_ claims: SessionClaims, id: String) -> CallerSession {
        CallerSession(
            id: id, roleARN: claims.principal == .role ? claims.arn : nil, name: claims.name, issuedAt: claims.issuedAt,
            expiresAt: claims.expiresAt, policies: claims.policies, policyARNs: claims.policyARNs, tags: claims.tags,
            transitiveTagKeys: claims.transitiveTagKeys, sourceIdentity: claims.sourceIdentity)
    }
}

extension Caller {
    static let tenantTag = "tenant_id"

    /// Puts in what the channel proves; whatever the credentials said about the tenant goes.
    mutating func bind(to environment: CallerEnvironment) {
        self.environment = environment
        guard environment.isTenantIsolated else { return }
        principalTags = principalTags.filter { TenantBoundary.foldedTagKey($0.key) != "tenantid" }
        if let tenant = environment.tenant { principalTags[Caller.tenantTag] = tenant.rawValue }
    }
}
