import Foundation

/// The input shapes of Secrets Manager's model, as far as they are used; members are spelled as on the wire.
enum SecretsRequests {
    typealias Tag = SecretRecord.Tag

    struct Replica: Decodable {}

    struct Secret: Decodable {
        var Name: String?
        var SecretId: String?
        var ClientRequestToken: String?
        var Description: String?
        var KmsKeyId: String?
        var SecretBinary: Data?
        var SecretString: String?
        var Tags: [Tag]?
        var TagKeys: [String]?
        var AddReplicaRegions: [Replica]?
        var `Type`: String?
        var VersionId: String?
        var VersionStage: String?
        var VersionStages: [String]?
        var RemoveFromVersionId: String?
        var MoveToVersionId: String?
        var RecoveryWindowInDays: Int?
        var ForceDeleteWithoutRecovery: Bool?
        var ResourcePolicy: String?
        var BlockPublicPolicy: Bool?
        var IncludeDeprecated: Bool?
        var MaxResults: Int?
        var NextToken: String?
    }

    struct Filter: Decodable {
        var Key: String?
        var Values: [String]?
    }

    struct List: Decodable {
        var SecretIdList: [String]?
        var Filters: [Filter]?
        var IncludePlannedDeletion: Bool?
        var MaxResults: Int?
        var NextToken: String?
        var SortOrder: String?
        var SortBy: String?
    }

    struct RotationRules: Codable {
        var AutomaticallyAfterDays: Int?
        var Duration: String?
        var ScheduleExpression: String?
    }

    struct Rotate: Decodable {
        var SecretId: String?
        var ClientRequestToken: String?
        var RotationLambdaARN: String?
        var RotationRules: RotationRules?
        var RotateImmediately: Bool?
        var ExternalSecretRotationRoleArn: String?
    }

    struct RandomPassword: Decodable {
        var PasswordLength: Int?
        var ExcludeCharacters: String?
        var ExcludeNumbers: Bool?
        var ExcludePunctuation: Bool?
        var ExcludeUppercase: Bool?
        var ExcludeLowercase: Bool?
        var IncludeSpace: Bool?
        var RequireEachIncludedType: Bool?
    }
}
