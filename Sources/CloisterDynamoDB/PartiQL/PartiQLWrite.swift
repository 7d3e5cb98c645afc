/// INSERT, UPDATE, DELETE and EXISTS, as the writes of items that they are.
enum PartiQLWrite {
    static func input(
        _ statement: PartiQLStatement, _ definition: TableDefinition, returnsOldOnFailure: Bool = false
    ) throws -> WriteInput {
        switch statement {
        case .insert(let table, let item):
            try WriteInput.check(item)
            return WriteInput(
                .put, tableName: table, item: item,
                condition: .notExists(DocumentPath(definition.schema.partition)), conditionFailure: duplicate)
        case .change(let change):
            let (key, rest) = try key(change.condition, definition)
            let exists = Condition.exists(DocumentPath(definition.schema.partition))
            // An update needs the item; a delete of none is fine.
            let condition = change.update == nil ? rest : .all([exists] + (rest.map { [$0] } ?? []))
            return WriteInput(
                change.update == nil ? .delete : .update, tableName: change.table, item: key, update: change.update,
                condition: condition, returnsOldOnFailure: returnsOldOnFailure)
        case .exists(let select):
            let (key, rest) = try key(select.condition ?? .all([]), definition)
            let exists = Condition.exists(DocumentPath(definition.schema.partition))
            return WriteInput(
                .check, tableName: select.table, item: key, condition: .all([exists] + (rest.map { [$0] } ?? [])))
        case .select: throw DynamoDBError.validation("A SELECT is no write")
        }
    }

    static func get(
        _ select: PartiQLStatement.Select, _ definition: TableDefinition, where text: String
    ) throws -> GetInput {
        guard select.index == nil, let (key, rest) = select.condition?.key(definition.schema), rest == nil else {
            throw DynamoDBError.validation(text)
        }
        return GetInput(tableName: select.table, key: key, projection: select.projection)
    }

    private static func key(
        _ condition: Condition, _ definition: TableDefinition
    ) throws -> (key: Item, rest: Condition?) {
        guard let found = condition.key(definition.schema) else {
            throw DynamoDBError.validation(
                "Where clause does not contain a mandatory equality on all key attributes")
        }
        return found
    }

    private static let duplicate = DynamoDBError(
        "DuplicateItemException", "Duplicate primary key exists in table")
}
