import CloisterServiceKit
import Foundation
import Logging
import Synchronization

/// Runs rotations: the version that is to come, then the function's four steps. One at a time for each secret.
final class RotationRunner: Sendable {
    private let vault: SecretVault
    private let functions: any FunctionInvoker
    private let running = Mutex<[String: Task<Void, Never>]>([:])

    static let steps = ["createSecret", "setSecret", "testSecret", "finishSecret"]

    init(vault: SecretVault, functions: any FunctionInvoker) {
        self.vault = vault
        self.functions = functions
    }

    /// Makes the pending version (or takes up one that an earlier attempt has left) and starts the steps. Gives its id.
    func start(_ secret: SecretStore.Stored, version: String, for caller: Caller) async throws -> String {
        guard running.withLock({ $0[secret.arn] == nil }) else {
            throw SecretsError.invalidRequest("Previous rotation request is still in progress.")
        }
        let pending = try await vault.change(secret) { record -> ([DocumentChange], String?) in
            let current = record.version(stage: SecretRecord.current)?.id
            if let left = record.version(stage: SecretRecord.pending)?.id, left != current { return ([], left) }
            // The token of a rotation that is over.
            if current == version { return ([], nil) }
            guard record.version(version)?.hasValue != true else {
                throw SecretsError.exists(
                    "You can't use ClientRequestToken \(version) because that value is already in use for a version of "
                        + "secret \(secret.arn).")
            }
            let empty = SecretRecord.Version(
                id: version, stages: [], createdAt: vault.now(), accessedAt: nil, keyARN: nil)
            record.add(empty, stages: [SecretRecord.pending])
            return ([], version)
        }
        guard let pending else { return version }
        try await run(secret, version: pending, for: caller)
        return pending
    }

    /// Starts a rotation whose time has come, on behalf of whoever configured it.
    func startIfDue(_ secret: SecretStore.Stored) async throws {
        guard let rotation = secret.record.rotation, rotation.isEnabled, let nextAt = rotation.nextAt,
            nextAt <= vault.now(), let account = AccountName.of(secret.scope)
        else { return }
        let interval = try RotationSchedule.interval(afterDays: rotation.afterDays, schedule: rotation.schedule)
        let isMine = try await vault.change(secret) { record -> ([DocumentChange], Bool) in
            guard record.rotation?.nextAt == nextAt else { return ([], false) }
            record.rotation?.nextAt = interval.map { vault.now() + $0 }
            return ([], true)
        }
        guard isMine else { return }
        let caller = Caller(
            account: account, region: secret.scope.region, principalARN: rotation.principalARN, accessKeyID: "")
        let bytes = vault.random(16)
        _ = try await start(secret, version: PendingVersion.id(bytes), for: caller)
    }

    /// Returns when no rotation runs any more.
    func ended() async {
        for task in running.withLock({ Array($0.values) }) { await task.value }
    }

    private func run(_ secret: SecretStore.Stored, version: String, for caller: Caller) async throws {
        guard let current = try await vault.store.secret(secret.record.name, secret.scope),
            let function = current.record.rotation?.functionARN
        else { return }
        running.withLock { running in
            guard running[secret.arn] == nil else { return }
            running[secret.arn] = Task { [self] in
                await steps(secret, version: version, function: function, for: caller)
                self.running.withLock { _ = $0.removeValue(forKey: secret.arn) }
            }
        }
    }

    private func steps(_ secret: SecretStore.Stored, version: String, function: String, for caller: Caller) async {
        for step in RotationRunner.steps {
            do {
                try await invoke(function, step: step, secret: secret.arn, version: version, for: caller)
            } catch {
                vault.logger.warning(
                    "a rotation failed",
                    metadata: ["secret": "\(secret.arn)", "step": "\(step)", "reason": "\(SecretsError.from(error).code)"])
                return
            }
        }
        do {
            try await finish(secret, version: version)
        } catch {
            vault.logger.error("a rotation's end can't be noted", metadata: ["secret": "\(secret.arn)"])
        }
    }

    private func invoke(
        _ function: String, step: String, secret: String, version: String, for caller: Caller
    ) async throws {
        let event = ["Step": step, "SecretId": secret, "ClientRequestToken": version]
        let payload = [UInt8](try JSONEncoder().encode(event))
        let result = try await functions.invoke(functionARN: function, payload: payload, for: caller)
        guard result.functionError == nil else {
            throw SecretsError.invalidRequest("The rotation function failed in step \(step).")
        }
    }

    /// Notes a rotation only if the function has made its version the current one.
    private func finish(_ secret: SecretStore.Stored, version: String) async throws {
        try await vault.change(secret) { record in
            guard record.version(stage: SecretRecord.current)?.id == version else { return ([], ()) }
            record.rotatedAt = vault.now()
            return ([], ())
        }
    }
}
