import CloisterServiceKit
import Logging
import Synchronization

extension KeyRing {
    /// Destroys the key when its waiting period is over (then nil), and rotates it when that is due.
    func bringUpToDate(_ key: LoadedKey) async throws -> LoadedKey? {
        let time = now()
        if let deletion = key.record.deletion {
            guard deletion.at <= time else { return key }
            try await destroy(key)
            return nil
        }
        guard let rotation = key.record.rotation, key.record.isEnabled, rotation.nextAt <= time else { return key }
        try await rotate(key, cause: .automatic)
        return try await store.key(key.id, key.scope)
    }

    /// Adds a version of the key material, under which everything new goes. An automatic rotation that another call has
    /// done meanwhile isn't done again.
    func rotate(_ key: LoadedKey, cause: KeyRecord.Material.Cause) async throws {
        try await change(key) { record in
            let time = now()
            if cause == .automatic {
                guard let rotation = record.rotation, rotation.nextAt <= time else { return }
                let period = Int64(rotation.periodDays) * KMSLimits.millisecondsPerDay
                record.rotation?.nextAt = time + period
            }
            let version = (record.materials.last?.version ?? 0) + 1
            record.materials.append(
                try newSecret(record.spec, key.id, key.scope, version: version, cause: cause))
        }
    }

    /// Removes the key with all its wrapped material, and its aliases. A deletion that was cancelled meanwhile stays so.
    func destroy(_ key: LoadedKey) async throws {
        defer { store.forget(key.id, key.scope) }
        try await store.transact {
            guard let current = try await store.key(key.id, key.scope), let deletion = current.record.deletion,
                deletion.at <= now()
            else { return ([], ()) }
            let aliases = current.record.aliases.map { DocumentChange.delete(KeyStore.aliasName($0, key.scope)) }
            let removal = DocumentChange.delete(
                KeyStore.keyName(key.id, key.scope), expecting: .revision(current.revision))
            return ([removal] + aliases, ())
        }
        logger.notice("destroyed a key", metadata: ["key": "\(key.arn)"])
        hasRemains.store(true, ordering: .relaxed)
        await eraseRemains()
    }

    /// Overwrites what the store still holds of destroyed keys. If it can't now, the next sweep tries again.
    private func eraseRemains() async {
        guard hasRemains.exchange(false, ordering: .relaxed) else { return }
        do {
            try await store.eraseRemains()
        } catch {
            hasRemains.store(true, ordering: .relaxed)
            logger.warning("remains of destroyed keys can't be erased yet", metadata: ["error": "\(error)"])
        }
    }

    /// Everything that is due, for all keys.
    func sweep() async throws {
        var after: String?
        repeat {
            let page = try await store.allKeys(after: after, limit: 500)
            for key in page.keys { _ = try await bringUpToDate(key) }
            after = page.last
        } while after != nil
        await eraseRemains()
    }
}
