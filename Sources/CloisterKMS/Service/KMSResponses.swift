import Foundation

/// The output shapes of KMS's model, as far as they are used; members are spelled as on the wire. Times are seconds.
enum KMSResponses {
    struct Empty: Encodable {}

    struct KeyMetadata: Encodable {
        var AWSAccountId: String
        var KeyId: String
        var Arn: String
        var CreationDate: Double
        var Enabled: Bool
        var Description: String
        var KeyUsage: String
        var KeyState: String
        var DeletionDate: Double?
        var PendingDeletionWindowInDays: Int?
        var Origin = "AWS_KMS"
        var KeyManager: String
        var CustomerMasterKeySpec: String
        var KeySpec: String
        var EncryptionAlgorithms: [String]?
        var SigningAlgorithms: [String]?
        var KeyAgreementAlgorithms: [String]?
        var MacAlgorithms: [String]?
        var MultiRegion = false
        var CurrentKeyMaterialId: String?

        init(_ key: LoadedKey) {
            self.init(key.record, id: key.id, scope: key.scope)
        }

        init(_ record: KeyRecord, id: KeyID, scope: KeyScope) {
            AWSAccountId = scope.account
            KeyId = id.rawValue
            Arn = scope.arn("key/\(id)")
            CreationDate = KMSResponses.seconds(record.createdAt)
            Enabled = record.state == .enabled
            Description = record.description
            KeyUsage = record.usage.rawValue
            KeyState = record.state.rawValue
            DeletionDate = record.deletion.map { KMSResponses.seconds($0.at) }
            KeyManager = record.isAWSManaged ? "AWS" : "CUSTOMER"
            CustomerMasterKeySpec = record.spec.rawValue
            KeySpec = record.spec.rawValue
            switch record.usage {
            case .encryptDecrypt: EncryptionAlgorithms = record.spec.encryptionAlgorithms.map(\.rawValue)
            case .signVerify: SigningAlgorithms = record.spec.signingAlgorithms.map(\.rawValue)
            case .generateVerifyMAC: MacAlgorithms = record.spec.macAlgorithms.map(\.rawValue)
            case .keyAgreement: KeyAgreementAlgorithms = ["ECDH"]
            }
            CurrentKeyMaterialId = record.spec == .symmetricDefault ? record.current?.id : nil
        }
    }

    struct Key: Encodable { var KeyMetadata: KeyMetadata }

    struct Keys: Encodable {
        struct Entry: Encodable {
            var KeyId: String
            var KeyArn: String
        }

        var Keys: [Entry]
        var NextMarker: String?
        var Truncated: Bool
    }

    struct Aliases: Encodable {
        struct Entry: Encodable {
            var AliasName: String
            var AliasArn: String
            var TargetKeyId: String
            var CreationDate: Double
            var LastUpdatedDate: Double
        }

        var Aliases: [Entry]
        var NextMarker: String?
        var Truncated: Bool
    }

    struct Encrypted: Encodable {
        var CiphertextBlob: Data
        var KeyId: String
        var EncryptionAlgorithm: String
    }

    struct Decrypted: Encodable {
        var KeyId: String
        var Plaintext: Data
        var EncryptionAlgorithm: String
        var KeyMaterialId: String?
    }

    struct ReEncrypted: Encodable {
        var CiphertextBlob: Data
        var SourceKeyId: String
        var KeyId: String
        var SourceEncryptionAlgorithm: String
        var DestinationEncryptionAlgorithm: String
        var SourceKeyMaterialId: String?
        var DestinationKeyMaterialId: String?
    }

    struct DataKey: Encodable {
        var CiphertextBlob: Data
        var Plaintext: Data?
        var KeyId: String
        var KeyMaterialId: String?
    }

    struct DataKeyPair: Encodable {
        var PrivateKeyCiphertextBlob: Data
        var PrivateKeyPlaintext: Data?
        var PublicKey: Data
        var KeyId: String
        var KeyPairSpec: String
        var KeyMaterialId: String?
    }

    struct Random: Encodable { var Plaintext: Data }

    struct PublicKey: Encodable {
        var KeyId: String
        var PublicKey: Data
        var CustomerMasterKeySpec: String
        var KeySpec: String
        var KeyUsage: String
        var EncryptionAlgorithms: [String]?
        var SigningAlgorithms: [String]?
        var KeyAgreementAlgorithms: [String]?
    }

    struct Signed: Encodable {
        var KeyId: String
        var Signature: Data
        var SigningAlgorithm: String
    }

    struct Verified: Encodable {
        var KeyId: String
        var SignatureValid: Bool
        var SigningAlgorithm: String
    }

    struct MAC: Encodable {
        var Mac: Data
        var MacAlgorithm: String
        var KeyId: String
    }

    struct VerifiedMAC: Encodable {
        var KeyId: String
        var MacValid: Bool
        var MacAlgorithm: String
    }


    struct RotationStatus: Encodable {
        var KeyRotationEnabled: Bool
        var KeyId: String
        var RotationPeriodInDays: Int?
        var NextRotationDate: Double?
    }

    struct Rotations: Encodable {
        struct Entry: Encodable {
            var KeyId: String
            var KeyMaterialId: String
            var KeyMaterialState: String?
            var RotationDate: Double?
            var RotationType: String?
        }

        var Rotations: [Entry]
        var NextMarker: String?
        var Truncated: Bool
    }

    struct KeyName: Encodable { var KeyId: String }

    struct Deletion: Encodable {
        var KeyId: String
        var DeletionDate: Double
        var KeyState = "PendingDeletion"
        var PendingWindowInDays: Int
    }

    struct Policy: Encodable {
        var Policy: String
        var PolicyName = "default"
    }

    struct PolicyNames: Encodable {
        var PolicyNames = ["default"]
        var Truncated = false
    }

    struct Tags: Encodable {
        var Tags: [KMSRequests.Tag]
        var NextMarker: String?
        var Truncated: Bool
    }

    struct Grant: Encodable {
        var GrantToken: String
        var GrantId: String
    }

    struct Grants: Encodable {
        struct Constraints: Encodable {
            var EncryptionContextSubset: [String: String]?
            var EncryptionContextEquals: [String: String]?
        }

        struct Entry: Encodable {
            var KeyId: String
            var GrantId: String
            var Name: String?
            var CreationDate: Double
            var GranteePrincipal: String
            var RetiringPrincipal: String?
            var IssuingAccount: String
            var Operations: [String]
            var Constraints: Constraints?
        }

        var Grants: [Entry]
        var NextMarker: String?
        var Truncated: Bool
    }

    static func seconds(_ milliseconds: Int64) -> Double { Double(milliseconds) / 1_000 }
}
