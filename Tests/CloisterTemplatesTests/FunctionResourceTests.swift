import CloisterCore
import CloisterTemplates
import Testing

@Suite("Function resources")
struct FunctionResourceTests {
    /// The shape of a multi-tenant processor with tenant isolation, both spellings.
    static func processor(_ tenancy: String) -> String {
        """
        AWSTemplateFormatVersion: '2010-09-09'
        Transform: AWS::Serverless-2016-10-31
        Resources:
          OrderProcessor:
            Type: AWS::Serverless::Function
            Properties:
              FunctionName: order-processor
              CodeUri: src/
              Handler: handler.process
              Runtime: python3.13
              Timeout: 30
              MemorySize: 1024
              Architectures: [arm64]
              \(tenancy)
              Environment:
                Variables:
                  POWERTOOLS_SERVICE_NAME: orders
                  LOG_LEVEL: INFO
        """
    }

    @Test(
        "both spellings of tenant isolation mean the same",
        arguments: ["TenantIsolationConfig: {Mode: PerTenant}", "TenancyConfig: {TenantIsolationMode: PER_TENANT}"])
    func tenancy(spelling: String) throws {
        let graph = try graph(Self.processor(spelling))
        let function = try #require(graph["OrderProcessor"])
        #expect(function.properties["TenancyConfig"]?.json == .object(["TenantIsolationMode": .string("PER_TENANT")]))
        #expect(function.properties["FunctionName"]?.json == .string("order-processor"))
        #expect(function.properties["Timeout"]?.json == .integer(30))
        #expect(function.properties["MemorySize"]?.json == .integer(1024))
        #expect(function.properties["Architectures"]?.json == .array([.string("arm64")]))
        #expect(function.code == .path("src/"))
        #expect(graph.warnings.isEmpty)
    }

    @Test(
        "a misspelled wish for isolation is an error, never passed over",
        arguments: [
            "TenantIsolationConfig: {Mode: PER_TENANT}", "TenancyConfig: {TenantIsolationMode: PerTenant}",
            "TenancyConfig: {Mode: PER_TENANT}", "TenancyConfig: {}", "TenantIsolation: {Mode: PerTenant}",
            "TenancyConfiguration: {TenantIsolationMode: PER_TENANT}", "TenancyConfig: PER_TENANT",
        ])
    func misspelledTenancy(spelling: String) throws {
        let error = failure(Self.processor(spelling))
        if spelling == "TenancyConfig: {}" {
            #expect(error?.code == .invalidValue)
        } else {
            #expect(error != nil)
        }
        #expect(error?.position?.line == 14)
    }

    @Test("no tenancy means none")
    func noTenancy() throws {
        #expect(try graph(Self.processor("Description: x"))["OrderProcessor"]?.properties["TenancyConfig"] == nil)
    }

    @Test("a name is generated from stack and logical id, always the same")
    func generatedName() throws {
        let text = evaluating("x")
        let first = try #require(try graph(text)["Subject"]?.properties["FunctionName"]?.json.string)
        let second = try graph(text)["Subject"]?.properties["FunctionName"]?.json.string
        #expect(first == second)
        #expect(first.hasPrefix("demo-Subject-"))
        let long = StackContext(
            stackName: String(repeating: "s", count: 120), region: "eu-west-1", account: .default)
        let name = try Template(text, file: "t").resources(for: long)["Subject"]?.properties["FunctionName"]?.json
            .string
        #expect((name?.count ?? 99) <= 64)
    }

    @Test("defaults are written out, so that a removed property goes back to them")
    func defaults() throws {
        let function = try #require(try graph(evaluating("x"))["Other"])
        #expect(function.properties["Timeout"]?.json == .integer(3))
        #expect(function.properties["MemorySize"]?.json == .integer(128))
        #expect(function.properties["Layers"]?.json == .array([]))
        #expect(function.properties["EphemeralStorage"]?.json == .object(["Size": .integer(512)]))
        #expect(
            function.properties["Role"]?.json.string?.hasPrefix("arn:aws:iam::000000000000:role/demo-OtherRole") == true
        )
    }

    @Test("Globals are merged: maps by key, lists joined, the rest overridden")
    func globals() throws {
        let graph = try graph(
            """
            Transform: AWS::Serverless-2016-10-31
            Globals:
              Function:
                Runtime: python3.13
                Timeout: 7
                Layers: [arn:aws:lambda:eu-west-1:000000000000:layer:base:1]
                Environment: {Variables: {A: global, B: global}}
                TenancyConfig: {TenantIsolationMode: PER_TENANT}
            Resources:
              F:
                Type: AWS::Serverless::Function
                Properties:
                  Handler: app.main
                  Timeout: 9
                  Layers: [arn:aws:lambda:eu-west-1:000000000000:layer:own:1]
                  Environment: {Variables: {B: own}}
            """)
        let function = try #require(graph["F"]?.properties)
        #expect(function["Timeout"]?.json == .integer(9))
        #expect(function["Environment"]?.json["Variables"] == .object(["A": .string("global"), "B": .string("own")]))
        #expect(function["Layers"]?.json.array?.count == 2)
        #expect(function["TenancyConfig"] != nil)
    }

    @Test("AutoPublishAlias makes a version and an alias, which can be referred to")
    func publishedAlias() throws {
        let graph = try graph(
            """
            Resources:
              F:
                Type: AWS::Serverless::Function
                Properties:
                  {Handler: a.b, Runtime: python3.13, FunctionName: f, AutoPublishAlias: live,
                   EventInvokeConfig: {MaximumRetryAttempts: 1}}
            Outputs:
              Alias: {Value: !Ref F.Alias}
              Version: {Value: !Sub "v${F.Version}"}
            """)
        #expect(graph.resources.map(\.logicalID) == ["F", "FVersion", "FAliaslive", "FEventInvokeConfig"])
        #expect(graph["FAliaslive"]?.properties["FunctionVersion"]?.json == .string("${FVersion.Version}"))
        #expect(graph["FEventInvokeConfig"]?.properties["Qualifier"]?.json == .string("live"))
        #expect(graph.outputs.map(\.value.description) == ["${FAliaslive.Ref}", "v${FVersion.Version}"])
    }

    @Test("inline source becomes index.py or index.js")
    func inlineSource() throws {
        let graph = try graph(
            """
            Resources:
              P:
                Type: AWS::Lambda::Function
                Properties:
                  Handler: index.handler
                  Runtime: python3.13
                  Role: !GetAtt Role.Arn
                  Code: {ZipFile: "def handler(e, c): return 1"}
                  Tags: [{Key: team, Value: blue}]
              N:
                Type: AWS::Serverless::Function
                Properties: {Handler: index.handler, Runtime: nodejs20.x, InlineCode: "exports.handler = 1"}
              Role:
                Type: AWS::IAM::Role
                Properties: {RoleName: runner, AssumeRolePolicyDocument: {}}
            """)
        #expect(graph["P"]?.code == .inline(fileName: "index.py", source: "def handler(e, c): return 1"))
        #expect(graph["N"]?.code == .inline(fileName: "index.js", source: "exports.handler = 1"))
        #expect(graph["P"]?.properties["Role"]?.json == .string("arn:aws:iam::000000000000:role/runner"))
        #expect(graph["P"]?.properties["Tags"]?.json == .object(["team": .string("blue")]))
        #expect(graph.resources.map(\.logicalID) == ["Role", "P", "N"])
    }

    @Test("whatever has no effect is warned about by name and place")
    func warnings() throws {
        let graph = try graph(
            """
            Resources:
              Table:
                Type: AWS::DynamoDB::Table
              F:
                Type: AWS::Serverless::Function
                Properties:
                  Handler: a.b
                  Runtime: python3.13
                  Memory: 512
                  Policies: [AWSLambdaBasicExecutionRole]
                  Events:
                    Web: {Type: Api}
                  Environment: {Variables: {TABLE: !Ref Table}}
            """)
        let texts = graph.warnings.map(\.description)
        #expect(texts.contains { $0.contains("Table (AWS::DynamoDB::Table) isn't supported yet") })
        #expect(texts.contains { $0.contains("F.Memory isn't known") && $0.contains(":9:") })
        #expect(!texts.contains { $0.contains("F.Policies") })
        #expect(texts.contains { $0.contains("F.Events.Web (Api)") })
        #expect(texts.contains { $0.contains("Table.Ref refers to a AWS::DynamoDB::Table") })
    }

    @Test(
        "bounds are checked",
        arguments: ["Timeout: 901", "MemorySize: 64", "Timeout: soon", "Architectures: [sparc]", "FunctionName: a b"])
    func bounds(property: String) throws {
        let error = failure(
            "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      Handler: a.b\n      Runtime: x\n      \(property)"
        )
        #expect(error?.code == .invalidValue)
        #expect(error?.position?.line == 7)
    }
}
