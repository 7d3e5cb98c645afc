/// DynamoDB's documented quotas, and Cloister's own bounds, in one place.
enum DynamoDBLimits {
    // DynamoDB (quotas page, the service model, the expressions reference).

    static let itemBytesMax = 409_600
    static let partitionKeyBytesMax = 2_048
    static let sortKeyBytesMax = 1_024
    /// Lists and maps within an attribute.
    static let nestingMax = 32
    static let pageBytesMax = 1_048_576
    static let numberDigitsMax = 38
    /// A number's magnitude is at least 1E-130 and below 1E+126.
    static let numberExponentMin = -130
    static let numberExponentMax = 125
    static let attributeNameBytesMax = 65_535
    static let keyNameBytesMax = 255
    static let expressionBytesMax = 4_096
    static let expressionOperatorsMax = 300
    static let inOperandsMax = 100
    static let nameVariablesBytesMax = 2 << 20
    static let pathElementsMax = 32
    static let batchGetKeysMax = 100
    static let batchGetBytesMax = 16 << 20
    static let batchWriteRequestsMax = 25
    static let batchBytesMax = 16 << 20
    static let transactionActionsMax = 100
    static let transactionBytesMax = 4 << 20
    static let idempotencyMilliseconds: Int64 = 10 * 60_000
    static let globalIndexesMax = 20
    static let localIndexesMax = 5
    static let projectedAttributesMax = 100
    static let tagsMax = 50
    static let tablesMax = 2_500
    static let readUnitBytes = 4_096
    static let writeUnitBytes = 1_024
    static let statementBytesMax = 8_192
    static let batchStatementsMax = 25
    /// Items whose time to live ended longer ago are left alone.
    static let expiryAgeSecondsMax: Int64 = 5 * 365 * 86_400
    static let bodyBytesMax = 16 << 20

    // Cloister's own.

    /// Arrays and objects in a request; two for every level of an attribute, and the request's own.
    static let jsonDepthMax = 128
    /// Parentheses and functions in an expression.
    static let expressionNestingMax = 100
    /// Writes of one step when an index is filled, a dropped table's items are removed, or expired items are.
    static let backgroundBatchItems = 100
}
