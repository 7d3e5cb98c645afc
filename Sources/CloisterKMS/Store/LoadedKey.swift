import Synchronization

/// One key as it was stored in one revision, with the material that was unwrapped for it. Never changes; a later revision
/// is another `LoadedKey`, and when the last user lets go of this one, its material is wiped.
final class LoadedKey: Sendable {
    let id: KeyID
    let scope: KeyScope
    let revision: Int64
    let record: KeyRecord
    private let materials = Mutex<[UInt32: KeyMaterial]>([:])

    init(id: KeyID, scope: KeyScope, revision: Int64, record: KeyRecord) {
        self.id = id
        self.scope = scope
        self.revision = revision
        self.record = record
    }

    var arn: String { scope.arn("key/\(id)") }

    /// One version's material, unwrapped at its first use.
    func material(_ stored: KeyRecord.Material, root: any RootKey) throws(RootKeyError) -> KeyMaterial {
        if let known = materials.withLock({ $0[stored.version] }) { return known }
        let bytes = try root.unwrap(
            Array(stored.wrapped), context: KeyMaterial.context(id, scope: scope, version: stored.version))
        let material = KeyMaterial(bytes)
        materials.withLock { $0[stored.version] = material }
        return material
    }
}

/// Unwrapped key material that several calls use at once.
final class KeyMaterial: Sendable {
    let bytes: SecretBytes

    init(_ bytes: consuming SecretBytes) { self.bytes = bytes }

    /// What wrapped material is bound to, so that it can't be moved to another key, version or account.
    static func context(_ id: KeyID, scope: KeyScope, version: UInt32) -> [UInt8] {
        Array("cloister kms material 1 \(scope.prefix)\(id)/\(version)".utf8)
    }
}
