import CloisterServiceKit
import Foundation

/// The account's own keys of the platform's services (`alias/aws/SERVICE`), made when they are first used.
enum ManagedKeys {
    static let prefix = "alias/aws/"
    static let services: Set<String> = [
        "dynamodb", "lambda", "logs", "s3", "secretsmanager", "sns", "sqs", "ssm", "xray",
    ]

    /// Nil unless `alias` is the one of a service that has a key.
    static func service(ofAlias alias: String) -> String? {
        guard alias.hasPrefix(prefix) else { return nil }
        let service = String(alias.dropFirst(prefix.count))
        return services.contains(service) ? service : nil
    }

    /// Everybody in the account may use the key, but only through the service; and look at it.
    static func policy(_ service: String, _ scope: KeyScope) -> String {
        """
        {"Version":"2012-10-17","Id":"auto-\(service)-1","Statement":[{"Sid":"Allow access through the service for all \
        principals in the account that are authorized to use it","Effect":"Allow","Principal":{"AWS":"*"},"Action":\
        ["kms:Encrypt","kms:Decrypt","kms:ReEncrypt*","kms:GenerateDataKey*","kms:CreateGrant","kms:DescribeKey"],\
        "Resource":"*","Condition":{"StringEquals":{"kms:CallerAccount":"\(scope.account)","kms:ViaService":\
        "\(service).\(scope.region).amazonaws.com"}}},{"Sid":"Allow direct access to key metadata to the account",\
        "Effect":"Allow","Principal":{"AWS":"arn:aws:iam::\(scope.account):root"},"Action":["kms:Describe*","kms:Get*",\
        "kms:List*"],"Resource":"*"}]}
        """
    }
}

extension KeyRing {
    /// The id of the service's key; makes the key unless another call was faster.
    func makeManagedKey(for service: String, _ scope: KeyScope) async throws -> KeyID {
        let alias = ManagedKeys.prefix + service
        return try await store.transact {
            if let known = try await store.alias(alias, scope).flatMap({ KeyID($0.alias.keyID) }) { return ([], known) }
            let id = KeyID(random: random(16))
            let time = now()
            let record = KeyRecord(
                description: "Default key that protects my \(service) data when no other key is defined",
                spec: .symmetricDefault, usage: .encryptDecrypt, isAWSManaged: true, createdAt: time, isEnabled: true,
                rotation: KeyRecord.Rotation(periodDays: 365, nextAt: time + 365 * KMSLimits.millisecondsPerDay),
                policy: ManagedKeys.policy(service, scope), tags: [], aliases: [alias], grants: [],
                materials: [try newSecret(.symmetricDefault, id, scope, version: 1, cause: .creation)])
            let entry = KeyStore.Alias(keyID: id.rawValue, createdAt: time, updatedAt: time)
            let changes = [
                try KeyStore.put(entry, alias, scope, .absent), try KeyStore.put(record, id, scope, .absent),
            ]
            return (changes, id)
        }
    }
}
