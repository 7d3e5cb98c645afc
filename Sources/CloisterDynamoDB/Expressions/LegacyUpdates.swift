/// AttributeUpdates, as an update.
enum LegacyUpdates {
    static func update(_ members: [JSON.Member]) throws -> Update {
        var update = Update(actions: try members.map(action), isLegacy: true)
        update.actions.sort { rank($0) < rank($1) }
        return update
    }

    private static func action(_ member: JSON.Member) throws -> Update.Action {
        let input = try Input(member.value, shape: "AttributeValueUpdate")
        let path = DocumentPath(member.name)
        let value = try input["Value"].map { try AttributeValueCoding.value($0) }
        let action = try input.string("Action") ?? "PUT"
        var constraints = Constraints()
        constraints.choice(action, "attributeUpdates.\(member.name).member.action", ["PUT", "ADD", "DELETE"])
        try constraints.check()
        switch (action, value) {
        case ("DELETE", nil): return .remove(path)
        case ("DELETE", let value?):
            guard value.type.isSet else { throw notSupported("DELETE", value) }
            return .delete(path, value)
        case (_, nil):
            throw DynamoDBError.invalidParameter("Only DELETE action is allowed when no attribute value is specified")
        case ("ADD", let value?):
            guard value.type == .number || value.type.isSet || value.type == .list else {
                throw notSupported("ADD", value)
            }
            return .add(path, value)
        case (_, let value?): return .set(path, .value(value))
        }
    }

    private static func notSupported(_ action: String, _ value: AttributeValue) -> DynamoDBError {
        .invalidParameter("\(action) action is not supported for the type \(value.type.rawValue)")
    }

    private static func rank(_ action: Update.Action) -> Int {
        switch action {
        case .set: 0
        case .remove: 1
        case .add: 2
        case .delete: 3
        }
    }
}
