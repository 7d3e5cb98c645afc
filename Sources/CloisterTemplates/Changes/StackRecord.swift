/// One resource as it was deployed.
public struct DeployedResource: Codable, Hashable, Sendable {
    public var logicalID: String
    public var kind: ResourceKind
    /// A function's or role's name, a layer version's ARN, a version's number, an alias's name.
    public var physicalID: String
    /// What `Ref` and `Fn::GetAtt` give.
    public var attributes: [String: String]
    /// As the template wanted them, with `${Resource.Attribute}` for what was unknown before deployment.
    public var properties: [String: JSONValue]
    /// SHA-256 in base64 of the code package that was sent.
    public var codeSHA256: String?
    public var dependencies: [String]
    public var isRetained: Bool
    /// False from before the first call that makes or changes the resource until the last has been answered.
    public var isComplete: Bool

    public init(
        logicalID: String, kind: ResourceKind, physicalID: String, attributes: [String: String] = [:],
        properties: [String: JSONValue], codeSHA256: String? = nil, dependencies: [String] = [],
        isRetained: Bool = false, isComplete: Bool = true
    ) {
        self.logicalID = logicalID
        self.kind = kind
        self.physicalID = physicalID
        self.attributes = attributes
        self.properties = properties
        self.codeSHA256 = codeSHA256
        self.dependencies = dependencies
        self.isRetained = isRetained
        self.isComplete = isComplete
    }
}

/// What a deployment left behind: kept by the server, one record per stack.
public struct StackRecord: Codable, Hashable, Sendable {
    /// CloudFormation's words.
    public enum Status: String, Codable, Sendable {
        case inProgress = "UPDATE_IN_PROGRESS"
        case complete = "UPDATE_COMPLETE"
        case rolledBack = "UPDATE_ROLLBACK_COMPLETE"
        case rollbackFailed = "UPDATE_ROLLBACK_FAILED"
    }

    public var name: String
    public var region: String
    public var status: Status
    /// In the order in which they were made.
    public var resources: [DeployedResource]
    public var outputs: [String: String]
    /// RFC 3339, UTC.
    public var updatedAt: String

    public init(
        name: String, region: String, status: Status = .complete, resources: [DeployedResource] = [],
        outputs: [String: String] = [:], updatedAt: String = ""
    ) {
        self.name = name
        self.region = region
        self.status = status
        self.resources = resources
        self.outputs = outputs
        self.updatedAt = updatedAt
    }

    public subscript(logicalID: String) -> DeployedResource? { resources.first { $0.logicalID == logicalID } }

    /// Puts `resource` in the place of the one with its logical id, or at the end.
    public mutating func put(_ resource: DeployedResource) {
        if let index = resources.firstIndex(where: { $0.logicalID == resource.logicalID }) {
            resources[index] = resource
        } else {
            resources.append(resource)
        }
    }

    public mutating func remove(_ logicalID: String) { resources.removeAll { $0.logicalID == logicalID } }
}
