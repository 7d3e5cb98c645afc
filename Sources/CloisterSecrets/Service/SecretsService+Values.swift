import CloisterServiceKit
import Foundation

extension SecretsService {
    typealias Requests = SecretsRequests
    typealias Responses = SecretsResponses
    typealias Check = SecretsValidation

    func createSecret(_ call: SecretsCall) async throws -> Responses.Secret {
        let input = try call.input(Requests.Secret.self)
        let name = try Check.name(input.Name)
        try Check.token(input.ClientRequestToken)
        try Check.length(input.Description, "description", 0...SecretsLimits.descriptionLengthMax)
        guard input.AddReplicaRegions?.isEmpty ?? true else { throw JSONProtocol.notBuilt("CreateSecret with AddReplicaRegions") }
        guard input.Type == nil else { throw JSONProtocol.notBuilt("CreateSecret with Type") }
        let tags = try Check.tags(input.Tags)
        let value = try Check.value(input)
        let scope = SecretScope(call.caller)
        let time = vault.now()
        let record = SecretRecord(
            name: name, suffix: newSuffix(), description: input.Description, keyID: keyID(input.KmsKeyId), tags: tags,
            createdAt: time, changedAt: time, versions: [])
        let made = SecretStore.Stored(scope: scope, revision: 0, record: record)
        var conditions = SecretsService.tagConditions(tags)
        conditions["secretsmanager:Name"] = [name]
        if let key = record.keyID { conditions["secretsmanager:KmsKeyId"] = [key] }
        try await vault.authorize("CreateSecret", arn: made.arn, record: nil, conditions, for: call.caller)
        let version = input.ClientRequestToken ?? newVersionID()
        return try await vault.store.transact {
            if let known = try await vault.current(name, scope) {
                return ([], try await repeated(known, value: value, token: input.ClientRequestToken, call))
            }
            let (stored, changes) = try await filled(made, value, version: version, call)
            var answer = Responses.Secret(stored)
            answer.VersionId = value == nil ? nil : version
            return ([try SecretStore.put(stored.record, scope, .absent)] + changes, answer)
        }
    }

    func getSecretValue(_ call: SecretsCall) async throws -> Responses.Value {
        let input = try call.input(Requests.Secret.self)
        try Check.length(input.VersionStage, "versionStage", 1...256)
        return try await value(of: input.SecretId, version: input.VersionId, stage: input.VersionStage, call)
    }

    func putSecretValue(_ call: SecretsCall) async throws -> Responses.Secret {
        let input = try call.input(Requests.Secret.self)
        try Check.token(input.ClientRequestToken)
        guard let value = try Check.value(input) else { throw SecretsError.noValue }
        let stages = try Check.stages(input.VersionStages) ?? [SecretRecord.current]
        let secret = try await vault.secret(input.SecretId, "PutSecretValue", for: call.caller)
        let version = input.ClientRequestToken ?? newVersionID()
        return try await put(value, in: secret, version: version, stages: stages, call)
    }

    func updateSecret(_ call: SecretsCall) async throws -> Responses.Secret {
        let input = try call.input(Requests.Secret.self)
        try Check.token(input.ClientRequestToken)
        try Check.length(input.Description, "description", 0...SecretsLimits.descriptionLengthMax)
        guard input.Type == nil else { throw JSONProtocol.notBuilt("UpdateSecret with Type") }
        let value = try Check.value(input)
        let conditions = input.KmsKeyId.map { ["secretsmanager:KmsKeyId": [$0]] } ?? [:]
        let secret = try await vault.secret(input.SecretId, "UpdateSecret", for: call.caller, conditions: conditions)
        try await vault.change(secret) { record in
            if let description = input.Description { record.description = description }
            record.changedAt = vault.now()
            guard let key = input.KmsKeyId, keyID(key) != record.keyID else { return ([], ()) }
            record.keyID = keyID(key)
            return (try await reEncrypted(&record, secret, call), ())
        }
        guard let value else { return Responses.Secret(secret) }
        let version = input.ClientRequestToken ?? newVersionID()
        var answer = try await put(value, in: secret, version: version, stages: [SecretRecord.current], call)
        answer.VersionStages = nil
        return answer
    }

    func updateSecretVersionStage(_ call: SecretsCall) async throws -> Responses.Secret {
        let input = try call.input(Requests.Secret.self)
        let stage = try Check.required(input.VersionStage, "versionStage")
        try Check.length(stage, "versionStage", 1...256)
        let conditions = ["secretsmanager:VersionStage": [stage]]
        let secret = try await vault.secret(
            input.SecretId, "UpdateSecretVersionStage", for: call.caller, conditions: conditions)
        try await vault.change(secret) { record in
            try SecretsService.move(stage, from: input.RemoveFromVersionId, to: input.MoveToVersionId, &record)
            record.changedAt = vault.now()
            return (remove(record.removeDeprecated(), of: secret), ())
        }
        return Responses.Secret(secret)
    }

    /// One version's value, for a caller who may read it.
    func value(
        of id: String?, version: String?, stage: String?, _ call: SecretsCall
    ) async throws -> Responses.Value {
        var conditions = ["secretsmanager:VersionStage": [stage ?? SecretRecord.current]]
        if let version { conditions["secretsmanager:VersionId"] = [version] }
        let secret = try await vault.secret(id, "GetSecretValue", for: call.caller, conditions: conditions)
        let found = try SecretsService.version(of: secret.record, id: version, stage: stage)
        let value = try await vault.open(secret, version: found.id, for: call.caller)
        try await noteAccess(to: secret, version: found.id)
        return Responses.Value(
            ARN: secret.arn, Name: secret.record.name, VersionId: found.id, SecretBinary: value.binary,
            SecretString: value.string, VersionStages: found.stages, CreatedDate: Responses.seconds(found.createdAt))
    }

    static func version(of record: SecretRecord, id: String?, stage: String?) throws -> SecretRecord.Version {
        let stageName = stage ?? SecretRecord.current
        guard let id else {
            guard let version = record.version(stage: stageName), version.hasValue else {
                throw SecretsError.notFound(
                    "Secrets Manager can't find the specified secret value for staging label: \(stageName)")
            }
            return version
        }
        guard let version = record.version(id) else {
            throw SecretsError.notFound("Secrets Manager can't find the specified secret value for VersionId: \(id.prefix(64))")
        }
        guard stage.map({ version.stages.contains($0) }) ?? true else {
            throw SecretsError.invalidRequest("You provided a VersionStage that is not associated to the provided VersionId.")
        }
        guard version.hasValue else {
            throw SecretsError.notFound("Secrets Manager can't find the specified secret value for staging label: \(stageName)")
        }
        return version
    }

    /// Stores a new version; the same request again changes nothing.
    private func put(
        _ value: SecretValue, in secret: SecretStore.Stored, version: String, stages: [String], _ call: SecretsCall
    ) async throws -> Responses.Secret {
        try await vault.change(secret) { record in
            if let known = record.version(version), known.hasValue {
                guard try await vault.open(secret, version: version, for: call.caller) == value else {
                    throw SecretsError.exists(
                        "You can't use ClientRequestToken \(version) because that value is already in use for a "
                            + "version of secret \(secret.arn).")
                }
                var answer = Responses.Secret(secret)
                answer.VersionId = version
                answer.VersionStages = known.stages
                return ([], answer)
            }
            let sealed = try await vault.seal(
                value, arn: secret.arn, version: version, keyID: record.keyID, for: call.caller)
            let isFirst = !record.versions.contains(where: \.hasValue)
            let added = SecretRecord.Version(
                id: version, stages: [], createdAt: vault.now(), accessedAt: nil, keyARN: sealed.keyARN)
            let all = isFirst && !stages.contains(SecretRecord.current) && record.rotation == nil ? stages + [SecretRecord.current] : stages
            record.add(added, stages: all)
            record.changedAt = vault.now()
            var answer = Responses.Secret(secret)
            answer.VersionId = version
            answer.VersionStages = record.version(version)?.stages
            let removals = remove(record.removeDeprecated(), of: secret)
            return ([try SecretStore.put(sealed.value, of: record, version: version, secret.scope)] + removals, answer)
        }
    }

    /// `CreateSecret` for a name that is taken: the answer of the first time if it is the same request.
    private func repeated(
        _ known: SecretStore.Stored, value: SecretValue?, token: String?, _ call: SecretsCall
    ) async throws -> Responses.Secret {
        guard known.record.deletedAt == nil else {
            throw SecretsError.invalidRequest(
                "You can't create this secret because a secret with this name is already scheduled for deletion.")
        }
        let taken = SecretsError.exists("The operation failed because the secret \(known.record.name) already exists.")
        guard let token, let value, known.record.version(token)?.hasValue == true else { throw taken }
        try await vault.authorize("CreateSecret", arn: known.arn, record: known.record, for: call.caller)
        guard try await vault.open(known, version: token, for: call.caller) == value else { throw taken }
        var answer = Responses.Secret(known)
        answer.VersionId = token
        return answer
    }

    private func filled(
        _ made: SecretStore.Stored, _ value: SecretValue?, version: String, _ call: SecretsCall
    ) async throws -> (SecretStore.Stored, [DocumentChange]) {
        var record = made.record
        guard let value else {
            // The key must be there and usable by the caller even before there is a value.
            if let key = record.keyID { _ = try await vault.keys.keyARN(key, for: call.caller) }
            return (made, [])
        }
        let sealed = try await vault.seal(value, arn: made.arn, version: version, keyID: record.keyID, for: call.caller)
        let added = SecretRecord.Version(
            id: version, stages: [], createdAt: record.createdAt, accessedAt: nil, keyARN: sealed.keyARN)
        record.add(added, stages: [SecretRecord.current])
        let change = try SecretStore.put(sealed.value, of: record, version: version, made.scope)
        return (SecretStore.Stored(scope: made.scope, revision: 0, record: record), [change])
    }

    /// Under a new key: every version that has a stage, as on AWS.
    private func reEncrypted(
        _ record: inout SecretRecord, _ secret: SecretStore.Stored, _ call: SecretsCall
    ) async throws -> [DocumentChange] {
        var changes: [DocumentChange] = []
        for (index, version) in record.versions.enumerated() where version.hasValue && !version.stages.isEmpty {
            let value = try await vault.open(secret, version: version.id, for: call.caller)
            let sealed = try await vault.seal(
                value, arn: secret.arn, version: version.id, keyID: record.keyID, for: call.caller)
            record.versions[index].keyARN = sealed.keyARN
            changes.append(try SecretStore.put(sealed.value, of: record, version: version.id, secret.scope))
        }
        return changes
    }

    private static func move(_ stage: String, from: String?, to: String?, _ record: inout SecretRecord) throws {
        let holder = record.version(stage: stage)
        for id in [from, to].compactMap({ $0 }) where record.version(id) == nil {
            throw SecretsError.invalidParameter("Not a valid version: \(id.prefix(64))")
        }
        if let from, holder?.id != from {
            throw SecretsError.invalidParameter("Version stage \(stage) not found in version \(from)")
        }
        if let holder, from == nil, to != holder.id {
            throw SecretsError.invalidParameter(
                "The parameter RemoveFromVersionId can't be empty. Staging label \(stage) is currently attached to "
                    + "version \(holder.id), so you must explicitly reference that version in RemoveFromVersionId.")
        }
        guard let to else {
            guard stage != SecretRecord.current else {
                throw SecretsError.invalidParameter("You can only move staging label AWSCURRENT to a different secret version. It can't be completely removed.")
            }
            record.take(stage)
            return
        }
        record.move(stage, to: to)
    }

    private func remove(_ versions: [String], of secret: SecretStore.Stored) -> [DocumentChange] {
        versions.map { .delete(SecretStore.valueKey(secret.record, $0, secret.scope)) }
    }

    /// By the day, as AWS does; so that reading seldom writes.
    private func noteAccess(to secret: SecretStore.Stored, version: String) async throws {
        let day = vault.now() / SecretsLimits.millisecondsPerDay * SecretsLimits.millisecondsPerDay
        guard secret.record.accessedAt != day || secret.record.version(version)?.accessedAt != day else { return }
        try await vault.change(secret) { record in
            record.accessedAt = day
            if let index = record.versions.firstIndex(where: { $0.id == version }) {
                record.versions[index].accessedAt = day
            }
            return ([], ())
        }
    }

    /// An empty key means the account's own.
    private func keyID(_ text: String?) -> String? { text.flatMap { $0.isEmpty ? nil : $0 } }

    func newVersionID() -> String { PendingVersion.id(vault.random(16)) }

    private func newSuffix() -> String {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
        let random = vault.random
        var source = RandomSource { random($0) }
        return String((0..<6).map { _ in letters[source.index(below: letters.count)] })
    }
}
