import CloisterCore

/// One of SAM's policy templates: a few parameters, and statements with their values put in.
struct PolicyTemplate: Sendable {
    struct Statement: Sendable {
        let actions: [String]
        /// With `${Parameter}`, `${AWS::Region}` and `${AWS::AccountId}`.
        let resources: [String]

        init(_ actions: String, on resources: String...) {
            self.actions = actions.split(separator: " ").map(String.init)
            self.resources = resources
        }
    }

    let parameters: [String]
    let statements: [Statement]

    /// SAM's templates for the services that Cloister has, by name.
    static let named: [String: PolicyTemplate] = [
        "DynamoDBCrudPolicy": table(
            "dynamodb:GetItem dynamodb:DeleteItem dynamodb:PutItem dynamodb:Scan dynamodb:Query dynamodb:UpdateItem "
                + "dynamodb:BatchWriteItem dynamodb:BatchGetItem dynamodb:DescribeTable dynamodb:ConditionCheckItem"),
        "DynamoDBReadPolicy": table(
            "dynamodb:GetItem dynamodb:Scan dynamodb:Query dynamodb:BatchGetItem dynamodb:DescribeTable"),
        "DynamoDBWritePolicy": table("dynamodb:PutItem dynamodb:UpdateItem dynamodb:BatchWriteItem"),
        "DynamoDBReconfigurePolicy": table("dynamodb:UpdateTable"),
        "DynamoDBBackupFullAccessPolicy": table("dynamodb:CreateBackup dynamodb:DescribeContinuousBackups"),
        "DynamoDBStreamReadPolicy": PolicyTemplate(
            parameters: ["TableName", "StreamName"],
            statements: [
                Statement(
                    "dynamodb:DescribeStream dynamodb:GetRecords dynamodb:GetShardIterator",
                    on: "\(dynamoDB):table/${TableName}/stream/${StreamName}"),
                Statement("dynamodb:ListStreams", on: "\(dynamoDB):table/${TableName}/stream/*"),
            ]),
        "AWSSecretsManagerGetSecretValuePolicy": PolicyTemplate(
            parameters: ["SecretArn"], statements: [Statement("secretsmanager:GetSecretValue", on: "${SecretArn}")]),
        "AWSSecretsManagerRotationPolicy": PolicyTemplate(
            parameters: ["FunctionName"],
            statements: [
                Statement(
                    "secretsmanager:DescribeSecret secretsmanager:GetSecretValue secretsmanager:PutSecretValue "
                        + "secretsmanager:UpdateSecretVersionStage",
                    on: "arn:aws:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:*"),
                Statement("secretsmanager:GetRandomPassword", on: "*"),
            ]),
        "KMSDecryptPolicy": key("kms:Decrypt"),
        "KMSEncryptPolicy": key("kms:Encrypt"),
        "LambdaInvokePolicy": PolicyTemplate(
            parameters: ["FunctionName"],
            statements: [
                Statement("lambda:InvokeFunction", on: "arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:${FunctionName}*")
            ]),
        "CloudWatchPutMetricPolicy": PolicyTemplate(parameters: [], statements: [Statement("cloudwatch:PutMetricData", on: "*")]),
        "CloudWatchDashboardPolicy": PolicyTemplate(
            parameters: [],
            statements: [Statement("cloudwatch:GetDashboard cloudwatch:ListDashboards cloudwatch:PutDashboard cloudwatch:ListMetrics", on: "*")]),
        "CloudWatchDescribeAlarmHistoryPolicy": PolicyTemplate(
            parameters: [], statements: [Statement("cloudwatch:DescribeAlarmHistory", on: "*")]),
        "FilterLogEventsPolicy": PolicyTemplate(
            parameters: ["LogGroupName"],
            statements: [
                Statement("logs:FilterLogEvents", on: "arn:aws:logs:${AWS::Region}:${AWS::AccountId}:log-group:${LogGroupName}:log-stream:*")
            ]),
        "SQSSendMessagePolicy": queue("sqs:SendMessage*"),
        "SQSPollerPolicy": queue(
            "sqs:ChangeMessageVisibility sqs:ChangeMessageVisibilityBatch sqs:DeleteMessage sqs:DeleteMessageBatch "
                + "sqs:GetQueueAttributes sqs:ReceiveMessage"),
        "SNSPublishMessagePolicy": PolicyTemplate(
            parameters: ["TopicName"],
            statements: [Statement("sns:Publish", on: "arn:aws:sns:${AWS::Region}:${AWS::AccountId}:${TopicName}")]),
        "EventBridgePutEventsPolicy": PolicyTemplate(
            parameters: ["EventBusName"],
            statements: [Statement("events:PutEvents", on: "arn:aws:events:${AWS::Region}:${AWS::AccountId}:event-bus/${EventBusName}")]),
        "S3ReadPolicy": bucket("s3:GetObject s3:ListBucket s3:GetBucketLocation s3:GetObjectVersion s3:GetLifecycleConfiguration"),
        "S3WritePolicy": bucket("s3:PutObject s3:PutObjectAcl s3:PutLifecycleConfiguration"),
        "S3CrudPolicy": bucket(
            "s3:GetObject s3:ListBucket s3:GetBucketLocation s3:GetObjectVersion s3:PutObject s3:PutObjectAcl "
                + "s3:GetLifecycleConfiguration s3:PutLifecycleConfiguration s3:DeleteObject"),
        "SSMParameterReadPolicy": PolicyTemplate(
            parameters: ["ParameterName"],
            statements: [
                Statement("ssm:DescribeParameters", on: "*"),
                Statement(
                    "ssm:GetParameters ssm:GetParameter ssm:GetParametersByPath",
                    on: "arn:aws:ssm:${AWS::Region}:${AWS::AccountId}:parameter/${ParameterName}"),
            ]),
        "StepFunctionsExecutionPolicy": PolicyTemplate(
            parameters: ["StateMachineName"],
            statements: [
                Statement("states:StartExecution", on: "arn:aws:states:${AWS::Region}:${AWS::AccountId}:stateMachine:${StateMachineName}")
            ]),
    ]

    private static let dynamoDB = "arn:aws:dynamodb:${AWS::Region}:${AWS::AccountId}"

    private static func table(_ actions: String) -> PolicyTemplate {
        PolicyTemplate(
            parameters: ["TableName"],
            statements: [Statement(actions, on: "\(dynamoDB):table/${TableName}", "\(dynamoDB):table/${TableName}/index/*")])
    }

    private static func key(_ action: String) -> PolicyTemplate {
        PolicyTemplate(
            parameters: ["KeyId"], statements: [Statement(action, on: "arn:aws:kms:${AWS::Region}:${AWS::AccountId}:key/${KeyId}")])
    }

    private static func queue(_ actions: String) -> PolicyTemplate {
        PolicyTemplate(
            parameters: ["QueueName"], statements: [Statement(actions, on: "arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:${QueueName}")])
    }

    private static func bucket(_ actions: String) -> PolicyTemplate {
        PolicyTemplate(
            parameters: ["BucketName"], statements: [Statement(actions, on: "arn:aws:s3:::${BucketName}", "arn:aws:s3:::${BucketName}/*")])
    }

    /// The policy document with these values of the parameters.
    func document(_ values: [String: TemplateText], context: StackContext) -> PropertyValue {
        var values = values
        values["AWS::Region"] = TemplateText(context.region)
        values["AWS::AccountId"] = TemplateText(context.account.rawValue)
        let statements = statements.map { statement -> PropertyValue in
            .map([
                "Effect": .string("Allow"), "Action": .list(statement.actions.map { .string($0) }),
                "Resource": .list(statement.resources.map { .text(PolicyTemplate.filled($0, values)) }),
            ])
        }
        return .map(["Version": .string("2012-10-17"), "Statement": .list(statements)])
    }

    private static func filled(_ text: String, _ values: [String: TemplateText]) -> TemplateText {
        var result = TemplateText("")
        var rest = text[...]
        while let start = rest.range(of: "${"), let end = rest[start.upperBound...].firstIndex(of: "}") {
            result.append(TemplateText(String(rest[..<start.lowerBound])))
            if let value = values[String(rest[start.upperBound..<end])] { result.append(value) }
            rest = rest[rest.index(after: end)...]
        }
        result.append(TemplateText(String(rest)))
        return result
    }
}

extension Substring {
    /// The first place of a short text.
    fileprivate func range(of text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}
