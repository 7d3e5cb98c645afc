import CloisterServiceKit
import Foundation
import Logging
import Synchronization

/// The keys of all accounts: finds them, asks for permission, and keeps their states true to the time.
final class KeyRing: Sendable {
    let store: KeyStore
    let root: any RootKey
    let authorizer: any Authorizer
    /// Milliseconds since 1970.
    let now: @Sendable () -> Int64
    let random: @Sendable (Int) -> [UInt8]
    let logger: Logger
    /// Whether the store's files may still hold material of destroyed keys. True at first: a crash may have come between.
    let hasRemains = Atomic(true)

    init(
        store: KeyStore, root: any RootKey, authorizer: any Authorizer, now: @escaping @Sendable () -> Int64,
        random: @escaping @Sendable (Int) -> [UInt8], logger: Logger
    ) {
        self.store = store
        self.root = root
        self.authorizer = authorizer
        self.now = now
        self.random = random
        self.logger = logger
    }

    /// The key that `reference` names, once the caller may do `access` with it. In whichever state.
    func key(_ reference: String?, _ access: KeyAccess, for requester: Requester) async throws -> LoadedKey {
        let text = try KMSValidation.keyID(reference)
        let parsed = try KeyReference.parse(text, for: requester.caller)
        switch parsed {
        case .key(let id):
            return try await authorized(id, alias: nil, access, for: requester, missing: KMSError.noKey(requester.caller.keyARN(id)))
        case .alias(let name):
            guard access.takesAliases else { throw KMSError.notFound("Invalid keyId '\(text.prefix(256))'") }
            return try await key(alias: name, access, for: requester)
        }
    }

    /// Asks for permission to use `key` as `access` says.
    func authorize(_ key: LoadedKey, _ access: KeyAccess, alias: String? = nil, for requester: Requester) async throws {
        try await authorizer.authorize(
            AccessRequest(
                action: "kms:\(access.operation)", resource: key.arn,
                conditions: access.conditions(key: key, alias: alias, requester: requester),
                resourcePolicy: GrantStatements.policy(of: key.record, for: access, caller: requester.caller)),
            for: requester.caller)
    }

    /// Asks for permission to do something that isn't about one key.
    func authorize(_ access: KeyAccess, resource: String = "*", for requester: Requester) async throws {
        try await authorizer.authorize(
            AccessRequest(
                action: "kms:\(access.operation)", resource: resource,
                conditions: access.conditions(key: nil, alias: nil, requester: requester)),
            for: requester.caller)
    }

    /// The stored key with everything done that is due by now; nil when there is none, or no longer.
    func current(_ id: KeyID, _ scope: KeyScope) async throws -> LoadedKey? {
        guard let key = try await store.key(id, scope) else { return nil }
        return try await bringUpToDate(key)
    }

    /// Changes a key's record. `body` may be run more than once and throws what the caller shall see.
    @discardableResult
    func change(_ key: LoadedKey, _ body: (inout KeyRecord) throws -> Void) async throws -> KeyRecord {
        defer { store.forget(key.id, key.scope) }
        return try await store.transact {
            guard let current = try await store.key(key.id, key.scope) else { throw KMSError.noKey(key.arn) }
            var record = current.record
            try body(&record)
            guard record != current.record else { return ([], record) }
            return ([try KeyStore.put(record, key.id, key.scope, .revision(current.revision))], record)
        }
    }

    /// Wrapped new material for a symmetric or HMAC key.
    func newSecret(
        _ spec: KeySpec, _ id: KeyID, _ scope: KeyScope, version: UInt32, cause: KeyRecord.Material.Cause
    ) throws -> KeyRecord.Material {
        var bytes = Data(random(spec.secretBytes))
        let secret = try SecretBytes(wiping: &bytes)
        let wrapped = try root.wrap(secret, context: KeyMaterial.context(id, scope: scope, version: version))
        return KeyRecord.Material(
            version: version, id: Hexadecimal.text(random(32)), wrapped: Data(wrapped), madeAt: now(), cause: cause)
    }

    private func key(alias name: String, _ access: KeyAccess, for requester: Requester) async throws -> LoadedKey {
        let scope = requester.scope
        let arn = scope.arn(name)
        if let id = try await store.alias(name, scope).flatMap({ KeyID($0.alias.keyID) }) {
            return try await authorized(id, alias: name, access, for: requester, missing: KMSError.noAlias(arn))
        }
        guard let service = ManagedKeys.service(ofAlias: name) else {
            try await refuseMissing(arn, alias: name, access, for: requester)
            throw KMSError.noAlias(arn)
        }
        let id = try await makeManagedKey(for: service, scope)
        return try await authorized(id, alias: name, access, for: requester, missing: KMSError.noAlias(arn))
    }

    private func authorized(
        _ id: KeyID, alias: String?, _ access: KeyAccess, for requester: Requester, missing: ServiceError
    ) async throws -> LoadedKey {
        guard let key = try await current(id, requester.scope) else {
            try await refuseMissing(requester.caller.keyARN(id), alias: alias, access, for: requester)
            throw missing
        }
        try await authorize(key, access, alias: alias, for: requester)
        return key
    }

    /// Permission comes before existence: whoever may not use a key doesn't learn that there is none.
    private func refuseMissing(
        _ arn: String, alias: String?, _ access: KeyAccess, for requester: Requester
    ) async throws {
        try await authorizer.authorize(
            AccessRequest(
                action: "kms:\(access.operation)", resource: arn,
                conditions: access.conditions(key: nil, alias: alias, requester: requester)),
            for: requester.caller)
    }
}
