import CloisterCore
import CloisterServiceKit
import Crypto
import Logging

/// AWS Lambda's control plane: functions, versions, aliases, layers and what belongs to them. Invoking is the data
/// plane's; what it may run is published to it through `FunctionDirectory`, always after the change is on disk.
public final class LambdaService: Service {
    public let signingName = "lambda"
    public let access = ServiceAccess.wholeService

    let account: AccountID
    let store: FunctionStore
    let code: any CodeStore
    let catalog: any RuntimeCatalog
    let directory: any FunctionDirectory
    let logger: Logger
    let configuration: LambdaConfiguration
    let rules: ConfigurationRules
    /// Milliseconds since 1970.
    let now: @Sendable () -> Int64
    /// A function's changes, one at a time, so that what is published last is what was stored last.
    let functionLocks = KeyedLock<FunctionKey>()
    /// Changes that are checked against a sum over all functions, or against a layer's last number.
    let sharedLocks = KeyedLock<String>()
    let background = BackgroundTasks()
    let locationKey = SymmetricKey(size: .bits256)
    private let router = LambdaRouter(LambdaCoverage.operations)

    /// - Parameter now: milliseconds since 1970.
    public init(
        account: AccountID, documents: any DocumentStore, code: any CodeStore, catalog: any RuntimeCatalog,
        directory: any FunctionDirectory, logger: Logger, configuration: LambdaConfiguration = LambdaConfiguration(),
        now: @escaping @Sendable () -> Int64 = wallClockMilliseconds
    ) {
        self.account = account
        self.store = FunctionStore(documents: documents)
        self.code = code
        self.catalog = catalog
        self.directory = directory
        self.logger = logger
        self.configuration = configuration
        self.rules = ConfigurationRules(configuration: configuration, account: account)
        self.now = now
    }

    /// Deletes code that nothing refers to, publishes every function, and finishes what an earlier run left
    /// unfinished. Call once, before `respond`, while no environment runs.
    public func start() async throws(ServiceError) {
        let functions = try await store.allFunctions()
        try await removeUnusedCode(functions)
        for function in functions {
            do throws(ServiceError) {
                try await publish(function)
                activate(function.key)
            } catch {
                // One damaged function must not keep all others from being served.
                logger.error(
                    "a function can't be published: \(error.logMessage ?? error.message)",
                    metadata: ["function": "\(function.key)"])
            }
        }
    }

    /// Waits for what goes on in the background: functions on their way to `Active`.
    public func settle() async { await background.settle() }

    public func respond(to request: ServiceRequest) async -> ServiceResponse {
        if request.path.hasPrefix(LambdaService.codeLocationPrefix) {
            return await codeArchive(path: request.path, query: request.query)
        }
        do throws(ServiceError) {
            guard let match = router.match(request) else {
                throw ServiceError(
                    "UnknownOperationException", status: 404, message: "There is no Lambda operation at this address.")
            }
            let call = LambdaCall(
                operation: match.operation, labels: match.labels, request: request, account: account)
            return try await perform(call)
        } catch {
            if let reason = error.logMessage {
                logger.log(
                    level: error.fault == .service ? .error : .info, "\(reason)",
                    metadata: ["code": "\(error.code)", "requestID": "\(request.requestID)"])
            }
            return error.response
        }
    }

    private func perform(_ call: LambdaCall) async throws(ServiceError) -> ServiceResponse {
        switch call.operation.name {
        case "CreateFunction": try await createFunction(call)
        case "GetFunction": try await getFunction(call)
        case "GetFunctionConfiguration": try await getFunctionConfiguration(call)
        case "UpdateFunctionCode": try await updateFunctionCode(call)
        case "UpdateFunctionConfiguration": try await updateFunctionConfiguration(call)
        case "ListFunctions": try await listFunctions(call)
        case "DeleteFunction": try await deleteFunction(call)
        case "PublishVersion": try await publishVersion(call)
        case "ListVersionsByFunction": try await listVersionsByFunction(call)
        case "CreateAlias": try await createAlias(call)
        case "GetAlias": try await getAlias(call)
        case "UpdateAlias": try await updateAlias(call)
        case "ListAliases": try await listAliases(call)
        case "DeleteAlias": try await deleteAlias(call)
        case "PutFunctionConcurrency": try await putFunctionConcurrency(call)
        case "GetFunctionConcurrency": try await getFunctionConcurrency(call)
        case "DeleteFunctionConcurrency": try await deleteFunctionConcurrency(call)
        case "PutProvisionedConcurrencyConfig": try await putProvisionedConcurrencyConfig(call)
        case "GetProvisionedConcurrencyConfig": try await getProvisionedConcurrencyConfig(call)
        case "DeleteProvisionedConcurrencyConfig": try await deleteProvisionedConcurrencyConfig(call)
        case "ListProvisionedConcurrencyConfigs": try await listProvisionedConcurrencyConfigs(call)
        case "GetAccountSettings": try await getAccountSettings(call)
        case "ListTags": try await listTags(call)
        case "TagResource": try await tagResource(call)
        case "UntagResource": try await untagResource(call)
        case "PublishLayerVersion": try await publishLayerVersion(call)
        case "GetLayerVersion": try await getLayerVersion(call)
        case "GetLayerVersionByArn": try await getLayerVersionByArn(call)
        case "ListLayers": try await listLayers(call)
        case "ListLayerVersions": try await listLayerVersions(call)
        case "DeleteLayerVersion": try await deleteLayerVersion(call)
        case "AddPermission": try await addPermission(call)
        case "RemovePermission": try await removePermission(call)
        case "GetPolicy": try await getPolicy(call)
        case "PutFunctionEventInvokeConfig": try await putFunctionEventInvokeConfig(call)
        case "UpdateFunctionEventInvokeConfig": try await updateFunctionEventInvokeConfig(call)
        case "GetFunctionEventInvokeConfig": try await getFunctionEventInvokeConfig(call)
        case "DeleteFunctionEventInvokeConfig": try await deleteFunctionEventInvokeConfig(call)
        case "ListFunctionEventInvokeConfigs": try await listFunctionEventInvokeConfigs(call)
        default: throw .notImplemented(call.operation.name)
        }
    }

    private func removeUnusedCode(_ functions: [FunctionRecord]) async throws(ServiceError) {
        var records = functions.flatMap { [$0.latest] + ($0.serving.map { [$0] } ?? []) }
        for function in functions {
            records += try await store.versions(of: function.key).map(\.configuration)
        }
        let layers = try await store.allLayerVersions().map(\.code.digest)
        let inFunctions = records.flatMap { [$0.code.digest] + $0.layers.map(\.code.digest) }
        do {
            try await code.removeAll(
                except: Set(layers + inFunctions), layers: Set(records.map { $0.layers.map(\.code.digest) }))
        } catch {
            throw ServiceError(code: error)
        }
    }
}
