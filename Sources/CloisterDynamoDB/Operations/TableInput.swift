/// Reads the parts of CreateTable and UpdateTable, and says in DynamoDB's words what is wrong with them.
enum TableInput {
    struct IndexInput: Sendable {
        var name: String
        var kind: IndexDefinition.Kind
        var schema: KeySchema
        var projection: IndexDefinition.Projection
        var nonKeyAttributes: [Text]
        var throughput: Throughput?
        var onDemand: Throughput?

        func definition(id: Int64, status: IndexDefinition.Status) -> IndexDefinition {
            IndexDefinition(
                id: id, name: name, kind: kind, status: status, schema: schema, projection: projection,
                nonKeyAttributes: nonKeyAttributes, throughput: throughput, onDemand: onDemand)
        }
    }

    // MARK: Parts

    static func attributes(_ input: Input, _ constraints: inout Constraints) throws -> [AttributeDefinition] {
        var definitions: [AttributeDefinition] = []
        for (index, element) in (try input.structures("AttributeDefinitions") ?? []).enumerated() {
            let member = "attributeDefinitions.\(index + 1).member"
            let name = try element.string("AttributeName")
            let type = try element.string("AttributeType")
            constraints.require(name != nil, member + ".attributeName")
            constraints.length(name, member + ".attributeName", 1...DynamoDBLimits.keyNameBytesMax)
            constraints.require(type != nil, member + ".attributeType")
            constraints.choice(type, member + ".attributeType", ["B", "N", "S"])
            if let name, let type = type.flatMap(AttributeType.init(rawValue:)) {
                definitions.append(AttributeDefinition(name: Text(name), type: type))
            }
        }
        return definitions
    }

    /// Nil while constraints aren't met.
    static func schema(
        _ input: Input, at member: String, _ constraints: inout Constraints
    ) throws -> [(Text, String)]? {
        guard let elements = try input.structures("KeySchema", shape: "KeySchemaElement") else {
            constraints.require(false, member)
            return nil
        }
        constraints.count(elements.count, "[]", member, 1...2)
        var schema: [(Text, String)] = []
        for (index, element) in elements.enumerated() {
            let place = "\(member).\(index + 1).member"
            let name = try element.string("AttributeName")
            let type = try element.string("KeyType")
            constraints.require(name != nil, place + ".attributeName")
            constraints.length(name, place + ".attributeName", 1...DynamoDBLimits.keyNameBytesMax)
            constraints.require(type != nil, place + ".keyType")
            constraints.choice(type, place + ".keyType", ["HASH", "RANGE"])
            if let name, let type { schema.append((Text(name), type)) }
        }
        return schema
    }

    static func keySchema(_ elements: [(Text, String)], _ attributes: [AttributeDefinition]) throws -> KeySchema {
        guard let first = elements.first, first.1 == "HASH" else {
            throw DynamoDBError.invalidParameter("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
        }
        let second = elements.dropFirst().first
        if let second {
            guard second.0 != first.0 else {
                throw DynamoDBError.validation(
                    "Both the Hash Key and the Range Key element in the KeySchema have the same name")
            }
            guard second.1 == "RANGE" else {
                throw DynamoDBError.invalidParameter(
                    "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
            }
        }
        let schema = KeySchema(partition: first.0, sort: second?.0)
        let known = Set(attributes.map(\.name))
        guard schema.names.allSatisfy(known.contains) else {
            throw DynamoDBError.invalidParameter(
                "Some index key attributes are not defined in AttributeDefinitions. "
                    + "Keys: [\(list(schema.names))], AttributeDefinitions: [\(list(known.sorted()))]")
        }
        return schema
    }

    static func throughput(_ input: Input, at member: String, _ constraints: inout Constraints) throws -> Throughput? {
        guard let element = try input.structure("ProvisionedThroughput", shape: "ProvisionedThroughput") else {
            return nil
        }
        let read = try element.integer("ReadCapacityUnits")
        let write = try element.integer("WriteCapacityUnits")
        constraints.require(write != nil, member + ".writeCapacityUnits")
        constraints.value(write, member + ".writeCapacityUnits", 1...Int.max)
        constraints.require(read != nil, member + ".readCapacityUnits")
        constraints.value(read, member + ".readCapacityUnits", 1...Int.max)
        guard let read, let write else { return nil }
        return Throughput(readUnits: read, writeUnits: write)
    }

    static func onDemand(_ input: Input) throws -> Throughput? {
        guard let element = try input.structure("OnDemandThroughput", shape: "OnDemandThroughput") else { return nil }
        return Throughput(
            readUnits: try element.integer("MaxReadRequestUnits") ?? -1,
            writeUnits: try element.integer("MaxWriteRequestUnits") ?? -1)
    }

    /// What is left out of Cloister: refused by name, so that nobody believes to have it.
    static func refuseUnbuilt(_ input: Input, _ operation: String) throws {
        let unbuilt: [Text] = [
            "ReplicaUpdates", "GlobalTableSourceArn", "GlobalTableWitnessUpdates", "MultiRegionConsistency",
            "ResourcePolicy",
        ]
        let streams = try input.structure("StreamSpecification", shape: "StreamSpecification")
        let isStreaming = try streams?.bool("StreamEnabled") ?? false
        let name = isStreaming ? "StreamSpecification" : unbuilt.first(where: input.has)?.string
        guard let name else { return }
        throw DynamoDBError(
            "NotImplementedException", status: 501, "\(operation) with \(name) is not implemented by Cloister.")
    }

    // MARK: Indexes

    /// Parsed as far as the model's constraints go; `check` does the rest.
    static func index(
        _ input: Input, _ kind: IndexDefinition.Kind, at member: String, _ constraints: inout Constraints
    ) throws -> (input: Input, name: String, schema: [(Text, String)], throughput: Throughput?)? {
        let name = try input.string("IndexName")
        constraints.require(name != nil, member + ".indexName")
        constraints.name(name, member + ".indexName")
        let schema = try schema(input, at: member + ".keySchema", &constraints)
        let projection = try input.structure("Projection", shape: "Projection")
        constraints.require(projection != nil, member + ".projection")
        constraints.choice(
            try projection?.string("ProjectionType"), member + ".projection.projectionType",
            ["ALL", "INCLUDE", "KEYS_ONLY"])
        let names = try projection?.strings("NonKeyAttributes")
        constraints.count(names?.count, "[]", member + ".projection.nonKeyAttributes", 1...20)
        let throughput = try throughput(input, at: member + ".provisionedThroughput", &constraints)
        guard let name, let schema else { return nil }
        return (input, name, schema, throughput)
    }

    static func check(
        _ parsed: (input: Input, name: String, schema: [(Text, String)], throughput: Throughput?),
        _ kind: IndexDefinition.Kind, _ attributes: [AttributeDefinition]
    ) throws -> IndexInput {
        let schema = try keySchema(parsed.schema, attributes)
        let projection = try parsed.input.structure("Projection", shape: "Projection")
        guard let text = try projection?.string("ProjectionType"),
            let type = IndexDefinition.Projection(rawValue: text)
        else { throw DynamoDBError.invalidParameter("Unknown ProjectionType: null") }
        let names = try projection?.strings("NonKeyAttributes")
        if type != .include, names != nil {
            throw DynamoDBError.invalidParameter(
                "ProjectionType is \(type.rawValue), but NonKeyAttributes is specified")
        }
        if type == .include, names == nil {
            throw DynamoDBError.invalidParameter("ProjectionType is INCLUDE, but NonKeyAttributes is not specified")
        }
        return IndexInput(
            name: parsed.name, kind: kind, schema: schema, projection: type, nonKeyAttributes: names ?? [],
            throughput: parsed.throughput, onDemand: try onDemand(parsed.input))
    }

    static func list(_ names: some Sequence<Text>) -> String { names.map(\.string).joined(separator: ", ") }
}
