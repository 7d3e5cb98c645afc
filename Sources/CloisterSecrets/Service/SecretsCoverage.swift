import Foundation

/// Every operation of Secrets Manager's model, and which of them are built: the one table for dispatch and documentation.
public enum SecretsCoverage {
    typealias Handler = @Sendable (SecretsService, SecretsCall) async throws -> [UInt8]

    public struct Operation: Sendable {
        /// What differs from AWS; for the documentation.
        public let note: String
        let handler: Handler?

        public var isBuilt: Bool { handler != nil }
    }

    public static let operations: [String: Operation] = built.merging(
        notBuilt.map { ($0, Operation(note: "", handler: nil)) }) { first, _ in first }

    /// The coverage page `docs/coverage/secretsmanager.md`.
    public static func markdown() -> String {
        let rows = operations.sorted { $0.key < $1.key }.map { name, operation in
            "| \(name) | \(operation.isBuilt ? "yes" : "no (501)") | \(operation.note) |"
        }
        return """
            # Secrets Manager API coverage

            Generated from `SecretsCoverage.operations`: \(built.count) of \(operations.count) operations. Every other
            operation is answered with HTTP 501, error `NotImplementedException`, and its name. The same answer have
            replicas in other regions, managed external secrets (`Type`) and `cron(…)` schedules.

            | operation | built | notes |
            | --- | --- | --- |
            \(rows.joined(separator: "\n"))

            """
    }

    private static func operation<Output: Encodable & SendableMetatype>(
        _ note: String = "", _ handler: @escaping @Sendable (SecretsService) -> (SecretsCall) async throws -> Output
    ) -> Operation {
        Operation(note: note) { service, call in
            let encoder = JSONEncoder()
            encoder.outputFormatting = .withoutEscapingSlashes
            return [UInt8](try encoder.encode(try await handler(service)(call)))
        }
    }

    private static let built: [String: Operation] = [
        "BatchGetSecretValue": operation { $0.batchGetSecretValue },
        "CancelRotateSecret": operation { $0.cancelRotateSecret },
        "CreateSecret": operation { $0.createSecret },
        "DeleteResourcePolicy": operation { $0.deleteResourcePolicy },
        "DeleteSecret": operation { $0.deleteSecret },
        "DescribeSecret": operation { $0.describeSecret },
        "GetRandomPassword": operation { $0.getRandomPassword },
        "GetResourcePolicy": operation { $0.getResourcePolicy },
        "GetSecretValue": operation { $0.getSecretValue },
        "ListSecretVersionIds": operation { $0.listSecretVersionIds },
        "ListSecrets": operation { $0.listSecrets },
        "PutResourcePolicy": operation { $0.putResourcePolicy },
        "PutSecretValue": operation("`RotationToken` is ignored") { $0.putSecretValue },
        "RestoreSecret": operation { $0.restoreSecret },
        "RotateSecret": operation("`RotateImmediately: false` only sets the schedule, without the test step; `Duration` is kept and not used") { $0.rotateSecret },
        "TagResource": operation { $0.tagResource },
        "UntagResource": operation { $0.untagResource },
        "UpdateSecret": operation { $0.updateSecret },
        "UpdateSecretVersionStage": operation { $0.updateSecretVersionStage },
        "ValidateResourcePolicy": operation("syntax, and whether everybody is allowed") { $0.validateResourcePolicy },
    ]

    /// Answered with 501, naming the operation.
    private static let notBuilt = ["RemoveRegionsFromReplication", "ReplicateSecretToRegions", "StopReplicationToReplica"]
}
