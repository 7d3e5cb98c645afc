/// Who asks, as the `Principal` element sees it.
struct PolicyPrincipal: Sendable, Equatable {
    var account: String
    /// A user's ARN or an assumed role's session ARN; a service's name.
    var arn: String
    /// The role behind a session.
    var roleARN: String?
    /// `events.amazonaws.com`; nil for people and code.
    var service: String?
}

/// A request, as policies see it. Condition keys are in lower case: their names aren't case-sensitive, their values are.
struct PolicyContext: Sendable {
    var principal: PolicyPrincipal
    /// `dynamodb:GetItem`.
    let action: String
    let resource: String
    /// Both as bytes: every statement looks at them.
    let actionBytes: [UInt8]
    let resourceBytes: [UInt8]
    private var keys: [String: [String]] = [:]

    init(principal: PolicyPrincipal, action: String, resource: String) {
        self.principal = principal
        self.action = action
        self.resource = resource
        actionBytes = Array(action.utf8)
        resourceBytes = Array(resource.utf8)
    }

    subscript(key: String) -> [String]? {
        get { keys[key] }
        set { keys[key] = newValue }
    }

    /// A key's values under its name in any case.
    mutating func set(_ key: String, _ values: [String]) { keys[key.lowercased()] = values }

    /// What a policy variable stands for: only keys with one value can be variables.
    func variable(_ key: String) -> String? {
        guard let values = keys[key], values.count == 1 else { return nil }
        return values[0]
    }
}
