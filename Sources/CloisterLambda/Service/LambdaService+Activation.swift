import CloisterCore
import CloisterServiceKit
import Logging

/// A function's way from `Pending` to `Active`, and an update's from `InProgress` to `Successful`: as soon as the
/// runtimes of all its versions are on this host.
extension LambdaService {
    /// Publishes what is stored. The caller holds the function's lock, or is `start`.
    func publish(_ function: FunctionRecord) async throws(ServiceError) {
        let versions = try await store.versions(of: function.key)
        let builder = SnapshotBuilder(code: code, catalog: catalog)
        await directory.publish(try await builder.entry(function, versions: versions))
    }

    /// Reads, changes, stores and publishes a function, in its turn. `body` may add changes of other documents; what
    /// it throws leaves everything as it was.
    func change<Value: Sendable>(
        _ key: FunctionKey, arn: String,
        _ body: (inout FunctionRecord, inout [DocumentChange]) async throws(ServiceError) -> Value
    ) async throws(ServiceError) -> Value {
        try await functionLocks.withLock(key) { () async throws(ServiceError) -> Value in
            guard let stored = try await store.function(key) else { throw .notFound("Function not found: \(arn)") }
            var function = stored.record
            var changes: [DocumentChange] = []
            let value = try await body(&function, &changes)
            if function != stored.record || !changes.isEmpty {
                let put = try FunctionStore.put(function, expecting: stored.revision)
                try await store.apply([put] + changes)
                try await publish(function)
            }
            return value
        }
    }

    /// Finishes in the background what is unfinished; harmless when nothing is.
    func activate(_ key: FunctionKey) {
        background.start("\(key)") { [self] in
            do throws(ServiceError) {
                try await finish(key)
            } catch {
                logger.error(
                    "a function could not be made ready: \(error.logMessage ?? error.message)",
                    metadata: ["function": "\(key)"])
            }
        }
    }

    private func finish(_ key: FunctionKey) async throws(ServiceError) {
        guard let function = try await store.function(key)?.record else { return }
        let versions = try await store.versions(of: key)
        let failure = await prepare(function.latest.runtime)
        let others = Set(versions.map(\.configuration.runtime) + [function.serving?.runtime].compactMap { $0 })
        for runtime in others.subtracting([function.latest.runtime]) { _ = await prepare(runtime) }
        // An update that came meanwhile starts this once more, for its own revision.
        try await settle(key, revision: function.latest.revisionID, failure: failure)
    }

    private func settle(_ key: FunctionKey, revision: String, failure: String?) async throws(ServiceError) {
        try await functionLocks.withLock(key) { () async throws(ServiceError) in
            guard let stored = try await store.function(key), stored.record.latest.revisionID == revision else {
                return
            }
            var function = stored.record
            LambdaService.settle(&function, failure: failure)
            // Published first: a client that reads `Active` may invoke at once. What was acknowledged is on disk already,
            // and a start after a crash in between comes here again.
            try await publish(function)
            if function != stored.record {
                try await store.apply([try FunctionStore.put(function, expecting: stored.revision)])
            }
        }
    }

    private static func settle(_ function: inout FunctionRecord, failure: String?) {
        function.failure = failure
        guard failure != nil else {
            function.state = .active
            function.updateStatus = .successful
            function.serving = nil
            return
        }
        if function.updateStatus == .inProgress { function.updateStatus = .failed }
        if function.serving == nil { function.state = .failed }
    }

    /// Nil when the runtime is ready; else why it isn't, for the user.
    private func prepare(_ runtime: String) async -> String? {
        switch catalog.availability(of: runtime) {
        case .ready: return nil
        case .unknown(let available): return LambdaService.unknownRuntime(runtime, available).message
        case .notBuilt: break
        }
        do {
            _ = try await catalog.prepare(runtime)
            return nil
        } catch {
            logger.error("runtime \(runtime) could not be built: \(error)")
            return "The runtime \(runtime) could not be built: \(String("\(error)".prefix(500)))"
        }
    }

    static func unknownRuntime(_ runtime: String, _ available: [String]) -> ServiceError {
        .invalidParameter(
            "Value \(runtime.prefix(128)) at 'runtime' failed to satisfy constraint: "
                + "Member must satisfy enum value set: [\(available.joined(separator: ", "))] or be a valid ARN")
    }
}
