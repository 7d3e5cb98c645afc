import Testing

@testable import CloisterLogs

@Suite struct LogFilterPatternTests {
    struct Case: Sendable {
        let pattern: String
        let matching: [String]
        let other: [String]
    }

    static let cases: [Case] = [
        Case(pattern: "", matching: ["", "anything"], other: []),
        Case(pattern: "   ", matching: ["anything"], other: []),
        Case(pattern: "ERROR", matching: ["an ERROR here", "XERRORS"], other: ["error", "EROR", ""]),
        Case(pattern: "ERROR disk", matching: ["disk ERROR"], other: ["ERROR", "disk"]),
        Case(pattern: "\"disk full\"", matching: ["the disk full now"], other: ["full disk", "disk  full"]),
        Case(pattern: "\"a \\\"b\\\"\"", matching: ["x a \"b\" y"], other: ["a b"]),
        Case(pattern: "ERROR -disk", matching: ["ERROR net"], other: ["ERROR disk", "net"]),
        Case(pattern: "-\"disk full\"", matching: ["disk", ""], other: ["disk full"]),
        Case(pattern: "?WARN ?ERROR", matching: ["WARN", "ERROR"], other: ["INFO"]),
        Case(pattern: "net ?WARN", matching: ["net"], other: ["WARN"]),
        Case(pattern: "grün", matching: ["es ist grün"], other: ["grun"]),
        Case(pattern: "aab", matching: ["aaab", "ababaab"], other: ["abab", "aba"]),
        Case(
            pattern: #"{ $.level = "ERROR" && $.tenantId = "x" }"#,
            matching: [#"{"level":"ERROR","tenantId":"x"}"#, #" {"tenantId":"x","level":"ERROR","n":[1,{"a":null}]} "#],
            other: [#"{"level":"ERROR"}"#, #"{"level":"ERROR","tenantId":"y"}"#, "ERROR x", #"{"level":"ERROR""#, "[]"]),
        Case(
            pattern: "{ $.code >= 500 || $.slow IS TRUE }", matching: [#"{"code":500}"#, #"{"code":1e3}"#, #"{"slow":true}"#],
            other: [#"{"code":499.9}"#, #"{"code":"500"}"#, #"{"slow":1}"#]),
        Case(pattern: "{$.a<-1.5}", matching: [#"{"a":-2}"#], other: [#"{"a":-1.5}"#, #"{"a":null}"#, "{}"]),
        Case(pattern: "{ $.a <= 2 && $.a > 1 }", matching: [#"{"a":2}"#], other: [#"{"a":1}"#, #"{"a":3}"#]),
        Case(pattern: "{ $.a != 1 }", matching: [#"{"a":2}"#, #"{"a":"1"}"#], other: [#"{"a":1}"#, "{}", #"{"a":null}"#]),
        Case(pattern: #"{ $.a != "x*" }"#, matching: [#"{"a":"y"}"#], other: [#"{"a":"xy"}"#, "{}"]),
        Case(
            pattern: #"{ $.path = "/a/*/c*" }"#, matching: [#"{"path":"/a/b/c"}"#, #"{"path":"/a/b/b/cd"}"#],
            other: [#"{"path":"/a/c"}"#, #"{"path":"x/a/b/c"}"#]),
        Case(pattern: "{ $.code = 4* }", matching: [#"{"code":404}"#, #"{"code":"4xx"}"#], other: [#"{"code":504}"#]),
        Case(pattern: "{ $.ip = 10.0.* }", matching: [#"{"ip":"10.0.3.4"}"#], other: [#"{"ip":"10.1.0.0"}"#]),
        Case(pattern: "{ $.a.b[1].c = x }", matching: [#"{"a":{"b":[0,{"c":"x"}]}}"#], other: [#"{"a":{"b":[{"c":"x"}]}}"#]),
        Case(pattern: "{ $.a[*] = 2 }", matching: [#"{"a":[1,2]}"#], other: [#"{"a":[1,3]}"#, #"{"a":2}"#]),
        Case(pattern: "{ $.* = 2 }", matching: [#"{"a":1,"b":2}"#], other: [#"{"a":1}"#]),
        Case(pattern: "{ $['a b'].c = 1 }", matching: [#"{"a b":{"c":1}}"#], other: [#"{"a":{"c":1}}"#]),
        Case(pattern: "{ $.['a.b'] = 1 }", matching: [#"{"a.b":1}"#], other: [#"{"a":{"b":1}}"#]),
        Case(pattern: "{ $.a IS NULL }", matching: [#"{"a":null}"#], other: ["{}", #"{"a":0}"#]),
        Case(pattern: "{ $.a is false }", matching: [#"{"a":false}"#], other: [#"{"a":true}"#]),
        Case(pattern: "{ $.a NOT EXISTS }", matching: ["{}", #"{"b":1}"#], other: [#"{"a":null}"#, "text"]),
        Case(pattern: "{ $.a EXISTS }", matching: [#"{"a":null}"#], other: ["{}"]),
        Case(
            pattern: "{ ($.a = 1 || $.b = 1) && $.c = 1 }", matching: [#"{"b":1,"c":1}"#],
            other: [#"{"a":1}"#, #"{"c":1}"#]),
        Case(pattern: "{ $.a = 1 || $.b = 1 && $.c = 1 }", matching: [#"{"a":1}"#], other: [#"{"b":1}"#]),
        Case(pattern: #"{ $.s = "ü\"" }"#, matching: [#"{"s":"\u00fc\""}"#], other: [#"{"s":"u"}"#]),
    ]

    @Test(arguments: cases) func matches(_ example: Case) throws {
        let pattern = try LogFilterPattern(example.pattern)
        for message in example.matching { #expect(pattern.matches(message), "\(example.pattern) on \(message)") }
        for message in example.other { #expect(!pattern.matches(message), "\(example.pattern) on \(message)") }
    }

    static let malformed: [String] = [
        "foo-bar", "a.b", "-", "?", "- x", "\"open", "[ip, user]", "%re%", "{", "}", "{}", "{ $ = 1 }", "{ $.a }",
        "{ $.a = }", "{ $.a = 1", "{ $.a = 1 } x", "{ $.a = 1 && }", "{ $.a == 1 }", "{ $.a < x }", "{ a = 1 }",
        "{ $.a IS 1 }", "{ $.a NOT 1 }", "{ ($.a = 1 }", "{ $.a[ = 1 }", "{ $.a[99999999999999999999] = 1 }",
        "{ $.a = \"x }", "{ $.a = %x% }", "{ $. = 1 }", "{ $['a = 1 }", "{ $.a = 1 $.b = 2 }",
        String(repeating: "a", count: 1_025), "{" + String(repeating: "(", count: 1_000) + "}",
    ]

    @Test(arguments: malformed) func refuses(_ pattern: String) {
        #expect(throws: LogFilterPattern.Malformed.self) { try LogFilterPattern(pattern) }
    }

    @Test func deepAndBrokenMessagesOnlyDoNotMatch() throws {
        let pattern = try LogFilterPattern("{ $.a EXISTS }")
        let deep = #"{"a":"# + String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000) + "}"
        #expect(!pattern.matches(deep))
        for text in ["{", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":\"\\u12", "{\"a\":\"\\ud800\"", "{\"a\":1,}", "{\"a\":tru}", "{\"a\":-}"] {
            #expect(!pattern.matches(text), "\(text)")
        }
        #expect(pattern.matches(#"{"a":"\ud83d\ude00\ud800"}"#))
    }

    @Test func everyPrefixOfAPatternIsAnsweredWithoutACrash() {
        let pattern = #"{ ($['a b'].c[0].* = "x*\"" || $.d.e >= -1e3) && $.f NOT EXISTS && $.g IS NULL }"#
        for length in 0..<pattern.count {
            guard let parsed = try? LogFilterPattern(String(pattern.prefix(length))) else { continue }
            #expect(length == 0, "\(parsed)")
        }
    }
}
