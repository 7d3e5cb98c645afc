/// A request's ExpressionAttributeNames and ExpressionAttributeValues, and which of them its expressions use.
struct ExpressionVariables {
    var names: [Text: Text] = [:]
    var values: [Text: AttributeValue] = [:]
    private(set) var usedNames: Set<Text> = []
    private(set) var usedValues: Set<Text> = []

    mutating func name(_ variable: String) -> Text? {
        usedNames.insert(Text(variable))
        return names[Text(variable)]
    }

    mutating func value(_ variable: String) -> AttributeValue? {
        usedValues.insert(Text(variable))
        return values[Text(variable)]
    }

    /// Throws unless every variable was used.
    func checkUse() throws {
        try ExpressionVariables.check("ExpressionAttributeNames", names.keys.filter { !usedNames.contains($0) })
        try ExpressionVariables.check("ExpressionAttributeValues", values.keys.filter { !usedValues.contains($0) })
    }

    private static func check(_ member: String, _ unused: [Text]) throws {
        guard !unused.isEmpty else { return }
        let keys = unused.sorted().map(\.string).joined(separator: ", ")
        throw DynamoDBError.validation("Value provided in \(member) unused in expressions: keys: {\(keys)}")
    }
}
