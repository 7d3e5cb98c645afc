/// The role that SAM makes for a function: what `Policies` says, and what every function needs. Pure: template properties
/// in, the properties of an `AWS::IAM::Role` out.
public struct ExecutionRole: Sendable, Equatable {
    /// AWS's policy that lets a function write its logs.
    static let basicPolicy = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    static let tracingPolicy = "arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess"

    public struct InlinePolicy: Sendable, Equatable {
        public var name: String
        /// A policy document, whose texts may hold attributes of resources.
        public var document: PropertyValue
    }

    public var name: String
    public var path = "/"
    public var trust: PropertyValue
    /// ARNs, in the order of the template, each once.
    public var managedPolicies: [TemplateText]
    public var inlinePolicies: [InlinePolicy]
    public var permissionsBoundary: TemplateText?

    /// Of a function without `Role`.
    /// - Parameters:
    ///   - policies: the property `Policies`, evaluated: one policy or a list of them; each is a managed policy's name or
    ///     ARN, a SAM policy template with its parameters, or a policy document.
    ///   - trust: the property `AssumeRolePolicyDocument`, evaluated.
    init(
        functionID: String, policies: TemplateNode?, trust: TemplateNode?, permissionsBoundary: TemplateText?,
        isTraced: Bool, context: StackContext
    ) throws {
        name = context.generatedName(for: functionID + "Role")
        self.trust = trust.map(ExecutionRole.value) ?? ExecutionRole.lambdaTrust
        self.permissionsBoundary = permissionsBoundary
        managedPolicies = [TemplateText(ExecutionRole.basicPolicy)]
        if isTraced { managedPolicies.append(TemplateText(ExecutionRole.tracingPolicy)) }
        inlinePolicies = []
        guard let policies, !policies.isNull else { return }
        for (index, policy) in (policies.items ?? [policies]).enumerated() {
            try add(policy, path: "\(functionID).Policies", name: "\(functionID)RolePolicy\(index)", context)
        }
    }

    private mutating func add(_ policy: TemplateNode, path: String, name: String, _ context: StackContext) throws {
        if policy.isNull { return }
        if let text = policy.text {
            let arn = text.literal.map { $0.hasPrefix("arn:") ? text : TemplateText(ExecutionRole.managedARN($0)) } ?? text
            if !managedPolicies.contains(arn) { managedPolicies.append(arn) }
            return
        }
        guard let entries = policy.entries, !entries.isEmpty else {
            throw TemplateError(
                .invalidValue, "\(path) must hold names of policies, policy templates or documents", at: policy.position)
        }
        if policy["Statement"] != nil {
            inlinePolicies.append(InlinePolicy(name: name, document: ExecutionRole.document(policy)))
            return
        }
        guard entries.count == 1, let entry = entries.first, let template = PolicyTemplate.named[entry.key] else {
            throw TemplateError(
                .unsupported, "\(path): there is no policy template `\(entries[0].key)` here",
                suggestion: nearest(entries[0].key, in: PolicyTemplate.named.keys), at: entries[0].keyPosition)
        }
        let values = try ExecutionRole.values(of: template, entry, path: path)
        inlinePolicies.append(InlinePolicy(name: name, document: template.document(values, context: context)))
    }

    private static func values(
        of template: PolicyTemplate, _ entry: TemplateNode.Entry, path: String
    ) throws -> [String: TemplateText] {
        var values: [String: TemplateText] = [:]
        let given = entry.value.isNull ? [] : entry.value.entries ?? []
        for parameter in given {
            guard template.parameters.contains(parameter.key) else {
                throw TemplateError(
                    .invalidValue, "\(path): \(entry.key) has no parameter `\(parameter.key)`",
                    suggestion: nearest(parameter.key, in: template.parameters), at: parameter.keyPosition)
            }
            guard let text = parameter.value.text else {
                throw TemplateError(.invalidValue, "\(path): \(parameter.key) must be a text", at: parameter.value.position)
            }
            values[parameter.key] = text
        }
        if let missing = template.parameters.first(where: { values[$0] == nil }) {
            throw TemplateError(.invalidValue, "\(path): \(entry.key) needs the parameter \(missing)", at: entry.keyPosition)
        }
        return values
    }

    /// AWS's own roles are below `service-role`.
    private static func managedARN(_ name: String) -> String {
        let serviceRoles: Set<String> = [
            "AWSLambdaBasicExecutionRole", "AWSLambdaVPCAccessExecutionRole", "AWSLambdaRole", "AWSLambdaDynamoDBExecutionRole",
            "AWSLambdaSQSQueueExecutionRole", "AWSLambdaKinesisExecutionRole",
        ]
        return "arn:aws:iam::aws:policy/\(serviceRoles.contains(name) ? "service-role/" : "")\(name)"
    }

    /// SAM lets documents leave their version out.
    private static func document(_ node: TemplateNode) -> PropertyValue {
        guard case .map(var members) = value(node) else { return .map([:]) }
        if members["Version"] == nil { members["Version"] = .string("2012-10-17") }
        return .map(members)
    }

    /// Numbers and booleans stay texts: policies take both.
    static func value(_ node: TemplateNode) -> PropertyValue {
        switch node.kind {
        case .scalar(let text, _): .text(text)
        case .list(let items): .list(items.map(value))
        case .map(let entries): .map(Dictionary(entries.map { ($0.key, value($0.value)) }) { _, last in last })
        }
    }

    private static let lambdaTrust = PropertyValue.map([
        "Version": .string("2012-10-17"),
        "Statement": .list([
            .map([
                "Effect": .string("Allow"), "Action": .string("sts:AssumeRole"),
                "Principal": .map(["Service": .string("lambda.amazonaws.com")]),
            ])
        ]),
    ])

    /// The properties of an `AWS::IAM::Role`.
    public var properties: [String: PropertyValue] {
        var properties: [String: PropertyValue] = [
            "RoleName": .string(name), "Path": .string(path), "AssumeRolePolicyDocument": trust,
            "ManagedPolicyArns": .list(managedPolicies.map { .text($0) }),
            "Policies": .list(
                inlinePolicies.map { .map(["PolicyName": .string($0.name), "PolicyDocument": $0.document]) }),
        ]
        if let permissionsBoundary { properties["PermissionsBoundary"] = .text(permissionsBoundary) }
        return properties
    }
}
