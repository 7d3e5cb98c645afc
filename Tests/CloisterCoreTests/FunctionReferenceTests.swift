import CloisterCore
import Testing

@Suite struct FunctionReferenceTests {
    struct Parts: Equatable {
        var name: String
        var qualifier: String?
        var account: String?
        var region: String?
    }

    private func parse(_ text: String) -> Parts? {
        FunctionReference(text).map {
            Parts(name: $0.name, qualifier: $0.qualifier, account: $0.account, region: $0.region)
        }
    }

    @Test func everyForm() {
        #expect(parse("f") == Parts(name: "f"))
        #expect(parse("f:1") == Parts(name: "f", qualifier: "1"))
        #expect(parse("f:$LATEST") == Parts(name: "f", qualifier: "$LATEST"))
        #expect(parse("function:f") == Parts(name: "f"))
        #expect(parse("function:f:prod") == Parts(name: "f", qualifier: "prod"))
        #expect(parse("123456789012:function:f") == Parts(name: "f", account: "123456789012"))
        #expect(parse("123456789012:function:f:prod") == Parts(name: "f", qualifier: "prod", account: "123456789012"))
        let whole = Parts(name: "f", account: "123456789012", region: "eu-central-1")
        #expect(parse("arn:aws:lambda:eu-central-1:123456789012:function:f") == whole)
        #expect(
            parse("arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:f:7")
                == Parts(name: "f", qualifier: "7", account: "123456789012", region: "us-gov-west-1"))
    }

    @Test func namesThatLookLikePrefixes() {
        #expect(parse("function") == Parts(name: "function"))
        #expect(parse("arn") == Parts(name: "arn"))
        #expect(parse("arn:prod") == Parts(name: "arn", qualifier: "prod"))
    }

    @Test(arguments: [
        "", ":", "f:", ":f", "f:1:2", "f g", "f/../g", "f.g", "é", "f:$latest", "f:$LATEST.PUBLISHED", "f:a b",
        "arn:aws:lambda:eu-central-1:123456789012:function",
        "arn:aws:lambda:eu-central-1:123456789012:function:", "arn:aws:lambda:eu-central-1:12345:function:f",
        "arn:aws:lambda::123456789012:function:f", "arn:aws:lambda:../x:123456789012:function:f",
        "arn:aws:s3:eu-central-1:123456789012:function:f", "arn:azure:lambda:eu-central-1:123456789012:function:f",
        "arn:aws/x:lambda:eu-central-1:123456789012:function:f", "arn:aws:lambda:eu-central-1:123456789012:layer:f",
        "arn:aws:lambda:eu-central-1:123456789012:function:f:1:2", "12345678901x:function:f", "f:\u{301}1",
        String(repeating: "f", count: 65), String(repeating: "f", count: 300),
        "f:" + String(repeating: "q", count: 129),
    ])
    func refuses(_ text: String) { #expect(parse(text) == nil) }

    @Test func lengths() {
        #expect(parse(String(repeating: "f", count: 64)) != nil)
        #expect(parse("f:" + String(repeating: "q", count: 128)) != nil)
    }
}

@Suite struct FunctionIdentityTests {
    @Test func versions() {
        #expect(FunctionVersion("$LATEST") == .latest)
        #expect(FunctionVersion("1") == .number(1))
        #expect(FunctionVersion("10") == .number(10))
        for text in ["", "0", "01", "007", "-1", "+1", "1.0", "x", "$latest", "99999999999999999999", "１"] {
            #expect(FunctionVersion(text) == nil, "\(text)")
        }
        #expect([.number(2), .latest, .number(1)].sorted() == [FunctionVersion.latest, .number(1), .number(2)])
        #expect(FunctionVersion.number(3).description == "3")
    }

    @Test func accounts() throws {
        #expect(AccountID("123456789012") != nil)
        for text in ["", "12345678901", "1234567890123", "12345678901a", "１23456789012"] {
            #expect(AccountID(text) == nil, "\(text)")
        }
        let account = try #require(AccountID("123456789012"))
        #expect(
            FunctionKey(region: "eu-central-1", name: "f").arn(account: account)
                == "arn:aws:lambda:eu-central-1:123456789012:function:f")
    }

    @Test func randomIdentifiers() {
        #expect(RequestID(random: 0, 0).rawValue == "00000000-0000-4000-8000-000000000000")
        #expect(RequestID(random: .max, .max).rawValue == "ffffffff-ffff-4fff-bfff-ffffffffffff")
        #expect(EnvironmentID(random: 1, 0xabc).rawValue == "00000000000000010000000000000abc")
    }

    private func snapshot(_ version: FunctionVersion) -> FunctionSnapshot {
        FunctionSnapshot(
            key: FunctionVersionKey(function: FunctionKey(region: "r", name: "f"), version: version), revision: "r",
            runtime: "python3.13", imageDirectory: "/i", bootstrap: ["b"], codeDirectory: "/c", handler: "h.h",
            logGroup: "/aws/lambda/f")
    }

    @Test func qualifiersResolve() {
        let entry = FunctionEntry(
            key: FunctionKey(region: "r", name: "f"),
            versions: [.latest: snapshot(.latest), .number(1): snapshot(.number(1)), .number(2): snapshot(.number(2))],
            aliases: [
                "prod": AliasTarget(version: .number(1), additionalVersion: .number(2), additionalWeight: 0.25),
                "gone": AliasTarget(version: .number(9)),
                "plain": AliasTarget(version: .number(2)),
            ])
        func version(_ qualifier: String?, _ random: Double = 0.5) -> FunctionVersion? {
            entry.resolve(qualifier: qualifier, random: random)?.key.version
        }
        #expect(version(nil) == .latest)
        #expect(version("$LATEST") == .latest)
        #expect(version("2") == .number(2))
        #expect(version("02") == nil)
        #expect(version("3") == nil)
        #expect(version("none") == nil)
        #expect(version("gone") == nil)
        #expect(version("plain", 0) == .number(2))
        #expect(version("prod", 0) == .number(2))
        #expect(version("prod", 0.2499) == .number(2))
        #expect(version("prod", 0.25) == .number(1))
        #expect(version("prod", 0.999) == .number(1))
    }

    @Test func aWeightOfNoneOrAll() {
        var entry = FunctionEntry(
            key: FunctionKey(region: "r", name: "f"),
            versions: [.latest: snapshot(.latest), .number(1): snapshot(.number(1)), .number(2): snapshot(.number(2))])
        entry.aliases["a"] = AliasTarget(version: .number(1), additionalVersion: .number(2), additionalWeight: 0)
        #expect(entry.resolve(qualifier: "a", random: 0)?.key.version == .number(1))
        entry.aliases["a"]?.additionalWeight = 1
        #expect(entry.resolve(qualifier: "a", random: 0.999_999)?.key.version == .number(2))
    }

    @Test func isolationLevelsHaveAnOrder() {
        #expect(IsolationLevel.container < .gvisor)
        #expect(IsolationLevel.gvisor < .microvm)
        #expect(!(IsolationLevel.microvm < .container))
    }
}
