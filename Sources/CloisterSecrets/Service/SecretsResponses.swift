import Foundation

/// The output shapes of Secrets Manager's model, as far as they are used. Times are seconds.
enum SecretsResponses {
    struct Empty: Encodable {}

    /// What most operations answer.
    struct Secret: Encodable {
        var ARN: String
        var Name: String
        var VersionId: String?
        var VersionStages: [String]?
        var DeletionDate: Double?
        var ResourcePolicy: String?

        init(_ secret: SecretStore.Stored) {
            ARN = secret.arn
            Name = secret.record.name
        }
    }

    struct Value: Encodable {
        var ARN: String
        var Name: String
        var VersionId: String
        var SecretBinary: Data?
        var SecretString: String?
        var VersionStages: [String]
        var CreatedDate: Double
    }

    struct Description: Encodable {
        var ARN: String
        var Name: String
        var Description: String?
        var KmsKeyId: String?
        var RotationEnabled: Bool?
        var RotationLambdaARN: String?
        var RotationRules: SecretsRequests.RotationRules?
        var LastRotatedDate: Double?
        var LastChangedDate: Double
        var LastAccessedDate: Double?
        var DeletedDate: Double?
        var NextRotationDate: Double?
        var Tags: [SecretRecord.Tag]
        /// In `DescribeSecret`.
        var VersionIdsToStages: [String: [String]]?
        /// In `ListSecrets`.
        var SecretVersionsToStages: [String: [String]]?
        var CreatedDate: Double

        init(_ secret: SecretStore.Stored) {
            let record = secret.record
            ARN = secret.arn
            Name = record.name
            Description = record.description
            KmsKeyId = record.keyID
            Tags = record.tags
            CreatedDate = seconds(record.createdAt)
            LastChangedDate = seconds(record.changedAt)
            LastAccessedDate = record.accessedAt.map(seconds)
            LastRotatedDate = record.rotatedAt.map(seconds)
            DeletedDate = record.deletedAt.map(seconds)
            guard let rotation = record.rotation else { return }
            RotationEnabled = rotation.isEnabled
            RotationLambdaARN = rotation.functionARN
            RotationRules = SecretsRequests.RotationRules(
                AutomaticallyAfterDays: rotation.afterDays, Duration: rotation.duration,
                ScheduleExpression: rotation.schedule)
            NextRotationDate = rotation.isEnabled ? rotation.nextAt.map(seconds) : nil
        }
    }

    struct List: Encodable {
        var SecretList: [Description]
        var NextToken: String?
    }

    struct Versions: Encodable {
        struct Entry: Encodable {
            var VersionId: String
            var VersionStages: [String]?
            var LastAccessedDate: Double?
            var CreatedDate: Double
            var KmsKeyIds: [String]
        }

        var Versions: [Entry]
        var NextToken: String?
        var ARN: String
        var Name: String
    }

    struct Batch: Encodable {
        struct Failure: Encodable {
            var SecretId: String
            var ErrorCode: String
            var Message: String
        }

        var SecretValues: [Value]
        var NextToken: String?
        var Errors: [Failure]
    }

    struct Password: Encodable { var RandomPassword: String }

    struct Validation: Encodable {
        struct Failure: Encodable {
            var CheckName: String
            var ErrorMessage: String
        }

        var PolicyValidationPassed: Bool
        var ValidationErrors: [Failure]
    }

    static func seconds(_ milliseconds: Int64) -> Double { Double(milliseconds) / 1_000 }
}
