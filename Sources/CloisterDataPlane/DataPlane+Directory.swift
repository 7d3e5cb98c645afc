import CloisterCore
import CloisterIsolation
import CloisterServiceKit
import NIOCore

/// The control plane's side: which functions there are.
extension DataPlane: FunctionDirectory {
    public func publish(_ entry: FunctionEntry) async {
        try? await loop.submit { self.replace(entry) }.get()
    }

    public func remove(_ key: FunctionKey) async {
        try? await loop.submit { self.forget(key) }.get()
    }

    private func replace(_ entry: FunctionEntry) {
        let before = functions[entry.key]?.pools ?? [:]
        var pools: [PoolKey: PoolNumber] = [:]
        for snapshot in entry.versions.values {
            let key = PoolKey(snapshot)
            poolSnapshots[key] = snapshot
            pools[key] = before[key] ?? scheduler.openPool(
                key, memoryMiB: snapshot.memoryMiB, isTenantIsolated: snapshot.isTenantIsolated)
        }
        functions[entry.key] = PublishedFunction(
            entry: entry, arn: entry.key.arn(account: configuration.account), pools: pools)
        scheduler.setReservedConcurrency(entry.reservedConcurrency, for: entry.key)
        retire(before.filter { pools[$0.key] == nil })
        keepAhead(entry.key)
        if let snapshot = entry.versions[.latest] { preboot?.expect(snapshot) }
    }

    private func forget(_ key: FunctionKey) {
        guard let published = functions.removeValue(forKey: key) else { return }
        scheduler.setReservedConcurrency(nil, for: key)
        retire(published.pools)
    }

    private func retire(_ pools: [PoolKey: PoolNumber]) {
        for (key, number) in pools {
            schedule { $0.retire(number, now: $1, into: &$2) }
            // Starts that are under way for invocations that already wait still need it; they hold it by then.
            loop.scheduleTask(in: .minutes(1)) {
                let inUse = self.functions[key.version.function]?.pools[key] != nil
                if !inUse { self.poolSnapshots[key] = nil }
            }
        }
    }

    /// The environments that there are now, by age.
    public func describeEnvironments() async -> [EnvironmentDescription] {
        let described = try? await loop.submit {
            self.environments.sorted { $0.key < $1.key }.map { self.describe($0.value) }
        }.get()
        return described ?? []
    }

    private func describe(_ environment: ExecutionEnvironment) -> EnvironmentDescription {
        let memory = environment.sandbox?.memory()
        return EnvironmentDescription(
            id: environment.id.rawValue, function: environment.function.key.function.name,
            version: environment.function.key.version.description, region: environment.function.key.function.region,
            tenantId: environment.owner?.tenant?.rawValue, isBound: environment.owner != nil,
            state: environment.stateName, level: configuration.backend.level.rawValue,
            memoryBytes: memory?.currentBytes ?? 0, peakMemoryBytes: memory?.peakBytes ?? 0,
            since: WallTime.iso8601(milliseconds: environment.createdAtWall),
            invocations: environment.invocationCount, processId: environment.sandbox?.processID ?? 0,
            logStream: environment.logStream)
    }
}

extension ExecutionEnvironment {
    /// For operators.
    var stateName: String {
        if invocation != nil { return "busy" }
        if isFrozen { return "frozen" }
        guard waiting != nil else { return invocationCount == 0 ? "starting" : "recovering" }
        return owner == nil ? "unbound" : "idle"
    }
}
