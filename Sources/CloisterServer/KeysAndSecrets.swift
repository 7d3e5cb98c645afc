import CloisterKMS
import CloisterSecrets
import CloisterServiceKit
import CloisterStore
import Logging

/// KMS and Secrets Manager, with their databases and the root key, all under the data directory.
struct KeysAndSecrets {
    let kms: KMSService
    let secrets: SecretsService
    private let stores: [SQLiteStore]

    /// `functions` invokes rotation functions.
    init(
        data: DataDirectory, authorizer: any Authorizer, functions: (any FunctionInvoker)?, logger: Logger
    ) throws {
        let keyStore = try SQLiteStore(path: data.file("kms.db"), erasesDeleted: true)
        let secretStore = try SQLiteStore(path: data.file("secrets.db"), erasesDeleted: true)
        let rootKey = try FileRootKey(path: data.file("kms-root.key"))
        kms = KMSService(documents: keyStore, rootKey: rootKey, authorizer: authorizer, logger: logger)
        secrets = SecretsService(
            documents: secretStore, keys: kms.keys(for: "secretsmanager"), authorizer: authorizer, functions: functions,
            logger: logger)
        stores = [keyStore, secretStore]
    }

    /// What is due (deletions, rotations), until the task is cancelled.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await kms.run() }
            group.addTask { await secrets.run() }
        }
    }

    func close() throws {
        for store in stores { try store.close() }
    }
}
