import CloisterCore

/// One function version as published, with its pool.
final class LoadedVersion {
    let snapshot: FunctionSnapshot
    let pool: PoolNumber
    /// The version as the answer's field has it; made once, since every invocation says it.
    let versionText: String

    init(snapshot: FunctionSnapshot, pool: PoolNumber) {
        self.snapshot = snapshot
        self.pool = pool
        self.versionText = snapshot.key.version.description
    }
}
