import CloisterTemplates
import Testing

@Suite("Intrinsic functions")
struct IntrinsicFunctionTests {
    static let sections = """
        Parameters:
          Stage: {Type: String, Default: dev, AllowedValues: [dev, prod]}
          Count: {Type: Number, Default: 3, MinValue: 1, MaxValue: 9}
          Names: {Type: CommaDelimitedList, Default: "red, green"}
        Mappings:
          Sizes:
            dev: {label: small}
            prod: {label: large}
        Conditions:
          IsProd: !Equals [!Ref Stage, prod]
          IsDev: !Not [!Condition IsProd]
          Either: !Or [!Condition IsProd, !Condition IsDev]
          Both: !And [!Condition IsProd, !Condition IsDev]
        """

    @Test(
        "give CloudFormation's values",
        arguments: [
            ("!Ref Stage", "dev"),
            ("!Ref Count", "3"),
            ("!Ref Other", "other"),
            ("{Ref: Stage}", "dev"),
            ("!Ref AWS::Region", "eu-west-1"),
            ("!Ref AWS::AccountId", "000000000000"),
            ("!Ref AWS::StackName", "demo"),
            ("!Ref AWS::Partition", "aws"),
            ("!Ref AWS::URLSuffix", "amazonaws.com"),
            ("!GetAtt Other.Arn", "arn:aws:lambda:eu-west-1:000000000000:function:other"),
            ("{\"Fn::GetAtt\": [Other, Arn]}", "arn:aws:lambda:eu-west-1:000000000000:function:other"),
            ("!Sub \"${Stage}-${AWS::Region}-${!Literal}\"", "dev-eu-west-1-${Literal}"),
            ("!Sub [\"${A}/${Stage}\", {A: !Ref Count}]", "3/dev"),
            ("!Sub \"${Other.Arn}:live\"", "arn:aws:lambda:eu-west-1:000000000000:function:other:live"),
            ("!Join [\"-\", [a, !Ref Stage, c]]", "a-dev-c"),
            ("!Join [\"+\", !Ref Names]", "red+green"),
            ("!Join [\",\", !Split [\"|\", \"a|b|c\"]]", "a,b,c"),
            ("!Select [1, !Ref Names]", "green"),
            ("!Select [\"2\", [x, y, z]]", "z"),
            ("!FindInMap [Sizes, !Ref Stage, label]", "small"),
            ("!Base64 \"hello\"", "aGVsbG8="),
            ("{\"Fn::Base64\": !Sub \"${Stage}!\"}", "ZGV2IQ=="),
            ("!If [IsProd, yes-prod, !If [IsDev, is-dev, neither]]", "is-dev"),
            ("!If [Either, e, n]", "e"),
            ("!If [Both, b, n]", "n"),
            ("!Ref Layer", "${Layer.Ref}"),
            ("!Sub \"x:${Layer}\"", "x:${Layer.Ref}"),
            ("plain", "plain"),
            ("\"30\"", "30"),
        ])
    func values(expression: String, expected: String) throws {
        let graph = try graph(evaluating(expression, sections: Self.sections))
        #expect(variable(graph) == expected)
    }

    @Test("AWS::NoValue takes its key away")
    func noValue() throws {
        let graph = try graph(evaluating("!If [IsProd, x, !Ref AWS::NoValue]", sections: Self.sections))
        #expect(graph["Subject"]?.properties["Environment"]?.json == .object(["Variables": .object([:])]))
    }

    @Test("a parameter's value can be given, and conditions follow")
    func overrides() throws {
        let graph = try graph(evaluating("!If [IsProd, p, d]", sections: Self.sections), ["Stage": "prod"])
        #expect(variable(graph) == "p")
    }

    @Test(
        "say what is wrong and where",
        arguments: [
            ("!Ref Stagee", "there is no parameter or resource `Stagee`", 25),
            ("!GetAtt Other.Url", "Other (AWS::Serverless::Function) has no attribute `Url`", 25),
            ("!If [Never, a, b]", "there is no condition `Never`", 25),
            ("!ImportValue shared", "`Fn::ImportValue` isn't supported", 25),
            ("!Transform {Name: X}", "`Fn::Transform` and macros aren't supported", 25),
            ("!Select [5, [a]]", "takes item 5 of a list of 1", 25),
            ("!FindInMap [Sizes, test, label]", "`Fn::FindInMap` finds no `test`", 25),
            ("!Join [a]", "`Fn::Join` takes a delimiter and a list", 25),
            ("!Sub \"${Stage\"", "`${` without `}`", 25),
            ("!Equals [a, b]", "may only stand in `Conditions`", 25),
            ("!Split [\",\", !Ref Layer]", "known only after deployment", 25),
            ("!Frobnicate x", "unknown tag `!Frobnicate`", 25),
            ("[a, b]", "must be a text", 25),
        ])
    func errors(expression: String, message: String, line: Int) throws {
        let error = try #require(failure(evaluating(expression, sections: Self.sections)))
        #expect(error.message.contains(message), "\(error)")
        let text = evaluating(expression, sections: Self.sections)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let expected = try #require(lines.firstIndex { $0.contains("VALUE:") }) + 1
        #expect(error.position?.line == expected)
        #expect((error.position?.column ?? 0) > 10)
        #expect(error.position?.file == "template.yaml")
    }

    @Test("suggest the nearest name")
    func suggestion() throws {
        let error = try #require(failure(evaluating("!Ref Othr")))
        #expect(error.suggestion == "did you mean `Other`?")
        #expect(error.description.hasPrefix("template.yaml:"))
    }

    @Test(
        "parameters are checked",
        arguments: [
            (["Stage": "test"], "must be one of dev, prod"), (["Count": "0"], "below MinValue"),
            (["Count": "many"], "is no number"), (["Nothing": "x"], "has no parameter `Nothing`"),
        ])
    func parameters(given: [String: String], message: String) throws {
        let error = try #require(failure(evaluating("x", sections: Self.sections), given))
        #expect(error.message.contains(message))
    }

    @Test("a parameter without a value is named")
    func missingParameter() throws {
        let text = evaluating("!Ref Key", sections: "Parameters:\n  Key: {Type: String}")
        #expect(failure(text)?.message.contains("parameter `Key` has no default") == true)
        #expect(variable(try graph(text, ["Key": "v"])) == "v")
    }

    @Test("conditions that need each other are refused with the path")
    func circularConditions() throws {
        let error = failure(
            evaluating("x", sections: "Conditions:\n  A: !Not [!Condition B]\n  B: !Not [!Condition A]"))
        #expect(error?.code == .circular)
        #expect(error?.message.contains("A → B → A") == true)
    }
}
