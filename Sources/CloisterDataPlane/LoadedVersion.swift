import CloisterCore

/// One function version as published, with its pool.
final class LoadedVersion {
    let snapshot: FunctionSnapshot
    let pool: PoolNumber

    init(snapshot: FunctionSnapshot, pool: PoolNumber) {
        self.snapshot = snapshot
        self.pool = pool
    }
}
