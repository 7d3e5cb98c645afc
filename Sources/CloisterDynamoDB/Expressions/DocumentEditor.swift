/// Changes parts of an item in place.
enum DocumentEditor {
    /// Throws when what would hold the value isn't there, or is of another type. An index beyond a list's end appends.
    static func set(_ path: DocumentPath, _ value: AttributeValue, in item: inout Item) throws {
        guard !path.isTopLevel else {
            item[path.attribute] = value
            return
        }
        guard var root = item[path.attribute] else { throw UpdateFault.invalidPath }
        try set(path.rest[...], value, in: &root)
        item[path.attribute] = root
    }

    /// Removes what is there; indexes count in the item `before` the update.
    static func remove(_ paths: [DocumentPath], from item: inout Item, before: Item) throws {
        // From the back, so that earlier removals don't shift later ones.
        for path in paths.sorted(by: { isAfter($0.elements, $1.elements) }) {
            guard !path.isTopLevel else {
                item[path.attribute] = nil
                continue
            }
            guard var root = item[path.attribute] else { throw UpdateFault.invalidPath }
            let parent = DocumentPath(path.attribute, path.rest.dropLast()).value(in: before)
            if case .index(let index) = path.rest.last, case .list(let elements) = parent, index >= elements.count {
                continue
            }
            try remove(path.rest[...], from: &root)
            item[path.attribute] = root
        }
    }

    private static func set(
        _ rest: ArraySlice<DocumentPath.Element>, _ value: AttributeValue, in holder: inout AttributeValue
    ) throws {
        guard let first = rest.first else {
            holder = value
            return
        }
        switch (first, holder) {
        case (.name(let name), .map(var members)):
            if rest.count == 1 {
                members[name] = value
            } else {
                guard var member = members[name] else { throw UpdateFault.invalidPath }
                try set(rest.dropFirst(), value, in: &member)
                members[name] = member
            }
            holder = .map(members)
        case (.index(let index), .list(var elements)):
            if index < elements.count {
                try set(rest.dropFirst(), value, in: &elements[index])
            } else {
                guard rest.count == 1 else { throw UpdateFault.invalidPath }
                elements.append(value)
            }
            holder = .list(elements)
        default: throw UpdateFault.invalidPath
        }
    }

    private static func remove(
        _ rest: ArraySlice<DocumentPath.Element>, from holder: inout AttributeValue
    ) throws {
        guard let first = rest.first else { return }
        switch (first, holder) {
        case (.name(let name), .map(var members)):
            if rest.count == 1 {
                members[name] = nil
            } else {
                guard var member = members[name] else { throw UpdateFault.invalidPath }
                try remove(rest.dropFirst(), from: &member)
                members[name] = member
            }
            holder = .map(members)
        case (.index(let index), .list(var elements)):
            guard index < elements.count else {
                guard rest.count == 1 else { throw UpdateFault.invalidPath }
                return
            }
            if rest.count == 1 { elements.remove(at: index) } else {
                try remove(rest.dropFirst(), from: &elements[index])
            }
            holder = .list(elements)
        default: throw UpdateFault.invalidPath
        }
    }

    /// Any order in which, of two elements of one list, the later one comes first.
    private static func isAfter(_ first: [DocumentPath.Element], _ second: [DocumentPath.Element]) -> Bool {
        for (a, b) in zip(first, second) where a != b {
            switch (a, b) {
            case (.index(let a), .index(let b)): return a > b
            case (.name(let a), .name(let b)): return a > b
            case (.index, .name): return true
            case (.name, .index): return false
            }
        }
        return first.count > second.count
    }
}
