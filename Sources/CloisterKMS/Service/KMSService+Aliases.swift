import CloisterServiceKit

extension KMSService {
    func createAlias(_ call: KMSCall) async throws -> Responses.Empty {
        let (name, target) = try aliasInput(call)
        let scope = call.requester.scope
        try await ring.authorize(KeyAccess("CreateAlias", conditions: ["kms:RequestAlias": [name]]), resource: scope.arn(name), for: call.requester)
        let key = try await ring.key(target, KeyAccess("CreateAlias", conditions: ["kms:RequestAlias": [name]], takesAliases: false), for: call.requester)
        try await ring.store.transact {
            guard try await ring.store.alias(name, scope) == nil else {
                throw ServiceError(
                    "AlreadyExistsException", status: 400,
                    message: "An alias with the name \(scope.arn(name)) already exists")
            }
            let entry = KeyStore.Alias(keyID: key.id.rawValue, createdAt: ring.now(), updatedAt: ring.now())
            return ([try await adding(name, to: key, "CreateAlias"), try KeyStore.put(entry, name, scope, .absent)], ())
        }
        return Responses.Empty()
    }

    /// Points an alias to another key of the same kind.
    func updateAlias(_ call: KMSCall) async throws -> Responses.Empty {
        let (name, target) = try aliasInput(call)
        let scope = call.requester.scope
        let access = KeyAccess("UpdateAlias", conditions: ["kms:RequestAlias": [name]], takesAliases: false)
        try await ring.authorize(access, resource: scope.arn(name), for: call.requester)
        guard let (known, _) = try await ring.store.alias(name, scope) else { throw KMSError.noAlias(scope.arn(name)) }
        let old = try await ring.key(known.keyID, access, for: call.requester)
        let key = try await ring.key(target, access, for: call.requester)
        guard old.record.spec == key.record.spec, old.record.usage == key.record.usage else {
            throw KMSError.validation("Alias \(scope.arn(name)) cannot be changed from key \(old.arn) to key \(key.arn): the keys must be of the same type and usage.")
        }
        guard old.id != key.id else { return Responses.Empty() }
        try await ring.store.transact {
            guard let (current, revision) = try await ring.store.alias(name, scope), current.keyID == known.keyID else {
                throw KMSError.noAlias(scope.arn(name))
            }
            let entry = KeyStore.Alias(keyID: key.id.rawValue, createdAt: current.createdAt, updatedAt: ring.now())
            let changes = [
                try await adding(name, to: key, "UpdateAlias"), try KeyStore.put(entry, name, scope, .revision(revision)),
            ]
            return (changes + (try await removing(name, from: old)), ())
        }
        return Responses.Empty()
    }

    func deleteAlias(_ call: KMSCall) async throws -> Responses.Empty {
        let name = try Check.aliasName(try call.input(Requests.Alias.self).AliasName)
        let scope = call.requester.scope
        let access = KeyAccess("DeleteAlias", conditions: ["kms:RequestAlias": [name]], takesAliases: false)
        try await ring.authorize(access, resource: scope.arn(name), for: call.requester)
        guard let (known, _) = try await ring.store.alias(name, scope) else { throw KMSError.noAlias(scope.arn(name)) }
        try refuseReserved(name)
        let key = try await ring.key(known.keyID, access, for: call.requester)
        try await ring.store.transact {
            guard let (current, revision) = try await ring.store.alias(name, scope), current.keyID == known.keyID else {
                throw KMSError.noAlias(scope.arn(name))
            }
            let removal = DocumentChange.delete(KeyStore.aliasName(name, scope), expecting: .revision(revision))
            return ([removal] + (try await removing(name, from: key)), ())
        }
        return Responses.Empty()
    }

    func listAliases(_ call: KMSCall) async throws -> Responses.Aliases {
        let input = try call.input(Requests.Key.self)
        let limit = try Page.limit(input.Limit, default: 50)
        let after = try Page.position(input.Marker)
        let scope = call.requester.scope
        try await ring.authorize(KeyAccess("ListAliases"), for: call.requester)
        let all: [(name: String, alias: KeyStore.Alias)]
        if let reference = input.KeyId {
            let key = try await ring.key(reference, KeyAccess("ListAliases", takesAliases: false), for: call.requester)
            all = try await aliases(of: key, after: after)
        } else {
            all = try await ring.store.aliases(scope, after: after, limit: limit + 1)
        }
        let page = all.prefix(limit)
        return Responses.Aliases(
            Aliases: page.map { entry in
                Responses.Aliases.Entry(
                    AliasName: entry.name, AliasArn: scope.arn(entry.name), TargetKeyId: entry.alias.keyID,
                    CreationDate: Responses.seconds(entry.alias.createdAt),
                    LastUpdatedDate: Responses.seconds(entry.alias.updatedAt))
            },
            NextMarker: all.count > limit ? page.last.map { Page.marker($0.name) } : nil, Truncated: all.count > limit)
    }

    private func aliases(of key: LoadedKey, after: String?) async throws -> [(name: String, alias: KeyStore.Alias)] {
        var entries: [(name: String, alias: KeyStore.Alias)] = []
        for name in key.record.aliases.sorted() where after.map({ $0 < name }) ?? true {
            guard let (alias, _) = try await ring.store.alias(name, key.scope) else { continue }
            entries.append((name, alias))
        }
        return entries
    }

    private func aliasInput(_ call: KMSCall) throws -> (name: String, target: String) {
        let input = try call.input(Requests.Alias.self)
        let name = try Check.aliasName(input.AliasName)
        try refuseReserved(name)
        let target = try Check.keyID(input.TargetKeyId, member: "targetKeyId")
        guard !target.hasPrefix("alias/"), !target.contains(":alias/") else {
            throw KMSError.validation("Aliases must refer to keys. Not aliases")
        }
        return (name, target)
    }

    private func refuseReserved(_ name: String) throws {
        guard !name.hasPrefix(ManagedKeys.prefix) else {
            throw ServiceError("NotAuthorizedException", status: 400, message: "")
        }
    }

    private func adding(_ name: String, to key: LoadedKey, _ operation: String) async throws -> DocumentChange {
        guard let current = try await ring.store.key(key.id, key.scope) else { throw KMSError.noKey(key.arn) }
        var record = current.record
        try KMSService.checkChangeable(record, arn: key.arn, operation)
        guard record.aliases.count < KMSLimits.aliasesPerKeyMax else {
            throw KMSError.limit("\(key.arn) has \(KMSLimits.aliasesPerKeyMax) aliases already.")
        }
        record.aliases.append(name)
        return try KeyStore.put(record, key.id, key.scope, .revision(current.revision))
    }

    private func removing(_ name: String, from key: LoadedKey) async throws -> [DocumentChange] {
        guard let current = try await ring.store.key(key.id, key.scope) else { return [] }
        var record = current.record
        record.aliases.removeAll { $0 == name }
        return [try KeyStore.put(record, key.id, key.scope, .revision(current.revision))]
    }
}
