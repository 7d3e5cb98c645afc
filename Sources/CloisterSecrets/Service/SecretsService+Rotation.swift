import CloisterServiceKit

extension SecretsService {
    /// Begins a rotation and answers; the function's four steps run after that.
    func rotateSecret(_ call: SecretsCall) async throws -> Responses.Secret {
        guard let rotations else { throw JSONProtocol.notBuilt("RotateSecret") }
        let input = try call.input(Requests.Rotate.self)
        try Check.token(input.ClientRequestToken)
        guard input.ExternalSecretRotationRoleArn == nil else {
            throw JSONProtocol.notBuilt("RotateSecret with ExternalSecretRotationRoleArn")
        }
        if let arn = input.RotationLambdaARN, arn.utf8.count > 2_048 {
            throw SecretsError.invalidParameter("RotationLambdaARN must <= 2048 characters long.")
        }
        let rules = input.RotationRules
        let interval = try RotationSchedule.interval(
            afterDays: rules?.AutomaticallyAfterDays, schedule: rules?.ScheduleExpression)
        let isImmediate = input.RotateImmediately ?? true
        var conditions = ["secretsmanager:RotateImmediately": ["\(isImmediate)"]]
        if let arn = input.RotationLambdaARN { conditions["secretsmanager:RotationLambdaARN"] = [arn] }
        let secret = try await vault.secret(input.SecretId, "RotateSecret", for: call.caller, conditions: conditions)
        try await vault.change(secret) { record in
            guard let function = input.RotationLambdaARN ?? record.rotation?.functionARN, !function.isEmpty else {
                throw SecretsError.invalidRequest(
                    "No Lambda rotation function ARN is associated with this secret.")
            }
            var rotation =
                record.rotation
                ?? SecretRecord.Rotation(isEnabled: true, functionARN: function, principalARN: call.caller.principalARN)
            rotation.isEnabled = true
            rotation.functionARN = function
            rotation.principalARN = call.caller.principalARN
            if let rules {
                rotation.afterDays = rules.AutomaticallyAfterDays
                rotation.schedule = rules.ScheduleExpression
                rotation.duration = rules.Duration
            }
            if let interval { rotation.nextAt = vault.now() + interval }
            record.rotation = rotation
            return ([], ())
        }
        var answer = Responses.Secret(secret)
        guard isImmediate else { return answer }
        answer.VersionId = try await rotations.start(
            secret, version: input.ClientRequestToken ?? newVersionID(), for: call.caller)
        return answer
    }

    func cancelRotateSecret(_ call: SecretsCall) async throws -> Responses.Secret {
        let input = try call.input(Requests.Secret.self)
        let secret = try await vault.secret(input.SecretId, "CancelRotateSecret", for: call.caller)
        var answer = Responses.Secret(secret)
        answer.VersionId = try await vault.change(secret) { record in
            guard record.rotation != nil else {
                throw SecretsError.invalidRequest("You can't cancel the rotation of a secret that isn't configured for it.")
            }
            record.rotation?.isEnabled = false
            record.rotation?.nextAt = nil
            return ([], record.version(stage: SecretRecord.pending)?.id)
        }
        return answer
    }
}
