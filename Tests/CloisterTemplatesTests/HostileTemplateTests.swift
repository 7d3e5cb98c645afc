import CloisterTemplates
import Testing

@Suite("Hostile and malformed templates")
struct HostileTemplateTests {
    @Test("aliases that double at every level are refused before they are expanded")
    func aliasBomb() throws {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        for level in 1...30 {
            let aliases = Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(aliases)]\n"
        }
        #expect(failure(text)?.code == .tooLarge)
        #expect(failure(text + "? *a30\n: x\n")?.code == .tooLarge)
    }

    @Test("a few aliases are fine")
    func fewAliases() throws {
        let text = """
            Metadata: {shared: &env {Variables: {A: b}}}
            Resources:
              F:
                Type: AWS::Serverless::Function
                Properties: {Handler: a.b, Runtime: python3.13, Environment: *env}
            """
        #expect(try graph(text)["F"]?.properties["Environment"]?.json["Variables"]?["A"] == .string("b"))
    }

    @Test("deep nesting is refused", arguments: [65, 900, 5_000, 100_000])
    func deepNesting(depth: Int) throws {
        let error = try #require(
            failure("a: " + String(repeating: "[", count: depth) + String(repeating: "]", count: depth)))
        #expect(error.code == .tooLarge || error.code == .malformed)
    }

    @Test("a template of more than a mebibyte is refused")
    func size() throws {
        #expect(failure("a: " + String(repeating: "x", count: 1_100_000))?.code == .tooLarge)
    }

    @Test(
        "texts that are no templates",
        arguments: [
            "", "42", "[]", "a: b", "Resources: {}", "Resources:\n\tF: x", "Resources: {F: {Type: X}, F: {Type: Y}}",
            "a: [", "{\"Resources\": {\"F\": {}}}", "Resources: {\"a b\": {Type: AWS::Lambda::Function}}", "\u{0}",
            "--- a\n--- b", "<<: *x", "? [a]\n: b",
        ])
    func malformed(text: String) throws {
        let error = try #require(failure(text))
        #expect(error.position != nil)
        #expect((error.position?.line ?? 0) >= 1)
    }

    @Test("JSON templates are read too")
    func json() throws {
        let text = """
            {"Resources": {"F": {"Type": "AWS::Lambda::Function", "Properties": {
              "FunctionName": {"Fn::Sub": "${AWS::StackName}-f"}, "Handler": "a.b", "Runtime": "python3.13",
              "Timeout": 5, "Role": "arn:aws:iam::000000000000:role/r", "Code": "src"}}}}
            """
        let function = try #require(try graph(text)["F"])
        #expect(function.properties["FunctionName"]?.json == .string("demo-f"))
        #expect(function.properties["Timeout"]?.json == .integer(5))
    }

    @Test("resources in a circle are refused with the path")
    func circle() throws {
        let error = try #require(
            failure(
                """
                Resources:
                  A: {Type: AWS::Lambda::Alias, DependsOn: B, Properties: {FunctionName: f, FunctionVersion: "1", Name: a}}
                  B: {Type: AWS::Lambda::Version, Properties: {FunctionName: !Ref C}}
                  C: {Type: AWS::Lambda::Alias, Properties: {FunctionName: f, FunctionVersion: !Ref A, Name: c}}
                """))
        #expect(error.code == .circular)
        #expect(error.message.contains("A → B → C → A"))
    }

    @Test(
        "transforms other than SAM's are refused", arguments: ["MyMacro", "[AWS::Serverless-2016-10-31, AWS::Include]"])
    func transforms(value: String) throws {
        let error = try #require(failure("Transform: \(value)\n" + evaluating("x")))
        #expect(error.code == .unsupported)
        #expect(error.position?.line == 1)
    }
}
