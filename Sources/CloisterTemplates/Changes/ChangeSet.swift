/// The difference between what a template wants and what is deployed. Pure.
public struct ChangeSet: Sendable {
    /// Creations, updates and replacements in the order of dependencies, then deletions in the opposite one.
    public let changes: [Change]

    public var isEmpty: Bool { changes.allSatisfy { $0.action == .unchanged } }

    public subscript(logicalID: String) -> Change? { changes.first { $0.logicalID == logicalID } }

    /// `codeDigests`: SHA-256 in base64 of each resource's code package, by logical id.
    public init(desired: ResourceGraph, codeDigests: [String: String], deployed: StackRecord?) {
        var comparison = Comparison(graph: desired, codeDigests: codeDigests, deployed: deployed)
        for resource in desired.resources { comparison.compare(resource) }
        comparison.addDeletions()
        changes = comparison.changes
    }

    /// Deletes everything that is deployed.
    public init(deleting deployed: StackRecord) {
        changes = Comparison.deletions(of: deployed.resources)
    }
}

private struct Comparison {
    let graph: ResourceGraph
    let codeDigests: [String: String]
    let deployed: StackRecord?
    var changes: [Change] = []
    /// By logical id; dependencies come first, so theirs are there.
    private var actions: [String: Change.Action] = [:]

    init(graph: ResourceGraph, codeDigests: [String: String], deployed: StackRecord?) {
        self.graph = graph
        self.codeDigests = codeDigests
        self.deployed = deployed
    }

    mutating func compare(_ resource: DesiredResource) {
        let change = change(of: resource)
        actions[resource.logicalID] = change.action
        changes.append(change)
    }

    mutating func addDeletions() {
        let wanted = Set(graph.resources.map(\.logicalID))
        let unwanted = (deployed?.resources ?? []).filter { !wanted.contains($0.logicalID) }
        changes += Comparison.deletions(of: unwanted)
    }

    /// Last made first.
    static func deletions(of resources: [DeployedResource]) -> [Change] {
        let functions = Set(resources.filter { $0.kind == .function && !$0.isRetained }.map(\.logicalID))
        return resources.reversed().map { deletion($0, withFunctions: functions) }
    }

    /// A function takes what belongs to it along, whatever the template says of that.
    private static func deletion(_ resource: DeployedResource, withFunctions functions: Set<String>) -> Change {
        let goesAlong = resource.kind.belongsToFunction && !functions.isDisjoint(with: resource.dependencies)
        guard resource.isRetained, !goesAlong else {
            return Change(.delete, logicalID: resource.logicalID, kind: resource.kind)
        }
        return Change(
            .retain, logicalID: resource.logicalID, kind: resource.kind, reasons: ["kept as the template says"])
    }

    private func change(of resource: DesiredResource) -> Change {
        guard let before = deployed?[resource.logicalID] else {
            return Change(.create, logicalID: resource.logicalID, kind: resource.kind)
        }
        func replace(_ reason: String) -> Change {
            Change(.replace, logicalID: resource.logicalID, kind: resource.kind, reasons: [reason])
        }
        if before.kind != resource.kind { return replace("was a \(before.kind.rawValue)") }
        if !before.isComplete { return replace("an earlier deployment of it was interrupted") }
        if resource.kind.belongsToFunction, let function = replacedFunction(of: resource) {
            return replace("\(function) is replaced")
        }
        if let function = resource.publishesCodeOf, isCodeChanged(function) || isNew(function) {
            return replace("the code of \(function) has changed")
        }
        return difference(resource, before)
    }

    private func difference(_ resource: DesiredResource, _ before: DeployedResource) -> Change {
        let names = changedProperties(resource, before)
        let isCodeChanged = codeDigests[resource.logicalID] != before.codeSHA256
        var change = Change(
            .unchanged, logicalID: resource.logicalID, kind: resource.kind, properties: names,
            isCodeChanged: isCodeChanged)
        if isCodeChanged { change.reasons.append("code") }
        change.reasons += names.map { reason($0, of: resource, before) }
        guard isCodeChanged || !names.isEmpty else { return change }
        let createOnly = Comparison.createOnly(resource.kind)
        let isReplaced = createOnly.map { only in names.contains(where: only.contains) } ?? true
        change.action = isReplaced ? .replace : .update
        return change
    }

    /// Names of properties that differ, and of those that hold an attribute which is about to change.
    private func changedProperties(_ resource: DesiredResource, _ before: DeployedResource) -> [String] {
        let names = Set(resource.properties.keys).union(before.properties.keys)
        return names.filter { name in
            if resource.properties[name]?.json != before.properties[name] { return true }
            let sources = resource.properties[name]?.resources ?? []
            return sources.contains { isNew($0) }
        }.sorted()
    }

    private func reason(_ name: String, of resource: DesiredResource, _ before: DeployedResource) -> String {
        let after = resource.properties[name]?.json
        if after == before.properties[name] {
            let sources = (resource.properties[name]?.resources ?? []).filter { isNew($0) }.sorted()
            return "\(name) (\(sources.joined(separator: ", ")) is new)"
        }
        guard let old = Comparison.short(before.properties[name]), let new = Comparison.short(after) else {
            return name
        }
        return "\(name) \(old) → \(new)"
    }

    /// Numbers, flags and tenancy only: texts may be secrets.
    private static func short(_ value: JSONValue?) -> String? {
        switch value {
        case nil: "none"
        case .integer(let number): String(number)
        case .bool(let flag): String(flag)
        case .object(let members) where members.count == 1:
            members["TenantIsolationMode"]?.string ?? members["Size"]?.integer.map { String($0) }
        default: nil
        }
    }

    private func isNew(_ logicalID: String) -> Bool {
        actions[logicalID] == .create || actions[logicalID] == .replace
    }

    private func isCodeChanged(_ logicalID: String) -> Bool {
        codeDigests[logicalID] != deployed?[logicalID]?.codeSHA256
    }

    private func replacedFunction(of resource: DesiredResource) -> String? {
        resource.dependencies.sorted().first { graph[$0]?.kind == .function && isNew($0) }
    }

    /// Properties that can't be changed in place; nil: none can.
    private static func createOnly(_ kind: ResourceKind) -> Set<String>? {
        switch kind {
        case .function: ["FunctionName", "TenancyConfig"]
        case .alias: ["FunctionName", "Name"]
        case .eventInvokeConfiguration: ["FunctionName", "Qualifier"]
        case .role: ["RoleName", "Path"]
        // All but its provisioned concurrency.
        case .version: ["FunctionName", "Description", "CodeSha256", "PublishedProperties"]
        case .layerVersion, .permission: nil
        }
    }
}
