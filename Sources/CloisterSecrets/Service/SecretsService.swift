import CloisterCore
public import CloisterServiceKit
import Foundation
public import Logging

/// AWS Secrets Manager (JSON 1.1), over a document store of its own and KMS. Which operations there are:
/// `SecretsCoverage`.
public struct SecretsService: Service {
    public let signingName = "secretsmanager"
    public let access = ServiceAccess.decidedByService
    public var targetPrefix: String? { wire.targetPrefix }

    let vault: SecretVault
    let rotations: RotationRunner?
    private let logger: Logger
    private let wire = JSONProtocol(
        version: "1.1", targetPrefix: "secretsmanager.", bodyBytesMax: SecretsLimits.bodyBytesMax)

    /// - Parameters:
    ///   - keys: KMS, as used by this service.
    ///   - functions: invokes rotation functions; nil where nothing does: then `RotateSecret` answers 501.
    ///   - now: milliseconds since 1970.
    ///   - random: that many bytes of cryptographic quality.
    public init(
        documents: any DocumentStore, keys: any KeyService, authorizer: any Authorizer,
        functions: (any FunctionInvoker)?, logger: Logger = Logger(label: "cloister.secretsmanager"),
        now: @escaping @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970 * 1_000) },
        random: @escaping @Sendable (Int) -> [UInt8] = SecretsService.systemRandom
    ) {
        self.logger = logger
        vault = SecretVault(
            store: SecretStore(documents), keys: keys, authorizer: authorizer, now: now, random: random, logger: logger)
        rotations = functions.map { [vault] in RotationRunner(vault: vault, functions: $0) }
    }

    public static func systemRandom(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }

    public func respond(to request: ServiceRequest) async -> ServiceResponse {
        do {
            let call = try wire.call(request)
            guard let operation = SecretsCoverage.operations[call.operation] else { throw JSONProtocol.unknownOperation }
            guard let handler = operation.handler else { throw JSONProtocol.notBuilt(call.operation) }
            return wire.response(try await handler(self, call))
        } catch {
            return failure(SecretsError.from(error))
        }
    }

    /// Removes secrets whose recovery window is over and starts rotations that are due, every `interval` until the task
    /// is cancelled.
    public func run(every interval: Duration = .seconds(60)) async {
        while !Task.isCancelled {
            do { try await sweep() } catch {
                let text = SecretsError.from(error).logMessage ?? ""
                logger.error("Due changes of secrets fail; trying again", metadata: ["error": "\(text)"])
            }
            // Only cancellation throws, and the loop's condition sees it.
            try? await Task.sleep(for: interval)
        }
    }

    /// Everything that is due by now, once.
    func sweep() async throws {
        var after: String?
        repeat {
            let page = try await vault.store.allSecrets(after: after)
            for secret in page.secrets {
                if let purgeAt = secret.record.purgeAt, purgeAt <= vault.now() { try await vault.purge(secret) }
                if secret.record.deletedAt == nil { try await rotations?.startIfDue(secret) }
            }
            after = page.last
        } while after != nil
    }

    private func failure(_ error: ServiceError) -> ServiceResponse {
        if let text = error.logMessage { logger.error("A secrets request failed", metadata: ["error": "\(text)"]) }
        return wire.failure(error)
    }
}

typealias SecretsCall = JSONCall
