import CloisterCore
import CloisterDynamoDB
import CloisterIAM
import CloisterKMS
import CloisterSecrets
import CloisterServiceKit
import CloisterStore
import Logging

/// Access control, and the services that keep tenants' data, keys and secrets.
struct CompanionServices {
    let authorizer: IAMAuthorizer
    let credentials: IAMCredentialDirectory
    let issuer: SessionIssuer
    private let iam: IAMStore
    private let kms: KMSService
    private let dynamoDB: DynamoDBService
    /// Files of their own, in which what is deleted is overwritten.
    private let keyStore: SQLiteStore
    private let secretStore: SQLiteStore
    private let logger: Logger

    init(
        account: AccountID, administrator: AdministratorCredentials, documents: SQLiteStore, data: DataDirectory,
        logger: Logger
    ) async throws {
        let denials = DenialLog(logger: logger)
        iam = IAMStore(
            account: account, documents: documents,
            rootKey: try RootKeyFile.readOrCreate(path: data.file("iam-root.key")))
        try await iam.load()
        authorizer = IAMAuthorizer(store: iam, observer: denials)
        credentials = IAMCredentialDirectory(
            store: iam,
            administrators: [.init(id: administrator.accessKeyId, secret: administrator.secretAccessKey)],
            observer: denials)
        issuer = SessionIssuer(store: iam)
        keyStore = try SQLiteStore(path: data.file("kms.db"), erasesDeleted: true)
        secretStore = try SQLiteStore(path: data.file("secrets.db"), erasesDeleted: true)
        kms = KMSService(
            documents: keyStore, rootKey: try FileRootKey(path: data.file("kms-root.key")), authorizer: authorizer,
            logger: logger)
        dynamoDB = try DynamoDBService(
            directory: data.path, keys: kms.keys(for: "dynamodb"), authorizer: authorizer, logger: logger)
        self.logger = logger
    }

    /// All of them, to be mounted, and what falls due in them by itself (expired items, keys' and secrets' ends and
    /// rotations), to be run until its task is cancelled. `functions` runs rotations of secrets.
    func start(functions: any FunctionInvoker) -> (services: [any Service], upkeep: Task<Void, Never>) {
        let secrets = SecretsService(
            documents: secretStore, keys: kms.keys(for: "secretsmanager"), authorizer: authorizer, functions: functions,
            logger: logger)
        let upkeep = Task { [kms, dynamoDB] in
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await kms.run() }
                group.addTask { await dynamoDB.run() }
                group.addTask { await secrets.run() }
            }
        }
        let services: [any Service] = [
            IAMService(store: iam, authorizer: authorizer, logger: logger),
            STSService(issuer: issuer, authorizer: authorizer, logger: logger), kms, dynamoDB, secrets,
        ]
        return (services, upkeep)
    }

    /// Nothing may be under way.
    func close() throws {
        try keyStore.close()
        try secretStore.close()
    }
}

/// Refusals, for the operator's log.
struct DenialLog: AccessObserver {
    let logger: Logger

    func observed(_ event: AccessEvent) {
        logger.notice(
            "access denied",
            metadata: [
                "kind": "\(event.kind.rawValue)", "action": "\(event.request?.action ?? "")",
                "resource": "\(event.request?.resource ?? "")", "principal": "\(event.caller?.principalARN ?? "")",
                "tenant": "\(event.caller?.tenant?.rawValue ?? "")", "key": "\(event.accessKeyID)",
                "reason": "\(event.reason)",
            ])
    }
}
