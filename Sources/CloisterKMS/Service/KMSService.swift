import CloisterCore
public import CloisterServiceKit
public import Logging
import Foundation

/// AWS KMS (JSON 1.1), over a document store of its own and a root key that wraps all key material. Which operations
/// there are: `KMSCoverage`.
public struct KMSService: Service {
    public let signingName = "kms"
    public let access = ServiceAccess.decidedByService
    public var targetPrefix: String? { wire.targetPrefix }

    let ring: KeyRing
    private let logger: Logger
    private let wire = JSONProtocol(version: "1.1", targetPrefix: "TrentService.", bodyBytesMax: KMSLimits.bodyBytesMax)

    /// - Parameters:
    ///   - now: milliseconds since 1970.
    ///   - random: that many bytes of cryptographic quality.
    public init(
        documents: any DocumentStore, rootKey: any RootKey, authorizer: any Authorizer,
        logger: Logger = Logger(label: "cloister.kms"),
        now: @escaping @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970 * 1_000) },
        random: @escaping @Sendable (Int) -> [UInt8] = FileRootKey.systemRandom
    ) {
        self.logger = logger
        ring = KeyRing(
            store: KeyStore(documents), root: rootKey, authorizer: authorizer, now: now, random: random, logger: logger)
    }

    /// KMS for another service of the platform: `secretsmanager`, `dynamodb`. Calls have the rights of that service's
    /// caller and carry `kms:ViaService`.
    public func keys(for service: String) -> any KeyService { KMSKeyService(ring: ring, service: service) }

    public func respond(to request: ServiceRequest) async -> ServiceResponse {
        do {
            let call = try wire.call(request)
            guard let operation = KMSCoverage.operations[call.operation] else { throw JSONProtocol.unknownOperation }
            guard let handler = operation.handler else { throw JSONProtocol.notBuilt(call.operation) }
            return wire.response(try await handler(self, call))
        } catch {
            return failure(KMSError.from(error))
        }
    }

    /// Destroys the keys whose waiting period is over and rotates those that are due, every `interval` until the task is
    /// cancelled. Both also happen at a key's next use; this does it for keys that nobody uses.
    public func run(every interval: Duration = .seconds(60)) async {
        while !Task.isCancelled {
            do { try await ring.sweep() } catch {
                logger.error("Due changes of keys fail; trying again", metadata: ["error": "\(KMSError.from(error).logMessage ?? "")"])
            }
            // Only cancellation throws, and the loop's condition sees it.
            try? await Task.sleep(for: interval)
        }
    }

    /// Everything that is due by now, once.
    func sweep() async throws { try await ring.sweep() }

    private func failure(_ error: ServiceError) -> ServiceResponse {
        if let text = error.logMessage { logger.error("A KMS request failed", metadata: ["error": "\(text)"]) }
        return wire.failure(error)
    }
}

typealias KMSCall = JSONCall

extension JSONCall {
    var requester: Requester { Requester(caller: caller) }
}
