import CloisterCore
import CloisterServiceKit

/// What the tenant boundary says to a request.
enum BoundaryVerdict: Sendable, Equatable {
    case inside
    /// The request names another tenant's key, alias, secret, tag, context or id.
    case crossTenant(BoundaryRefusal)
    /// The request can't be told to stay with this tenant: a scan, a change of something shared, an operation that the
    /// boundary has no rule for.
    case outside(BoundaryRefusal)
}

struct BoundaryRefusal: Sendable, Equatable {
    /// For the caller: names nothing that the caller hasn't said.
    var reason: String
    /// For the audit log.
    var detail: String
}

/// Decides whether a call out of a tenant's environment stays with that tenant. Pure; comes before the role's policies
/// and can only take away.
struct BoundaryCheck {
    let boundary: TenantBoundary
    /// Nil: the environment is bound to nobody yet, and everything that is a tenant's is foreign to it.
    let tenant: TenantID?

    func verdict(_ request: AccessRequest) -> BoundaryVerdict {
        let call = BoundaryRequest(request, boundary)
        if let foreign = foreignTenant(call) { return foreign }
        if boundary.allowedActions.contains(where: { $0.matches(request.action.utf8, ignoringCase: true) { _ in nil } }) {
            return .inside
        }
        switch call.service {
        case "dynamodb": return DynamoDBBoundary(check: self).verdict(call)
        case "kms": return KeyBoundary(check: self).verdict(call)
        case "secretsmanager": return SecretBoundary(check: self).verdict(call)
        default: return other(call)
        }
    }

    /// A tag, a context or an invocation for another tenant, in any service.
    private func foreignTenant(_ call: BoundaryRequest) -> BoundaryVerdict? {
        if let value = call.resourceTenants.first(where: isForeign) {
            return cross("the resource belongs to another tenant", "the resource is tagged for tenant '\(value)'")
        }
        if let value = call.requestTenants.first(where: isForeign) {
            return cross("a tag names another tenant", "the request tags for tenant '\(value)'")
        }
        if let value = call.contextTenants.first(where: isForeign) {
            return cross("the encryption context names another tenant", "the encryption context names tenant '\(value)'")
        }
        if let value = call.values(BoundaryConditionKeys.tenantID).first(where: isForeign) {
            return cross("the invocation is for another tenant", "the invocation is for tenant '\(value)'")
        }
        return nil
    }

    func isForeign(_ value: String) -> Bool {
        guard let tenant else { return true }
        return !value.utf8.elementsEqual(tenant.rawValue.utf8)
    }

    private func other(_ call: BoundaryRequest) -> BoundaryVerdict {
        let name = call.operation
        let isInside: Bool
        switch call.service {
        case "sts":
            isInside = [
                "AssumeRole", "TagSession", "SetSourceIdentity", "GetCallerIdentity", "GetSessionToken", "GetAccessKeyInfo",
                "DecodeAuthorizationMessage",
            ].contains(name)
        case "lambda": isInside = name.hasPrefix("Invoke") || name.hasPrefix("Get") || name.hasPrefix("List")
        case "iam": isInside = name.hasPrefix("Get") || name.hasPrefix("List") || name.hasPrefix("Simulate")
        case "logs":
            // What the platform writes there, others read as the truth about another tenant.
            isInside = ["CreateLogGroup", "CreateLogStream", "PutLogEvents"].contains(name)
                && call.logGroup?.hasPrefix("/aws/lambda/") == false
                || name == "DescribeLogGroups"
        case "cloudwatch": isInside = name == "PutMetricData"
        case "xray": isInside = name.hasPrefix("Put") || name.hasPrefix("GetSampling")
        default: isInside = false
        }
        if isInside { return .inside }
        return outside("\(call.service):\(name) is not open to a tenant's environment", "no rule lets \(call.service):\(name) pass")
    }

    // MARK: Verdicts

    func cross(_ reason: String, _ detail: String) -> BoundaryVerdict {
        .crossTenant(BoundaryRefusal(reason: reason, detail: detail))
    }

    func outside(_ reason: String, _ detail: String) -> BoundaryVerdict {
        .outside(BoundaryRefusal(reason: reason, detail: detail))
    }

    /// For things that belong to a tenant by names and tags: one's own is open, shared things are for `sharedUse` only.
    func verdict(
        _ call: BoundaryRequest, names: [(name: String, owner: Ownership)], sharedUse: Set<String>
    ) -> BoundaryVerdict {
        if let foreign = names.first(where: { $0.owner == .foreign }) {
            return cross("the resource belongs to another tenant", "'\(foreign.name)' is another tenant's name")
        }
        let isTagged = !call.resourceTenants.isEmpty
        if call.touchesTenantTags, call.requestTenants.isEmpty, call.operation.hasPrefix("Untag") {
            return outside("the tag that names the tenant can't be removed", "the tenant's tag would go")
        }
        if isTagged || names.contains(where: { $0.owner == .own }) || sharedUse.contains(call.operation) { return .inside }
        return outside("the resource is shared", "\(call.operation) would change or list what isn't the tenant's own")
    }
}

/// Condition keys that services give on top of AWS's.
public enum BoundaryConditionKeys {
    /// The tenant that an invocation is for (`lambda:InvokeFunction`).
    public static let tenantID = AccessConditionKeys.invocationTenant
    /// The name of the attribute that is a table's partition key.
    public static let partitionKeyName = "cloister:PartitionKeyName"
    /// Values that a write gives to partition keys of secondary indexes.
    public static let indexKeys = "cloister:IndexKeys"
}
