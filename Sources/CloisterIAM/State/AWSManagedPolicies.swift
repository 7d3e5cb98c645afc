/// The managed policies of AWS's that functions and their users name most, as far as there are services for them here.
enum AWSManagedPolicies {
    struct Policy: Sendable {
        let name: String
        /// `/` or `/service-role/`.
        let path: String
        let policy: StoredPolicy

        var arn: String { "arn:aws:iam::aws:policy\(path)\(name)" }
        /// Made of the name, so that it is the same everywhere.
        var id: String { "ANPA" + name.utf8.prefix(17).map { String(Character(Unicode.Scalar($0))).uppercased() }.joined() }
    }

    static func policy(arn: String) -> Policy? { all[arn] }

    /// By ARN.
    static let all: [String: Policy] = Dictionary(
        uniqueKeysWithValues: definitions.map { name, path, statements in
            let text = #"{"Version":"2012-10-17","Statement":[\#(statements)]}"#
            do {
                let policy = Policy(name: name, path: path, policy: try StoredPolicy(text, kind: .identity))
                return (policy.arn, policy)
            } catch {
                preconditionFailure("the managed policy \(name): \(error)")
            }
        })

    private static func allow(_ actions: String...) -> String {
        let list = actions.map { "\"\($0)\"" }.joined(separator: ",")
        return #"{"Effect":"Allow","Action":[\#(list)],"Resource":"*"}"#
    }

    private static let logs = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
    private static let logging = allow(logs[0], logs[1], logs[2])

    private static let definitions: [(name: String, path: String, statements: String)] = [
        ("AdministratorAccess", "/", allow("*")),
        ("PowerUserAccess", "/", #"{"Effect":"Allow","NotAction":["iam:*","organizations:*","account:*"],"Resource":"*"}"#),
        ("ReadOnlyAccess", "/", allow(
            "dynamodb:BatchGet*", "dynamodb:Describe*", "dynamodb:Get*", "dynamodb:List*", "dynamodb:Query", "dynamodb:Scan",
            "dynamodb:PartiQLSelect", "kms:Describe*", "kms:Get*", "kms:List*", "lambda:Get*", "lambda:List*", "logs:Describe*",
            "logs:FilterLogEvents", "logs:Get*", "logs:ListTags*", "secretsmanager:List*", "secretsmanager:Describe*",
            "secretsmanager:GetResourcePolicy", "iam:Get*", "iam:List*", "iam:Simulate*", "cloudwatch:Describe*",
            "cloudwatch:Get*", "cloudwatch:List*", "xray:BatchGet*", "xray:Get*", "cloudtrail:Describe*", "cloudtrail:Get*",
            "cloudtrail:LookupEvents", "cognito-idp:Describe*", "cognito-idp:List*", "apigateway:GET",
            "cloudformation:Describe*", "cloudformation:Get*", "cloudformation:List*", "sts:GetCallerIdentity")),
        ("IAMFullAccess", "/", allow("iam:*")),
        ("IAMReadOnlyAccess", "/", allow("iam:Get*", "iam:List*", "iam:Simulate*")),
        ("AmazonDynamoDBFullAccess", "/", allow("dynamodb:*")),
        ("AmazonDynamoDBReadOnlyAccess", "/", allow(
            "dynamodb:BatchGetItem", "dynamodb:Describe*", "dynamodb:List*", "dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan",
            "dynamodb:PartiQLSelect")),
        ("SecretsManagerReadWrite", "/", allow("secretsmanager:*", "kms:DescribeKey", "kms:ListAliases", "kms:ListKeys")),
        ("AWSKeyManagementServicePowerUser", "/", allow(
            "kms:CreateAlias", "kms:CreateKey", "kms:DeleteAlias", "kms:Describe*", "kms:GenerateRandom", "kms:Get*", "kms:List*",
            "kms:TagResource", "kms:UntagResource", "iam:ListGroups", "iam:ListRoles", "iam:ListUsers")),
        ("CloudWatchLogsFullAccess", "/", allow("logs:*")),
        ("CloudWatchLogsReadOnlyAccess", "/", allow(
            "logs:Describe*", "logs:Get*", "logs:List*", "logs:StartQuery", "logs:StopQuery", "logs:TestMetricFilter",
            "logs:FilterLogEvents", "logs:StartLiveTail", "logs:StopLiveTail")),
        ("CloudWatchFullAccess", "/", allow("cloudwatch:*", "logs:*")),
        ("CloudWatchLambdaInsightsExecutionRolePolicy", "/", logging),
        ("AWSXRayDaemonWriteAccess", "/", allow(
            "xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets",
            "xray:GetSamplingStatisticSummaries")),
        ("AWSXrayWriteOnlyAccess", "/", allow(
            "xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets",
            "xray:GetSamplingStatisticSummaries")),
        ("AWSLambda_FullAccess", "/", allow("lambda:*", "logs:DescribeLogGroups", "iam:GetRole", "iam:ListRoles", "iam:PassRole")),
        ("AWSLambda_ReadOnlyAccess", "/", allow("lambda:Get*", "lambda:List*", "logs:DescribeLogGroups", "iam:GetRole", "iam:ListRoles")),
        ("AWSLambdaExecute", "/", allow("logs:*")),
        ("AWSLambdaInvocation-DynamoDB", "/", allow("lambda:InvokeFunction", "dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams")),
        ("AWSLambdaBasicExecutionRole", "/service-role/", logging),
        ("AWSLambdaVPCAccessExecutionRole", "/service-role/", logging),
        ("AWSLambdaRole", "/service-role/", allow("lambda:InvokeFunction")),
        ("AWSLambdaDynamoDBExecutionRole", "/service-role/", allow(
            "dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams", logs[0], logs[1], logs[2])),
        ("AWSLambdaSQSQueueExecutionRole", "/service-role/", allow(
            "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", logs[0], logs[1], logs[2])),
        ("AWSLambdaKinesisExecutionRole", "/service-role/", allow(
            "kinesis:DescribeStream", "kinesis:DescribeStreamSummary", "kinesis:GetRecords", "kinesis:GetShardIterator",
            "kinesis:ListShards", "kinesis:ListStreams", "kinesis:SubscribeToShard", logs[0], logs[1], logs[2])),
    ]
}
