import CloisterServiceKit
import Foundation
import Logging

/// The secrets of all accounts: finds them, asks for permission, encrypts and decrypts, and lets go of what is due.
final class SecretVault: Sendable {
    typealias Stored = SecretStore.Stored

    let store: SecretStore
    let keys: any KeyService
    let authorizer: any Authorizer
    /// Milliseconds since 1970.
    let now: @Sendable () -> Int64
    let random: @Sendable (Int) -> [UInt8]
    let logger: Logger

    static let defaultKey = "alias/aws/secretsmanager"

    init(
        store: SecretStore, keys: any KeyService, authorizer: any Authorizer, now: @escaping @Sendable () -> Int64,
        random: @escaping @Sendable (Int) -> [UInt8], logger: Logger
    ) {
        self.store = store
        self.keys = keys
        self.authorizer = authorizer
        self.now = now
        self.random = random
        self.logger = logger
    }

    // MARK: Finding

    /// The secret that `id` names, once the caller may do `operation` with it. Throws for one that was deleted unless
    /// `includingDeleted`.
    func secret(
        _ id: String?, _ operation: String, for caller: Caller, conditions: [String: [String]] = [:],
        includingDeleted: Bool = false
    ) async throws -> Stored {
        let text = try SecretsValidation.secretID(id)
        let scope = SecretScope(caller)
        guard let reference = SecretReference(text, scope) else {
            try await authorize(operation, arn: text, record: nil, conditions, for: caller)
            throw SecretsError.noSecret
        }
        guard let found = try await find(reference, scope) else {
            // Permission comes before existence: whoever may not see a secret doesn't learn that there is none.
            let arn = scope.arn("\(reference.name)-??????")
            let name = ["secretsmanager:Name": [reference.name]]
            try await authorize(operation, arn: arn, record: nil, conditions.merging(name) { $1 }, for: caller)
            throw SecretsError.noSecret
        }
        try await authorize(operation, arn: found.arn, record: found.record, conditions, for: caller)
        guard includingDeleted || found.record.deletedAt == nil else { throw SecretsError.markedForDeletion }
        return found
    }

    func find(_ reference: SecretReference, _ scope: SecretScope) async throws -> Stored? {
        for candidate in reference.candidates {
            guard let stored = try await current(candidate.name, scope) else { continue }
            guard candidate.suffix == nil || candidate.suffix == stored.record.suffix else { continue }
            return stored
        }
        return nil
    }

    /// Nil when there is none, or its time to be restored is over; then it is removed.
    func current(_ name: String, _ scope: SecretScope) async throws -> Stored? {
        guard let stored = try await store.secret(name, scope) else { return nil }
        guard let purgeAt = stored.record.purgeAt, purgeAt <= now() else { return stored }
        try await purge(stored)
        return nil
    }

    /// Asks for permission.
    func authorize(
        _ operation: String, arn: String, record: SecretRecord?, _ conditions: [String: [String]] = [:],
        for caller: Caller
    ) async throws {
        var values = conditions
        values["secretsmanager:SecretId"] = [arn]
        if let record {
            values["secretsmanager:Name"] = [record.name]
            for tag in record.tags {
                values["secretsmanager:ResourceTag/\(tag.Key)"] = [tag.Value]
                values["aws:ResourceTag/\(tag.Key)"] = [tag.Value]
            }
            if let function = record.rotation?.functionARN {
                values["secretsmanager:resource/AllowRotationLambdaArn"] = [function]
            }
        }
        try await authorizer.authorize(
            AccessRequest(
                action: "secretsmanager:\(operation)", resource: arn, conditions: values, resourcePolicy: record?.policy),
            for: caller)
    }

    // MARK: Changing

    /// Changes a secret's record; `body` may be run more than once, and gives further changes and the result.
    func change<Result>(
        _ secret: Stored, _ body: (inout SecretRecord) async throws -> (changes: [DocumentChange], result: Result)
    ) async throws -> Result {
        try await store.transact {
            guard let current = try await store.secret(secret.record.name, secret.scope),
                current.record.suffix == secret.record.suffix
            else { throw SecretsError.noSecret }
            var record = current.record
            let decided = try await body(&record)
            guard record != current.record || !decided.changes.isEmpty else { return ([], decided.result) }
            let put = try SecretStore.put(record, secret.scope, .revision(current.revision))
            return ([put] + decided.changes, decided.result)
        }
    }

    /// Removes a secret with all its values, without a way back.
    func purge(_ secret: Stored) async throws {
        try await store.transact {
            guard let current = try await store.secret(secret.record.name, secret.scope),
                current.record.suffix == secret.record.suffix, let purgeAt = current.record.purgeAt, purgeAt <= now()
            else { return ([], ()) }
            let values = current.record.versions.map {
                DocumentChange.delete(SecretStore.valueKey(current.record, $0.id, secret.scope))
            }
            let removal = DocumentChange.delete(
                SecretStore.key(current.record.name, secret.scope), expecting: .revision(current.revision))
            return ([removal] + values, ())
        }
        logger.notice("removed a secret", metadata: ["secret": "\(secret.arn)"])
    }

    // MARK: Values

    /// Encrypts a value under the secret's key; also gives the key's ARN.
    func seal(
        _ value: SecretValue, arn: String, version: String, keyID: String?, for caller: Caller
    ) async throws -> (value: SealedValue, keyARN: String) {
        let key = keyID ?? SecretVault.defaultKey
        let dataKey = random(32)
        do {
            let keyARN = try await keys.keyARN(key, for: caller)
            let encrypted = try await keys.encrypt(
                dataKey, under: key, context: SealedValue.context(arn, version), for: caller)
            let sealed = try SealedValue.seal(
                value, arn: arn, version: version, dataKey: dataKey, encryptedKey: encrypted, nonce: random(12))
            return (sealed, keyARN)
        } catch let error as ServiceError {
            throw SecretsError.key(error, isDecrypting: false)
        }
    }

    /// A version's value. Throws `ResourceNotFoundException` when it has none.
    func open(_ secret: Stored, version: String, for caller: Caller) async throws -> SecretValue {
        guard let sealed = try await store.value(secret, version: version) else {
            throw SecretsError.notFound("Secrets Manager can't find the specified secret value for VersionId: \(version)")
        }
        let dataKey: [UInt8]
        do {
            dataKey = try await keys.decrypt(
                [UInt8](sealed.dataKey), context: SealedValue.context(secret.arn, version), for: caller)
        } catch {
            throw SecretsError.key(error, isDecrypting: true)
        }
        do {
            return try sealed.open(arn: secret.arn, version: version, dataKey: dataKey)
        } catch {
            throw SecretsError.internal("a stored value of \(secret.arn) was changed")
        }
    }
}
