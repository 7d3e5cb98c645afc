import FoundationEssentials

/// A member that Cloister only looks for: whatever stands there is skipped.
struct Presence: Decodable {
    init(from decoder: any Decoder) throws {}
}

/// The members that CreateFunction and UpdateFunctionConfiguration share.
struct ConfigurationMembers: Decodable {
    var runtime: String?
    var role: String?
    var handler: String?
    var description: String?
    var timeout: Int?
    var memorySize: Int?
    var vpcConfig: VpcConfigMember?
    var deadLetterConfig: DeadLetterConfigShape?
    var environment: EnvironmentShape?
    var kMSKeyArn: String?
    var tracingConfig: TracingConfigShape?
    var layers: [String]?
    var fileSystemConfigs: [Presence]?
    var imageConfig: Presence?
    var ephemeralStorage: EphemeralStorageShape?
    var snapStart: SnapStartMember?
    var loggingConfig: LoggingConfigShape?
    var capacityProviderConfig: Presence?
    var durableConfig: Presence?
    var tenancyConfig: TenancyConfigShape?
}

struct CreateFunctionRequest: Decodable {
    var configuration: ConfigurationMembers
    var functionName: String?
    var code: FunctionCodeMember?
    var publish: Bool?
    var packageType: String?
    var tags: [String: String]?
    var codeSigningConfigArn: String?
    var architectures: [String]?
    var publishTo: String?

    private enum CodingKeys: CodingKey {
        case functionName, code, publish, packageType, tags, codeSigningConfigArn, architectures, publishTo
    }

    init(from decoder: any Decoder) throws {
        configuration = try ConfigurationMembers(from: decoder)
        let container = try decoder.container(keyedBy: CodingKeys.self)
        functionName = try container.decodeIfPresent(String.self, forKey: .functionName)
        code = try container.decodeIfPresent(FunctionCodeMember.self, forKey: .code)
        publish = try container.decodeIfPresent(Bool.self, forKey: .publish)
        packageType = try container.decodeIfPresent(String.self, forKey: .packageType)
        tags = try container.decodeIfPresent([String: String].self, forKey: .tags)
        codeSigningConfigArn = try container.decodeIfPresent(String.self, forKey: .codeSigningConfigArn)
        architectures = try container.decodeIfPresent([String].self, forKey: .architectures)
        publishTo = try container.decodeIfPresent(String.self, forKey: .publishTo)
    }
}

struct FunctionCodeMember: Decodable {
    var zipFile: Data?
    var s3Bucket: String?
    var s3Key: String?
    var imageUri: String?
    var sourceKMSKeyArn: String?
}

struct UpdateFunctionCodeRequest: Decodable {
    var code: FunctionCodeMember
    var publish: Bool?
    var dryRun: Bool?
    var revisionId: String?
    var architectures: [String]?
    var publishTo: String?

    private enum CodingKeys: CodingKey { case publish, dryRun, revisionId, architectures, publishTo }

    init(from decoder: any Decoder) throws {
        code = try FunctionCodeMember(from: decoder)
        let container = try decoder.container(keyedBy: CodingKeys.self)
        publish = try container.decodeIfPresent(Bool.self, forKey: .publish)
        dryRun = try container.decodeIfPresent(Bool.self, forKey: .dryRun)
        revisionId = try container.decodeIfPresent(String.self, forKey: .revisionId)
        architectures = try container.decodeIfPresent([String].self, forKey: .architectures)
        publishTo = try container.decodeIfPresent(String.self, forKey: .publishTo)
    }
}

struct UpdateFunctionConfigurationRequest: Decodable {
    var configuration: ConfigurationMembers
    var revisionId: String?

    private enum CodingKeys: CodingKey { case revisionId }

    init(from decoder: any Decoder) throws {
        configuration = try ConfigurationMembers(from: decoder)
        revisionId = try decoder.container(keyedBy: CodingKeys.self).decodeIfPresent(String.self, forKey: .revisionId)
    }
}

struct PublishVersionRequest: Decodable {
    var codeSha256: String?
    var description: String?
    var revisionId: String?
    var publishTo: String?
}

struct VpcConfigMember: Decodable {
    var subnetIds: [String]?
    var securityGroupIds: [String]?
}

struct SnapStartMember: Decodable { var applyOn: String? }
