/// What a deployment does to one resource, and why.
public struct Change: Hashable, Sendable {
    public enum Action: String, Sendable, Codable {
        case create = "Create"
        case update = "Update"
        /// Made anew; a function's old one is deleted first, because it has the same name.
        case replace = "Replace"
        case delete = "Delete"
        /// No longer wanted, but left there.
        case retain = "Retain"
        case unchanged = "Unchanged"
    }

    public var logicalID: String
    public var kind: ResourceKind
    public var action: Action
    /// For people.
    public var reasons: [String]
    /// Names of changed properties, sorted.
    public var properties: [String]
    public var isCodeChanged: Bool

    public init(
        _ action: Action, logicalID: String, kind: ResourceKind, reasons: [String] = [], properties: [String] = [],
        isCodeChanged: Bool = false
    ) {
        self.action = action
        self.logicalID = logicalID
        self.kind = kind
        self.reasons = reasons
        self.properties = properties
        self.isCodeChanged = isCodeChanged
    }
}
