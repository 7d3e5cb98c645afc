/// A parsed statement; parameters are filled in already.
enum PartiQLStatement: Sendable {
    struct Select: Sendable {
        /// Nil for `*`.
        var projection: Projection?
        var table: String
        var index: String?
        var condition: Condition?
        /// The attribute and the direction of ORDER BY.
        var order: (attribute: Text, isForward: Bool)?
    }

    struct Change: Sendable {
        var table: String
        var condition: Condition
        /// Nil for DELETE.
        var update: Update?
        /// `ALL OLD`, `MODIFIED NEW`, …, as ReturnValues has it.
        var returning: String?
    }

    case select(Select)
    case insert(table: String, item: Item)
    case change(Change)
    /// `EXISTS(SELECT …)`, in transactions.
    case exists(Select)

    var table: String {
        switch self {
        case .select(let select), .exists(let select): select.table
        case .insert(let table, _): table
        case .change(let change): change.table
        }
    }

    var isRead: Bool {
        if case .select = self { true } else { false }
    }

    /// IAM's action.
    var action: String {
        switch self {
        case .select, .exists: "PartiQLSelect"
        case .insert: "PartiQLInsert"
        case .change(let change): change.update == nil ? "PartiQLDelete" : "PartiQLUpdate"
        }
    }
}

extension Condition {
    /// The conditions that must all hold.
    var conjuncts: [Condition] {
        if case .all(let conditions) = self { conditions.flatMap(\.conjuncts) } else { [self] }
    }

    /// The values of `name = value` or `name IN [values]`; nil for any other condition.
    func equalities(to name: Text) -> [AttributeValue]? {
        let path = Operand.path(DocumentPath(name))
        switch self {
        case .compare(.equal, path, .value(let value)), .compare(.equal, .value(let value), path): return [value]
        case .among(path, let operands):
            let values = operands.compactMap { if case .value(let value) = $0 { value } else { nil } }
            return values.count == operands.count ? values : nil
        default: return nil
        }
    }

    /// The whole key that the condition fixes by equalities, and what it asks beyond them. Nil when it fixes no key.
    func key(_ schema: KeySchema) -> (key: Item, rest: Condition?)? {
        var key = Item()
        var rest: [Condition] = []
        for condition in conjuncts {
            let name = schema.names.first { name in
                key[name] == nil && condition.equalities(to: name)?.count == 1
            }
            if let name, let value = condition.equalities(to: name)?.first {
                key[name] = value
            } else {
                rest.append(condition)
            }
        }
        guard key.count == schema.names.count else { return nil }
        return (key, rest.isEmpty ? nil : .all(rest))
    }
}
