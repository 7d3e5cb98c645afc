/// Where in an item: an attribute's name, then names of members and indexes of elements.
struct DocumentPath: Hashable, Sendable, CustomStringConvertible {
    enum Element: Hashable, Sendable {
        case name(Text)
        case index(Int)
    }

    var attribute: Text
    var rest: [Element] = []

    init(_ attribute: Text, _ rest: [Element] = []) {
        self.attribute = attribute
        self.rest = rest
    }

    var isTopLevel: Bool { rest.isEmpty }
    var elements: [Element] { [.name(attribute)] + rest }

    /// As the messages spell it: `[a, b, [0]]`.
    var description: String {
        let parts = elements.map { element in
            switch element {
            case .name(let name): name.string
            case .index(let index): "[\(index)]"
            }
        }
        return "[\(parts.joined(separator: ", "))]"
    }

    func value(in item: Item) -> AttributeValue? {
        guard var value = item[attribute] else { return nil }
        for element in rest {
            switch (element, value) {
            case (.name(let name), .map(let members)):
                guard let member = members[name] else { return nil }
                value = member
            case (.index(let index), .list(let elements)):
                guard index < elements.count else { return nil }
                value = elements[index]
            default: return nil
            }
        }
        return value
    }
}

/// The rules about paths that touch each other within one expression.
enum PathConflicts {
    /// The text about the first two paths that overlap, or that use one value as a map and as a list; nil if none do.
    static func find(_ paths: [DocumentPath]) -> String? {
        for (index, second) in paths.enumerated() {
            for first in paths[..<index] {
                if let text = conflict(first, second) { return text }
            }
        }
        return nil
    }

    private static func conflict(_ first: DocumentPath, _ second: DocumentPath) -> String? {
        let pairs = zip(first.elements, second.elements)
        guard let difference = pairs.first(where: { $0 != $1 }) else {
            return text("overlap", first, second)
        }
        switch difference {
        case (.name, .index), (.index, .name): return text("conflict", first, second)
        default: return nil
        }
    }

    private static func text(_ verb: String, _ first: DocumentPath, _ second: DocumentPath) -> String {
        "Two document paths \(verb) with each other; must remove or rewrite one of these paths; "
            + "path one: \(first), path two: \(second)"
    }
}
