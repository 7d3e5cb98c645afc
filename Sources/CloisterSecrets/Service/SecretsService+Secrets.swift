import CloisterServiceKit
import Foundation

extension SecretsService {
    func describeSecret(_ call: SecretsCall) async throws -> Responses.Description {
        let input = try call.input(Requests.Secret.self)
        let secret = try await vault.secret(input.SecretId, "DescribeSecret", for: call.caller, includingDeleted: true)
        var answer = Responses.Description(secret)
        let staged = secret.record.staged
        answer.VersionIdsToStages = staged.isEmpty ? nil : staged
        return answer
    }

    func deleteSecret(_ call: SecretsCall) async throws -> Responses.Secret {
        let input = try call.input(Requests.Secret.self)
        let isForced = input.ForceDeleteWithoutRecovery ?? false
        if let days = input.RecoveryWindowInDays {
            guard !isForced else {
                throw SecretsError.invalidParameter(
                    "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.")
            }
            guard SecretsLimits.recoveryWindowDays.contains(days) else {
                throw SecretsError.invalidParameter(
                    "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).")
            }
        }
        let days = isForced ? 0 : input.RecoveryWindowInDays ?? SecretsLimits.recoveryWindowDaysDefault
        var conditions = ["secretsmanager:ForceDeleteWithoutRecovery": ["\(isForced)"]]
        if !isForced { conditions["secretsmanager:RecoveryWindowInDays"] = ["\(days)"] }
        let secret = try await vault.secret(
            input.SecretId, "DeleteSecret", for: call.caller, conditions: conditions, includingDeleted: isForced)
        let time = vault.now()
        let purgeAt = time + Int64(days) * SecretsLimits.millisecondsPerDay
        try await vault.change(secret) { record in
            guard isForced || record.deletedAt == nil else { throw SecretsError.markedForDeletion }
            record.deletedAt = time
            record.purgeAt = purgeAt
            return ([], ())
        }
        if isForced { try await vault.purge(secret) }
        var answer = Responses.Secret(secret)
        answer.DeletionDate = Responses.seconds(purgeAt)
        return answer
    }

    func restoreSecret(_ call: SecretsCall) async throws -> Responses.Secret {
        let input = try call.input(Requests.Secret.self)
        let secret = try await vault.secret(input.SecretId, "RestoreSecret", for: call.caller, includingDeleted: true)
        try await vault.change(secret) { record in
            record.deletedAt = nil
            record.purgeAt = nil
            return ([], ())
        }
        return Responses.Secret(secret)
    }

    func tagResource(_ call: SecretsCall) async throws -> Responses.Empty {
        let input = try call.input(Requests.Secret.self)
        let tags = try Check.tags(try Check.required(input.Tags, "tags"))
        let secret = try await vault.secret(
            input.SecretId, "TagResource", for: call.caller, conditions: SecretsService.tagConditions(tags))
        try await vault.change(secret) { record in
            for tag in tags {
                record.tags.removeAll { $0.Key == tag.Key }
                record.tags.append(tag)
            }
            guard record.tags.count <= SecretsLimits.tagsMax else { throw SecretsError.invalidParameter("Too many tags") }
            return ([], ())
        }
        return Responses.Empty()
    }

    func untagResource(_ call: SecretsCall) async throws -> Responses.Empty {
        let input = try call.input(Requests.Secret.self)
        let keys = try Check.required(input.TagKeys, "tagKeys")
        let secret = try await vault.secret(
            input.SecretId, "UntagResource", for: call.caller, conditions: ["aws:TagKeys": keys])
        try await vault.change(secret) { record in
            record.tags.removeAll { keys.contains($0.Key) }
            return ([], ())
        }
        return Responses.Empty()
    }

    func getResourcePolicy(_ call: SecretsCall) async throws -> Responses.Secret {
        let input = try call.input(Requests.Secret.self)
        let secret = try await vault.secret(input.SecretId, "GetResourcePolicy", for: call.caller, includingDeleted: true)
        var answer = Responses.Secret(secret)
        answer.ResourcePolicy = secret.record.policy
        return answer
    }

    func putResourcePolicy(_ call: SecretsCall) async throws -> Responses.Secret {
        let input = try call.input(Requests.Secret.self)
        let policy = try Check.policy(input.ResourcePolicy)
        let conditions = ["secretsmanager:BlockPublicPolicy": ["\(input.BlockPublicPolicy ?? false)"]]
        let secret = try await vault.secret(
            input.SecretId, "PutResourcePolicy", for: call.caller, conditions: conditions)
        if input.BlockPublicPolicy ?? false, SecretsService.isPublic(policy) {
            throw ServiceError(
                "PublicPolicyException", status: 400,
                message: "The BlockPublicPolicy parameter is set to true, and the resource policy did not prevent broad access to the secret.")
        }
        try await vault.change(secret) { record in
            record.policy = policy
            return ([], ())
        }
        return Responses.Secret(secret)
    }

    func deleteResourcePolicy(_ call: SecretsCall) async throws -> Responses.Secret {
        let input = try call.input(Requests.Secret.self)
        let secret = try await vault.secret(input.SecretId, "DeleteResourcePolicy", for: call.caller)
        try await vault.change(secret) { record in
            record.policy = nil
            return ([], ())
        }
        return Responses.Secret(secret)
    }

    func validateResourcePolicy(_ call: SecretsCall) async throws -> Responses.Validation {
        let input = try call.input(Requests.Secret.self)
        if let id = input.SecretId {
            _ = try await vault.secret(id, "ValidateResourcePolicy", for: call.caller)
        } else {
            try await vault.authorize("ValidateResourcePolicy", arn: "*", record: nil, for: call.caller)
        }
        var failures: [Responses.Validation.Failure] = []
        do {
            let policy = try Check.policy(input.ResourcePolicy)
            if SecretsService.isPublic(policy) {
                failures.append(.init(CheckName: "PUBLIC_POLICY", ErrorMessage: "The policy grants access to everybody."))
            }
        } catch {
            guard error.code == "MalformedPolicyDocumentException" else { throw error }
            failures.append(.init(CheckName: "SYNTAX", ErrorMessage: error.message))
        }
        return Responses.Validation(PolicyValidationPassed: failures.isEmpty, ValidationErrors: failures)
    }

    func getRandomPassword(_ call: SecretsCall) async throws -> Responses.Password {
        let rules = try PasswordRules(try call.input(Requests.RandomPassword.self))
        try await vault.authorize("GetRandomPassword", arn: "*", record: nil, for: call.caller)
        return Responses.Password(RandomPassword: rules.password(random: vault.random))
    }

    /// Whether a statement allows everybody without a condition.
    private static func isPublic(_ policy: String) -> Bool {
        let parsed = try? JSONSerialization.jsonObject(with: Data(policy.utf8))  // was checked
        let document = parsed as? [String: Any] ?? [:]
        let statements = document["Statement"] as? [[String: Any]] ?? [document["Statement"] as? [String: Any] ?? [:]]
        return statements.contains { statement in
            guard statement["Effect"] as? String == "Allow", statement["Condition"] == nil else { return false }
            let principal = statement["Principal"]
            let names = (principal as? [String: Any])?["AWS"] ?? principal
            return names as? String == "*" || (names as? [String])?.contains("*") == true
        }
    }

    /// IAM's condition keys for tags in a request.
    static func tagConditions(_ tags: [SecretRecord.Tag]) -> [String: [String]] {
        guard !tags.isEmpty else { return [:] }
        var conditions = ["aws:TagKeys": tags.map(\.Key)]
        for tag in tags { conditions["aws:RequestTag/\(tag.Key)"] = [tag.Value] }
        return conditions
    }
}
