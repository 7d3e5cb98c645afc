/// What a resource is to the Lambda API.
public enum ResourceKind: String, Sendable, Codable, CaseIterable {
    case function = "AWS::Lambda::Function"
    case layerVersion = "AWS::Lambda::LayerVersion"
    case version = "AWS::Lambda::Version"
    case alias = "AWS::Lambda::Alias"
    case permission = "AWS::Lambda::Permission"
    case eventInvokeConfiguration = "AWS::Lambda::EventInvokeConfig"
    case role = "AWS::IAM::Role"

    /// Gone as soon as their function is.
    public var belongsToFunction: Bool {
        switch self {
        case .version, .alias, .permission, .eventInvokeConfiguration: true
        case .function, .layerVersion, .role: false
        }
    }
}

/// Where code comes from.
public enum CodeSource: Hashable, Sendable {
    /// A folder, a zip file or a single file, relative to the template's folder or absolute.
    case path(String)
    /// Source text and the name of the file to put it in, `index.py` or `index.js`.
    case inline(fileName: String, source: String)
}

/// One resource as the template wants it, in the terms of the Lambda API.
public struct DesiredResource: Sendable {
    public var logicalID: String
    public var kind: ResourceKind
    /// The members of the API's create request, without code. Whatever can be changed later is always there, with
    /// AWS's default, so that a property taken out of the template goes back to it.
    public var properties: [String: PropertyValue]
    public var code: CodeSource?
    /// Logical ids of resources that have to be there before, from references and `DependsOn`.
    public var dependencies: Set<String>
    /// A version: published anew when the code of this function changes (`AutoPublishAlias`).
    public var publishesCodeOf: String?
    /// Left alone when the template no longer has it or a newer one takes its place (`DeletionPolicy: Retain`).
    public var isRetained: Bool
    public var position: SourcePosition

    public init(
        logicalID: String, kind: ResourceKind, properties: [String: PropertyValue], code: CodeSource? = nil,
        dependencies: Set<String> = [], publishesCodeOf: String? = nil, isRetained: Bool = false,
        position: SourcePosition
    ) {
        self.logicalID = logicalID
        self.kind = kind
        self.properties = properties
        self.code = code
        self.dependencies = dependencies
        self.publishesCodeOf = publishesCodeOf
        self.isRetained = isRetained
        self.position = position
    }
}
