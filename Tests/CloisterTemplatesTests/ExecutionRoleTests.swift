import Testing

@testable import CloisterTemplates

struct ExecutionRoleTests {
    /// The role that a template's function `Orders` gets; `policies` as YAML.
    private func role(_ policies: String, isTraced: Bool = false) throws -> ExecutionRole {
        let text = """
            Resources:
              Orders:
                Properties:
                  Policies: \(policies)
            """
        let node = try Template(text, file: "template.yaml").root["Resources"]?["Orders"]?["Properties"]?["Policies"]
        return try ExecutionRole(
            functionID: "Orders", policies: node, trust: nil, permissionsBoundary: nil, isTraced: isTraced, context: testContext())
    }

    private func arns(_ role: ExecutionRole) -> [String] { role.managedPolicies.map(\.description) }

    @Test func everyFunctionMayWriteItsLogs() throws {
        let role = try role("[]", isTraced: true)
        #expect(arns(role) == [ExecutionRole.basicPolicy, ExecutionRole.tracingPolicy])
        #expect(role.name.hasPrefix("demo-OrdersRole-") && role.inlinePolicies.isEmpty)
        let service = role.properties["AssumeRolePolicyDocument"]?.json["Statement"]?.array?.first?["Principal"]?["Service"]
        #expect(service == .string("lambda.amazonaws.com"))
    }

    @Test func managedPoliciesByNameAndARN() throws {
        let role = try role("[AmazonDynamoDBReadOnlyAccess, AWSLambdaRole, 'arn:aws:iam::000000000000:policy/own', AmazonDynamoDBReadOnlyAccess]")
        #expect(
            arns(role).dropFirst() == [
                "arn:aws:iam::aws:policy/AmazonDynamoDBReadOnlyAccess", "arn:aws:iam::aws:policy/service-role/AWSLambdaRole",
                "arn:aws:iam::000000000000:policy/own",
            ])
        #expect(arns(try self.role("AdministratorAccess")).last == "arn:aws:iam::aws:policy/AdministratorAccess")
    }

    @Test func policyTemplates() throws {
        let role = try role("[{DynamoDBCrudPolicy: {TableName: orders}}, {CloudWatchPutMetricPolicy: {}}]")
        let table = "arn:aws:dynamodb:eu-west-1:000000000000:table/orders"
        let statement = role.inlinePolicies[0].document.json["Statement"]?.array?.first
        #expect(statement?["Resource"] == .array([.string(table), .string(table + "/index/*")]))
        #expect(statement?["Action"]?.array?.contains(.string("dynamodb:GetItem")) == true)
        #expect(role.inlinePolicies.map(\.name) == ["OrdersRolePolicy0", "OrdersRolePolicy1"])
        #expect(role.inlinePolicies[1].document.json["Statement"]?.array?.first?["Action"] == .array([.string("cloudwatch:PutMetricData")]))
    }

    /// The tenant in a policy variable stays as it is: it is filled in for each call.
    @Test func documents() throws {
        let role = try role(
            """
            [{Statement: [{Effect: Allow, Action: 'dynamodb:GetItem', Resource: '*',
                          Condition: {'ForAllValues:StringLike': {'dynamodb:LeadingKeys': ['TENANT#${aws:PrincipalTag/tenant_id}']}}}]}]
            """)
        let document = try #require(role.inlinePolicies.first?.document.json)
        #expect(document["Version"] == .string("2012-10-17"))
        let condition = document["Statement"]?.array?.first?["Condition"]?["ForAllValues:StringLike"]?["dynamodb:LeadingKeys"]
        #expect(condition == .array([.string("TENANT#${aws:PrincipalTag/tenant_id}")]))
    }

    @Test(arguments: [
        "[{DynamoDBCrudPolicie: {TableName: t}}]", "[{DynamoDBCrudPolicy: {}}]", "[{DynamoDBCrudPolicy: {TableName: [t]}}]",
        "[{DynamoDBCrudPolicy: {TableName: t, Table: t}}]", "[{A: 1, B: 2}]", "[[]]", "{}",
    ]) func refuses(_ policies: String) {
        #expect(throws: TemplateError.self) { try role(policies) }
    }

    @Test func aFunctionThatSaysWhatItMayDoGetsARole() throws {
        let graph = try graph(
            """
            Resources:
              Orders:
                Type: AWS::Serverless::Function
                Properties:
                  Handler: a.b
                  Runtime: python3.13
                  Policies: [{DynamoDBReadPolicy: {TableName: orders}}]
              Plain:
                Type: AWS::Serverless::Function
                Properties: {Handler: a.b, Runtime: python3.13}
              Own:
                Type: AWS::Serverless::Function
                Properties: {Handler: a.b, Runtime: python3.13, Role: !GetAtt Role.Arn, Policies: [AdministratorAccess]}
              Role:
                Type: AWS::IAM::Role
                Properties:
                  RoleName: runner
                  AssumeRolePolicyDocument:
                    Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: sts:AssumeRole}]
                  ManagedPolicyArns: [arn:aws:iam::aws:policy/ReadOnlyAccess]
                  Policies: [{PolicyName: p, PolicyDocument: {Statement: [{Effect: Allow, Action: 'kms:*', Resource: '*'}]}}]
            Outputs:
              RoleArn: {Value: !GetAtt OrdersRole.Arn}
            """)
        #expect(graph.resources.filter { $0.kind == .role }.map(\.logicalID) == ["OrdersRole", "Role"])
        let name = try #require(graph["OrdersRole"]?.properties["RoleName"]?.json.string)
        #expect(graph["Orders"]?.properties["Role"]?.json == .string("arn:aws:iam::000000000000:role/\(name)"))
        #expect(graph["Orders"]?.dependencies == ["OrdersRole"] && graph["Plain"]?.dependencies == [])
        #expect(graph.outputs.first?.value.literal == "arn:aws:iam::000000000000:role/\(name)")
        #expect(graph["Role"]?.properties["Policies"]?.json.array?.first?["PolicyName"] == .string("p"))
        #expect(graph.warnings.map(\.description).contains { $0.contains("Own.Policies has no effect beside Role") })
    }

    /// Whatever a template's parameters are, its statements have no placeholder left.
    @Test func everyTemplateIsWhole() {
        for (name, template) in PolicyTemplate.named {
            let values = Dictionary(uniqueKeysWithValues: template.parameters.map { ($0, TemplateText("value")) })
            let document = template.document(values, context: testContext()).json
            for statement in document["Statement"]?.array ?? [] {
                #expect(statement["Action"]?.array?.isEmpty == false, "\(name)")
                for resource in statement["Resource"]?.array ?? [] {
                    #expect(resource.string?.contains("${") == false, "\(name)")
                }
            }
        }
    }
}
