import CloisterCore
import CloisterServiceKit
import Foundation
import Synchronization

/// What a role that functions name but IAM doesn't know may do.
public enum UnmanagedRoles: Sendable {
    /// Everything but IAM's own operations, as `PowerUserAccess`. The tenant boundary holds all the same.
    case powerUser
    /// Nothing.
    case nothing
}

/// Decides every call: the tenant boundary first, then the policies.
public final class IAMAuthorizer: ImmediateAuthorizer {
    private static let cachedMax = 4_096

    let store: IAMStore
    private let boundary: TenantBoundary
    private let functionBoundary: @Sendable (_ functionARN: String) -> TenantBoundary?
    private let unmanagedRoles: UnmanagedRoles
    private let observer: any AccessObserver
    let now: @Sendable () -> Int64
    /// Session and resource policies, by kind and text: read once.
    private let parsed = Mutex<[String: PolicyDocument]>([:])

    /// - Parameters:
    ///   - boundary: the account's tenant boundary.
    ///   - functionBoundary: a function's own, instead of the account's; by the unqualified ARN.
    ///   - now: seconds since 1970.
    public init(
        store: IAMStore, boundary: TenantBoundary = .standard,
        functionBoundary: @escaping @Sendable (_ functionARN: String) -> TenantBoundary? = { _ in nil },
        unmanagedRoles: UnmanagedRoles = .powerUser, observer: any AccessObserver = NoAccessObserver(),
        now: @escaping @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970) }
    ) {
        self.store = store
        self.boundary = boundary
        self.functionBoundary = functionBoundary
        self.unmanagedRoles = unmanagedRoles
        self.observer = observer
        self.now = now
    }

    public func decide(_ request: AccessRequest, for caller: Caller) throws(ServiceError) {
        try holdToTenant(request, caller)
        guard caller.account == store.account else { throw denied(request, caller, .implicitlyDenied(.identity)) }
        // Not even the administrator becomes a role that doesn't trust the account.
        if caller.principalType == .administrator, !request.isAboutTrust { return }
        let decision = self.decision(request, for: caller)
        if !decision.isAllowed { throw denied(request, caller, decision) }
    }

    /// What the policies say, without the tenant boundary.
    func decision(_ request: AccessRequest, for caller: Caller) -> PolicyDecision {
        let context = PolicyContext(request, caller, account: store.account, now: now())
        if let session = caller.session, session.roleARN == nil, caller.principalType == .user,
            request.action.hasPrefix("iam:")
        {
            // The credentials of GetSessionToken may not call IAM.
            return .implicitlyDenied(.session)
        }
        do throws(PolicyError) {
            return PolicyEvaluator.decide(context, try policies(request, caller))
        } catch {
            // A policy that can't be read allows nothing.
            return .implicitlyDenied(request.resourcePolicy == nil ? .session : .resource)
        }
    }

    var allowsUnmanagedRoles: Bool { unmanagedRoles == .powerUser }

    // MARK: The tenant boundary

    private func holdToTenant(_ request: AccessRequest, _ caller: Caller) throws(ServiceError) {
        guard let environment = caller.environment, environment.isTenantIsolated || environment.tenant != nil else { return }
        let boundary = functionBoundary(environment.functionARN) ?? boundary
        switch BoundaryCheck(boundary: boundary, tenant: environment.tenant).verdict(request) {
        case .inside: return
        case .crossTenant(let refusal): throw outside(request, caller, refusal, .crossTenant)
        case .outside(let refusal): throw outside(request, caller, refusal, .boundary)
        }
    }

    private func outside(
        _ request: AccessRequest, _ caller: Caller, _ refusal: BoundaryRefusal, _ kind: AccessEvent.Kind
    ) -> ServiceError {
        observe(kind, request, caller, refusal.detail)
        return AccessDenial.error(
            request, caller, reason: "because the tenant boundary denies it: \(refusal.reason)", encoded: nil)
    }

    // MARK: Policies

    private func policies(_ request: AccessRequest, _ caller: Caller) throws(PolicyError) -> PolicySet {
        var set = PolicySet()
        let state = store.snapshot
        switch caller.principalType {
        case .administrator:
            set.identity = state.document(arn: "arn:aws:iam::aws:policy/AdministratorAccess").map { [$0] } ?? []
        case .user:
            if let user = state.user(arn: caller.principalARN) { set.add(user, state) }
        case .assumedRole:
            if let arn = caller.session?.roleARN, let role = state.role(arn: arn) {
                set.add(role, state)
            } else if caller.environment != nil, unmanagedRoles == .powerUser {
                set.identity = state.document(arn: "arn:aws:iam::aws:policy/PowerUserAccess").map { [$0] } ?? []
            }
        case .service: break
        }
        if let session = caller.session, !session.policies.isEmpty || !session.policyARNs.isEmpty {
            var policies: [NamedPolicy] = session.policyARNs.compactMap { state.document(arn: $0) }
            for text in session.policies {
                policies.append(NamedPolicy(id: "session", origin: .none, document: try document(text, .identity)))
            }
            set.session = policies
        }
        if let text = request.resourcePolicy {
            let isTrust = request.isAboutTrust
            set.resource = NamedPolicy(id: request.resource, origin: .resource, document: try document(text, isTrust ? .trust : .resource))
            set.resourceSource = isTrust ? .trust : .resource
            set.resourceRole = isTrust || request.action.hasPrefix("kms:") ? .required : .sufficient
        }
        return set
    }

    private func document(_ text: String, _ kind: PolicyDocument.Kind) throws(PolicyError) -> PolicyDocument {
        let key = kind.rawValue + text
        if let known = parsed.withLock({ $0[key] }) { return known }
        let document = try PolicyDocument(text, kind: kind)
        parsed.withLock { parsed in
            if parsed.count >= IAMAuthorizer.cachedMax { parsed.removeAll(keepingCapacity: true) }
            parsed[key] = document
        }
        return document
    }

    // MARK: Denials

    private func denied(_ request: AccessRequest, _ caller: Caller, _ decision: PolicyDecision) -> ServiceError {
        let reason = decision.reason(action: request.action)
        observe(.denied, request, caller, reason)
        return AccessDenial.error(
            request, caller, reason: reason,
            encoded: AccessDenial(request, caller, decision).encoded(store.keys))
    }

    private func observe(_ kind: AccessEvent.Kind, _ request: AccessRequest, _ caller: Caller, _ reason: String) {
        observer.observed(
            AccessEvent(
                kind: kind, caller: caller, accessKeyID: caller.accessKeyID, request: request, reason: reason,
                channel: caller.environment.map { .environment($0) } ?? .front))
    }
}

extension AccessRequest {
    /// Whether the resource's policy is a role's trust policy.
    fileprivate var isAboutTrust: Bool { resourcePolicy != nil && action.hasPrefix("sts:") && resource.contains(":role/") }
}

extension PolicySet {
    mutating func add(_ user: UserRecord, _ state: IAMState) {
        identity += PolicySet.policies(user, state)
        for name in user.groups {
            if let group = state.group(name) { identity += PolicySet.policies(group, state) }
        }
        restrict(user.permissionsBoundary, state)
    }

    mutating func add(_ role: RoleRecord, _ state: IAMState) {
        identity += PolicySet.policies(role, state)
        restrict(role.permissionsBoundary, state)
    }

    /// A boundary whose policy is gone allows nothing.
    private mutating func restrict(_ arn: String?, _ state: IAMState) {
        guard let arn else { return }
        boundary = state.document(arn: arn) ?? NamedPolicy(id: arn, origin: .none, document: PolicyDocument(statements: []))
    }

    private static func policies<Holder: PolicyHolder>(_ holder: Holder, _ state: IAMState) -> [NamedPolicy] {
        holder.inlinePolicies.map { NamedPolicy(id: $0.key, origin: Holder.origin, document: $0.value.document) }
            + holder.attachedPolicies.compactMap { state.document(arn: $0) }
    }
}
