extension DynamoDBService {
    func describeTimeToLive(_ call: DynamoDBCall) async throws -> JSON {
        let table = try await named(call, "DescribeTimeToLive")
        guard let name = table.definition.timeToLiveAttribute else {
            return ["TimeToLiveDescription": ["TimeToLiveStatus": "DISABLED"]]
        }
        let status: JSON = table.definition.isRebuilding ? "ENABLING" : "ENABLED"
        return ["TimeToLiveDescription": ["AttributeName": .string(name), "TimeToLiveStatus": status]]
    }

    func updateTimeToLive(_ call: DynamoDBCall) async throws -> JSON {
        var constraints = Constraints()
        try TableName.check(call.input, &constraints)
        let specification = try call.input.structure("TimeToLiveSpecification", shape: "TimeToLiveSpecification")
        let name = try specification?.string("AttributeName")
        let isEnabled = try specification?.bool("Enabled")
        constraints.require(specification != nil, "timeToLiveSpecification")
        if specification != nil {
            constraints.require(name != nil, "timeToLiveSpecification.attributeName")
            constraints.length(name, "timeToLiveSpecification.attributeName", 1...255)
            constraints.require(isEnabled != nil, "timeToLiveSpecification.enabled")
        }
        try constraints.check()
        guard let name, let isEnabled else { throw DynamoDBError.validation("TimeToLiveSpecification is incomplete") }
        var table = try await named(call, "UpdateTimeToLive")
        try DynamoDBService.check(
            table.definition.timeToLiveAttribute, becomes: isEnabled ? Text(name) : nil, Text(name))
        table.definition.timeToLiveAttribute = isEnabled ? Text(name) : nil
        table.definition.isRebuilding = true
        try await update(table)
        startRebuilding(table.id)
        return ["TimeToLiveSpecification": ["AttributeName": .text(name), "Enabled": .bool(isEnabled)]]
    }

    private static func check(_ current: Text?, becomes new: Text?, _ name: Text) throws {
        switch (current, new) {
        case (nil, nil): throw DynamoDBError.validation("TimeToLive is already disabled")
        case (let current?, let new?) where current == new:
            throw DynamoDBError.validation("TimeToLive is already enabled")
        case (let current?, _) where current != name:
            throw DynamoDBError.validation(
                "TimeToLive is active on a different AttributeName: current AttributeName is \(current)")
        default: break
        }
    }
}
