import Foundation

/// The input shapes of KMS's model, as far as they are used; members are spelled as on the wire.
enum KMSRequests {
    struct Tag: Codable {
        var TagKey: String?
        var TagValue: String?
    }

    struct CreateKey: Decodable {
        var Policy: String?
        var Description: String?
        var KeyUsage: String?
        var CustomerMasterKeySpec: String?
        var KeySpec: String?
        var Origin: String?
        var CustomKeyStoreId: String?
        var XksKeyId: String?
        var BypassPolicyLockoutSafetyCheck: Bool?
        var Tags: [Tag]?
        var MultiRegion: Bool?
    }

    /// The operations that are about one key and little else.
    struct Key: Decodable {
        var KeyId: String?
        var GrantTokens: [String]?
        var Description: String?
        var RotationPeriodInDays: Int?
        var PendingWindowInDays: Int?
        var PolicyName: String?
        var Policy: String?
        var BypassPolicyLockoutSafetyCheck: Bool?
        var Tags: [Tag]?
        var TagKeys: [String]?
        var IncludeKeyMaterial: String?
        var Limit: Int?
        var Marker: String?
    }

    struct Alias: Decodable {
        var AliasName: String?
        var TargetKeyId: String?
    }

    struct Encryption: Decodable {
        var KeyId: String?
        var Plaintext: Data?
        var CiphertextBlob: Data?
        var EncryptionContext: [String: String]?
        var EncryptionAlgorithm: String?
        var GrantTokens: [String]?
        var DryRun: Bool?
        var DryRunModifiers: [String]?
        var Recipient: Recipient?
    }

    /// Attested callers (Nitro enclaves): never taken.
    struct Recipient: Decodable {}

    struct ReEncrypt: Decodable {
        var CiphertextBlob: Data?
        var SourceEncryptionContext: [String: String]?
        var SourceKeyId: String?
        var DestinationKeyId: String?
        var DestinationEncryptionContext: [String: String]?
        var SourceEncryptionAlgorithm: String?
        var DestinationEncryptionAlgorithm: String?
        var GrantTokens: [String]?
        var DryRun: Bool?
        var DryRunModifiers: [String]?
    }

    struct DataKey: Decodable {
        var KeyId: String?
        var EncryptionContext: [String: String]?
        var NumberOfBytes: Int?
        var KeySpec: String?
        var KeyPairSpec: String?
        var CustomKeyStoreId: String?
        var GrantTokens: [String]?
        var DryRun: Bool?
        var Recipient: Recipient?
    }

    struct Signing: Decodable {
        var KeyId: String?
        var Message: Data?
        var MessageType: String?
        var Signature: Data?
        var SigningAlgorithm: String?
        var Mac: Data?
        var MacAlgorithm: String?
        var GrantTokens: [String]?
        var DryRun: Bool?
    }

    struct Grant: Decodable {
        struct Constraints: Decodable {
            var EncryptionContextSubset: [String: String]?
            var EncryptionContextEquals: [String: String]?
        }

        var KeyId: String?
        var GranteePrincipal: String?
        var RetiringPrincipal: String?
        var Operations: [String]?
        var Constraints: Constraints?
        var GrantTokens: [String]?
        var Name: String?
        var GrantId: String?
        var GrantToken: String?
        var Limit: Int?
        var Marker: String?
        var DryRun: Bool?
    }
}
