import CloisterTemplates
import Testing

@Suite("Provisioned concurrency in templates")
struct ProvisionedConcurrencyTests {
    private func sam(_ more: String) -> String {
        """
        Resources:
          F:
            Type: AWS::Serverless::Function
            Properties: {Handler: a.b, Runtime: python3.13, FunctionName: f\(more)}
        """
    }

    private let wanted = JSONValue.object(["ProvisionedConcurrentExecutions": .integer(5)])

    @Test("SAM puts it on the alias that it publishes")
    func serverlessFunction() throws {
        let graph = try graph(
            sam(", AutoPublishAlias: live, ProvisionedConcurrencyConfig: {ProvisionedConcurrentExecutions: 5}"))
        #expect(graph["FAliaslive"]?.properties["ProvisionedConcurrencyConfig"]?.json == wanted)
        #expect(graph["FVersion"]?.properties["ProvisionedConcurrencyConfig"] == nil)
        #expect(graph["F"]?.properties["ProvisionedConcurrencyConfig"] == nil)
        #expect(graph.warnings.isEmpty)
    }

    @Test("without an alias it is an error")
    func withoutAlias() throws {
        let error = failure(sam(", ProvisionedConcurrencyConfig: {ProvisionedConcurrentExecutions: 5}"))
        #expect(error?.message.contains("AutoPublishAlias") == true)
    }

    @Test(
        "a number that can't be is an error",
        arguments: ["{ProvisionedConcurrentExecutions: 0}", "{ProvisionedConcurrentExecutions: x}", "{}", "5"])
    func malformed(value: String) throws {
        #expect(failure(sam(", AutoPublishAlias: live, ProvisionedConcurrencyConfig: \(value)")) != nil)
    }

    @Test("CloudFormation's versions and aliases take it")
    func versionAndAlias() throws {
        let graph = try graph(
            """
            Resources:
              F:
                Type: AWS::Lambda::Function
                Properties: {FunctionName: f, Handler: a.b, Runtime: python3.13, Code: src/}
              V:
                Type: AWS::Lambda::Version
                Properties:
                  FunctionName: !Ref F
                  ProvisionedConcurrencyConfig: {ProvisionedConcurrentExecutions: 5}
              A:
                Type: AWS::Lambda::Alias
                Properties:
                  FunctionName: !Ref F
                  FunctionVersion: !GetAtt V.Version
                  Name: live
                  ProvisionedConcurrencyConfig: {ProvisionedConcurrentExecutions: 5}
            """)
        #expect(graph["V"]?.properties["ProvisionedConcurrencyConfig"]?.json == wanted)
        #expect(graph["A"]?.properties["ProvisionedConcurrencyConfig"]?.json == wanted)
        #expect(graph.warnings.isEmpty)
    }
}
