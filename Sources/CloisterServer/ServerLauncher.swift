import CloisterCore
import CloisterDataPlane
import CloisterIsolation
import CloisterLambda
import CloisterLogs
import CloisterRuntimes
import CloisterServiceKit
import CloisterStore
import CloisterTenants
import Foundation
import Logging
import NIOCore
import NIOPosix

/// Puts the parts together and runs them until the process is told to stop: the one composition root.
public enum ServerLauncher {
    public static func run(_ options: ServeOptions) async throws {
        let logger = Logger(label: "cloister")
        signal(SIGPIPE, SIG_IGN)
        let data = try DataDirectory(options.dataDirectory)
        let key = try AdministratorCredentials.readOrCreate(dataDirectory: data.path)
        let choice = try await IsolationChoice.make(
            options.isolation, accelerator: options.microvmAccelerator, data: data, logger: logger)
        let leftovers = try await choice.backend.destroyLeftovers()
        if leftovers > 0 { logger.notice("destroyed what an earlier run had left", metadata: ["sandboxes": "\(leftovers)"]) }

        let store = try SQLiteStore(path: data.file("cloister.db"))
        let codes = try FileCodeStore(directory: data.file("code"))
        let logs = try LogStore(directory: data.path, logger: logger)
        let logWriter = Task { await logs.run() }
        let images = RuntimeImages(directory: options.runtimesDirectory, allowSubstitutes: options.allowsSubstitutes)

        let companions = try await CompanionServices(
            account: options.account, administrator: key, documents: store, data: data, logger: logger)

        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        var scheduler = SchedulerConfiguration()
        scheduler.accountConcurrencyMax = options.concurrency
        let preboot = PrebootConfiguration(level: choice.backend.level, memoryMiBMax: options.prebootMemoryMiB)
        scheduler.memoryMiBMax = max(0, HostMemory.budgetMiB - preboot.memoryMiBMax)
        let plane = DataPlane(
            configuration: DataPlaneConfiguration(
                account: options.account, backend: choice.backend, scheduler: scheduler, preboot: preboot,
                logs: logs, events: store,
                credentials: companions.credentials, issuer: companions.issuer, authorizer: companions.authorizer,
                isUnsignedAllowed: options.allowsUnsigned, logger: logger),
            loop: group.next())
        let lambda = LambdaService(
            account: options.account, documents: store, code: codes, catalog: images, directory: plane, logger: logger,
            configuration: LambdaConfiguration(accountConcurrencyMax: options.concurrency))
        let registry = TenantRegistry(account: options.account, documents: store, directory: plane, logger: logger)
        let operator_ = OperatorService(
            plane: plane, documents: store, logs: logs, level: choice.backend.level,
            tenants: TenantService(registry: registry, logger: logger))
        let (services, upkeep) = companions.start(functions: plane)
        plane.mount([lambda, LogsService(store: logs, logger: logger), operator_] + services)
        // Before any function is published: who is suspended must not be served for a moment.
        try await registry.start()
        try await lambda.start()
        let address = try await plane.start(host: options.host, port: options.port)
        announce(options, port: address?.port ?? options.port, choice: choice)

        await Signals.stop()
        logger.notice("stopping: environments are destroyed")
        await plane.stop()
        upkeep.cancel()
        await upkeep.value
        logWriter.cancel()
        await logWriter.value
        try companions.close()
        try store.close()
        try await group.shutdownGracefully()
    }

    private static func announce(_ options: ServeOptions, port: Int, choice: IsolationChoice) {
        let endpoint = "http://\(options.host.contains(":") ? "[\(options.host)]" : options.host):\(port)"
        let text = """
            Cloister listens on \(endpoint)
              isolation  \(choice.backend.level.rawValue) (\(choice.backend.summary))
              data       \(options.dataDirectory)
              clients    eval "$(cloister env --data \(options.dataDirectory) --endpoint \(endpoint))"

            """
        FileHandle.standardError.write(Data(text.utf8))
        for rejected in choice.rejected { FileHandle.standardError.write(Data("  not used   \(rejected)\n".utf8)) }
    }
}
