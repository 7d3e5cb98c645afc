import Foundation

/// Every operation of KMS's model, and which of them are built: the one table for dispatch and documentation.
public enum KMSCoverage {
    typealias Handler = @Sendable (KMSService, KMSCall) async throws -> [UInt8]

    public struct Operation: Sendable {
        /// What differs from AWS; for the documentation.
        public let note: String
        let handler: Handler?

        public var isBuilt: Bool { handler != nil }
    }

    public static let operations: [String: Operation] = built.merging(
        notBuilt.map { ($0, Operation(note: "", handler: nil)) }) { first, _ in first }

    /// The coverage page `docs/coverage/kms.md`.
    public static func markdown() -> String {
        let rows = operations.sorted { $0.key < $1.key }.map { name, operation in
            "| \(name) | \(operation.isBuilt ? "yes" : "no (501)") | \(operation.note) |"
        }
        return """
            # KMS API coverage

            Generated from `KMSCoverage.operations`: \(built.count) of \(operations.count) operations. Every other
            operation is answered with HTTP 501, error `NotImplementedException`, and its name. The same answer have
            multi-Region keys, imported key material, custom key stores, keys for `KEY_AGREEMENT`, `Recipient` (Nitro enclaves), and the key specs
            \(KeySpec.notBuilt.sorted().map { "`\($0)`" }.joined(separator: ", ")).

            | operation | built | notes |
            | --- | --- | --- |
            \(rows.joined(separator: "\n"))

            """
    }

    private static func json(_ output: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        return [UInt8](try encoder.encode(output))
    }

    private static func operation<Output: Encodable & SendableMetatype>(
        _ note: String = "", _ handler: @escaping @Sendable (KMSService) -> (KMSCall) async throws -> Output
    ) -> Operation {
        Operation(note: note) { service, call in try json(try await handler(service)(call)) }
    }

    private static let built: [String: Operation] = [
        "CancelKeyDeletion": operation { $0.cancelKeyDeletion },
        "CreateAlias": operation { $0.createAlias },
        "CreateGrant": operation("at most \(KMSLimits.grantsPerKeyMax) grants a key") { $0.createGrant },
        "CreateKey": operation("origin `AWS_KMS` only") { $0.createKey },
        "Decrypt": operation("`DryRunModifiers`: 501") { $0.decrypt },
        "DeleteAlias": operation { $0.deleteAlias },
        "DescribeKey": operation { $0.describeKey },
        "DisableKey": operation { $0.disableKey },
        "DisableKeyRotation": operation { $0.disableKeyRotation },
        "EnableKey": operation { $0.enableKey },
        "EnableKeyRotation": operation { $0.enableKeyRotation },
        "Encrypt": operation { $0.encrypt },
        "GenerateDataKey": operation { $0.generateDataKey },
        "GenerateDataKeyPair": operation { $0.generateDataKeyPair },
        "GenerateDataKeyPairWithoutPlaintext": operation { $0.generateDataKeyPairWithoutPlaintext },
        "GenerateDataKeyWithoutPlaintext": operation { $0.generateDataKeyWithoutPlaintext },
        "GenerateMac": operation { $0.generateMac },
        "GenerateRandom": operation { $0.generateRandom },
        "GetKeyPolicy": operation { $0.getKeyPolicy },
        "GetKeyRotationStatus": operation { $0.getKeyRotationStatus },
        "GetPublicKey": operation { $0.getPublicKey },
        "ListAliases": operation("those of services appear once they are used") { $0.listAliases },
        "ListGrants": operation { $0.listGrants },
        "ListKeyPolicies": operation { $0.listKeyPolicies },
        "ListKeyRotations": operation { $0.listKeyRotations },
        "ListKeys": operation { $0.listKeys },
        "ListResourceTags": operation { $0.listResourceTags },
        "ListRetirableGrants": operation { $0.listRetirableGrants },
        "PutKeyPolicy": operation { $0.putKeyPolicy },
        "ReEncrypt": operation("`DryRunModifiers`: 501") { $0.reEncrypt },
        "RetireGrant": operation { $0.retireGrant },
        "RevokeGrant": operation { $0.revokeGrant },
        "RotateKeyOnDemand": operation("done before the answer") { $0.rotateKeyOnDemand },
        "ScheduleKeyDeletion": operation { $0.scheduleKeyDeletion },
        "Sign": operation { $0.sign },
        "TagResource": operation { $0.tagResource },
        "UntagResource": operation { $0.untagResource },
        "UpdateAlias": operation { $0.updateAlias },
        "UpdateKeyDescription": operation { $0.updateKeyDescription },
        "Verify": operation { $0.verify },
        "VerifyMac": operation { $0.verifyMac },
    ]

    /// Answered with 501, naming the operation.
    private static let notBuilt = """
        ConnectCustomKeyStore CreateCustomKeyStore DeleteCustomKeyStore DeleteImportedKeyMaterial DeriveSharedSecret
        DescribeCustomKeyStores DisconnectCustomKeyStore GetKeyLastUsage GetParametersForImport ImportKeyMaterial
        ReplicateKey UpdateCustomKeyStore UpdatePrimaryRegion
        """.split(whereSeparator: \.isWhitespace).map(String.init)
}
