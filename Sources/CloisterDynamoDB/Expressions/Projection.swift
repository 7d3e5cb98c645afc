/// Which parts of an item are wanted.
struct Projection: Sendable, Equatable {
    var paths: [DocumentPath]

    init(_ paths: [DocumentPath]) { self.paths = paths }

    /// Throws ValidationException in DynamoDB's words.
    static func parse(_ expression: String, variables: inout ExpressionVariables) throws -> Projection {
        var reader = try TokenReader(expression, parameter: "ProjectionExpression", variables: variables)
        var paths: [DocumentPath] = []
        repeat { paths.append(try reader.path()) } while reader.take(",")
        if reader.isAtEnd, let text = PathConflicts.find(paths) { reader.note(text) }
        try reader.finish()
        variables = reader.variables
        return Projection(paths)
    }

    /// The wanted parts that are there, each within the maps and lists that hold it; elements of a list close up.
    func apply(to item: Item) -> Item {
        if paths.allSatisfy(\.isTopLevel) {
            var result = Item(minimumCapacity: paths.count)
            for path in paths { result[path.attribute] = item[path.attribute] }
            return result
        }
        var tree = Node()
        for path in paths { tree.insert(path.elements[...]) }
        guard case .map(let result) = tree.select(from: .map(item)) else { return [:] }
        return result
    }

    private struct Node {
        var children: [DocumentPath.Element: Node] = [:]

        mutating func insert(_ elements: ArraySlice<DocumentPath.Element>) {
            guard let first = elements.first else { return }
            children[first, default: Node()].insert(elements.dropFirst())
        }

        func select(from value: AttributeValue) -> AttributeValue? {
            if children.isEmpty { return value }
            switch value {
            case .map(let members):
                var selected = Item()
                for case (.name(let name), let child) in children {
                    selected[name] = members[name].flatMap { child.select(from: $0) }
                }
                return selected.isEmpty ? nil : .map(selected)
            case .list(let elements):
                let selected = elements.enumerated().compactMap { index, element in
                    children[.index(index)].flatMap { $0.select(from: element) }
                }
                return selected.isEmpty ? nil : .list(selected)
            default: return nil
            }
        }
    }
}
