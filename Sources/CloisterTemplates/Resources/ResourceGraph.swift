/// A template's resources in the order in which they have to be made, with outputs and warnings.
public struct ResourceGraph: Sendable {
    public struct Output: Sendable {
        public var name: String
        public var value: TemplateText
        public var description: String?
    }

    /// Dependencies before dependants, otherwise as in the file.
    public let resources: [DesiredResource]
    public let outputs: [Output]
    /// In the order of the file; no two are the same.
    public let warnings: [TemplateWarning]
    public let description: String?

    init(
        resources: [DesiredResource], outputs: [Output], warnings: [TemplateWarning], description: String?
    ) throws {
        self.resources = try ResourceGraph.ordered(resources)
        self.outputs = outputs
        self.warnings = warnings
        self.description = description
    }

    public subscript(logicalID: String) -> DesiredResource? { resources.first { $0.logicalID == logicalID } }

    /// Depth first; throws `circular` with the whole path.
    private static func ordered(_ resources: [DesiredResource]) throws -> [DesiredResource] {
        let byID = Dictionary(resources.map { ($0.logicalID, $0) }) { first, _ in first }
        var done: Set<String> = []
        var path: [String] = []
        var order: [DesiredResource] = []
        func visit(_ resource: DesiredResource) throws {
            if done.contains(resource.logicalID) { return }
            if let start = path.firstIndex(of: resource.logicalID) {
                let circle = (path[start...] + [resource.logicalID]).joined(separator: " → ")
                throw TemplateError(
                    .circular, "resources depend on each other: \(circle)",
                    suggestion: "take one reference out or write the name itself", at: resource.position)
            }
            path.append(resource.logicalID)
            for name in resource.dependencies.sorted() {
                if let dependency = byID[name] { try visit(dependency) }
            }
            path.removeLast()
            done.insert(resource.logicalID)
            order.append(resource)
        }
        for resource in resources { try visit(resource) }
        return order
    }
}
