import CloisterCore
import CloisterServiceKit
import Foundation
import Logging

/// DynamoDB's API (JSON 1.0) over its own file in the data directory. Which operations there are: `DynamoDBCoverage`.
///
/// Items are encrypted with their table's data key, which `keys` wraps; it is unwrapped for every call and not kept, so
/// that a disabled KMS key stops the table at once. Tables belong to the caller's account and region.
public struct DynamoDBService: Service {
    public let signingName = "dynamodb"
    public let access = ServiceAccess.decidedByService
    public var targetPrefix: String? { wire.targetPrefix }

    let storage: any Storage
    let keys: any KeyService
    let authorizer: any Authorizer
    let catalog: TableCatalog
    let background: BackgroundWork
    /// Milliseconds since 1970.
    let now: @Sendable () -> Int64
    let random: @Sendable (_ bytes: Int) -> [UInt8]
    let logger: Logger
    private let wire = JSONProtocol(
        version: "1.0", targetPrefix: "DynamoDB_20120810.", bodyBytesMax: DynamoDBLimits.bodyBytesMax)

    /// Opens or makes `dynamodb.db` in `directory`, which must exist. Throws a text for the operator.
    public init(
        directory: String, keys: any KeyService, authorizer: any Authorizer,
        logger: Logger = Logger(label: "cloister.dynamodb"),
        now: @escaping @Sendable () -> Int64 = DynamoDBService.systemTime,
        random: @escaping @Sendable (_ bytes: Int) -> [UInt8] = DynamoDBService.systemRandom
    ) throws {
        self.init(
            storage: try SQLiteStorage(path: directory + "/dynamodb.db"), keys: keys, authorizer: authorizer,
            logger: logger, now: now, random: random)
    }

    init(
        storage: any Storage, keys: any KeyService, authorizer: any Authorizer, logger: Logger,
        now: @escaping @Sendable () -> Int64, random: @escaping @Sendable (_ bytes: Int) -> [UInt8]
    ) {
        self.storage = storage
        self.keys = keys
        self.authorizer = authorizer
        self.logger = logger
        self.now = now
        self.random = random
        catalog = TableCatalog(storage: storage)
        background = BackgroundWork()
    }

    public func respond(to request: ServiceRequest) async -> ServiceResponse {
        do {
            let call = try wire.call(request)
            guard let operation = DynamoDBCoverage.operations[call.operation] else {
                throw JSONProtocol.unknownOperation
            }
            guard let handler = operation.handler else { throw JSONProtocol.notBuilt(call.operation) }
            return success(try await answer(try DynamoDBCall(call), handler))
        } catch {
            return failure(DynamoDBError.from(error))
        }
    }

    private func answer(_ call: DynamoDBCall, _ handler: DynamoDBCoverage.Handler) async throws -> JSON {
        try await retrying(call) { try await handler(self, $0) }
    }

    /// Runs `body` anew when a table was changed between its reading and the write, or when the write would make an
    /// index key that the authorizer must see first: nothing has happened then.
    func retrying<Output>(
        _ call: DynamoDBCall, _ body: (DynamoDBCall) async throws -> Output
    ) async throws -> Output {
        var call = call
        for _ in 0..<8 {
            do {
                return try await body(call)
            } catch is StaleTable {
                catalog.forgetAll()
            } catch let pending as UnapprovedIndexKeys {
                try await approve(pending, call)
                call.approvedIndexKeys.formUnion(pending.keys)
            }
        }
        throw DynamoDBError.unavailable("a table or an item changes faster than a write")
    }

    private func approve(_ pending: UnapprovedIndexKeys, _ call: DynamoDBCall) async throws {
        var conditions = AccessConditions()
        conditions.leadingKeys = pending.partition.map { [$0] }
        conditions.partitionKeyName = pending.table.definition.schema.partition
        conditions.resourceTags = pending.table.definition.tags
        conditions.indexKeys = pending.keys
        try await authorize(pending.action, pending.table.arn, conditions, for: call)
    }

    private func success(_ body: JSON) -> ServiceResponse { checked(wire.response(body.bytes)) }

    private func failure(_ error: DynamoDBError) -> ServiceResponse {
        if let text = error.logMessage { logger.error("A DynamoDB request failed", metadata: ["error": "\(text)"]) }
        var response = wire.response(error.body.bytes)
        response.status = error.status
        response.headers.append((name: "x-amzn-ErrorType", value: error.code))
        return checked(response)
    }

    /// Clients compare this checksum with the body they got.
    private func checked(_ response: ServiceResponse) -> ServiceResponse {
        var response = response
        response.headers.append((name: "x-amz-crc32", value: String(CRC32.checksum(response.body))))
        return response
    }

    public static let systemTime: @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970 * 1_000) }

    public static let systemRandom: @Sendable (_ bytes: Int) -> [UInt8] = { count in
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }
}
