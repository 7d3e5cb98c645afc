import Testing

@testable import CloisterIAM

struct PolicyConditionTests {
    private func isMet(_ condition: String, _ keys: [String: [String]]) throws -> Bool {
        let document = try PolicyDocument(
            #"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":\#(condition)}}"#,
            kind: .identity)
        var context = PolicyContext(principal: principal(), action: "a:b", resource: "*")
        for (key, values) in keys { context.set(key, values) }
        return document.statements[0].applies(to: context)
    }

    @Test(arguments: [
        (#"{"StringEquals":{"a:k":"x"}}"#, ["A:K": ["x"]], true), (#"{"StringEquals":{"a:k":"x"}}"#, ["a:k": ["X"]], false),
        (#"{"StringEquals":{"a:k":"x*"}}"#, ["a:k": ["xy"]], false), (#"{"StringEquals":{"a:k":["y","x"]}}"#, ["a:k": ["x"]], true),
        (#"{"StringEquals":{"a:k":"x"}}"#, [:], false), (#"{"StringEqualsIfExists":{"a:k":"x"}}"#, [:], true),
        (#"{"StringNotEquals":{"a:k":"x"}}"#, [:], true), (#"{"StringNotEquals":{"a:k":["x","y"]}}"#, ["a:k": ["y"]], false),
        (#"{"StringEqualsIgnoreCase":{"a:k":"X"}}"#, ["a:k": ["x"]], true), (#"{"StringLike":{"a:k":"x?*"}}"#, ["a:k": ["xy"]], true),
        (#"{"StringNotLike":{"a:k":"x*"}}"#, ["a:k": ["xy"]], false),
        (#"{"NumericLessThan":{"a:k":10}}"#, ["a:k": ["9"]], true), (#"{"NumericGreaterThanEquals":{"a:k":"1.5"}}"#, ["a:k": ["1.4"]], false),
        (#"{"NumericEquals":{"a:k":"1"}}"#, ["a:k": ["one"]], false), (#"{"NumericNotEquals":{"a:k":"1"}}"#, ["a:k": ["2"]], true),
        (#"{"DateLessThan":{"a:k":"2026-01-01T00:00:00Z"}}"#, ["a:k": ["2025-12-31T23:59:59Z"]], true),
        (#"{"DateGreaterThan":{"a:k":"1700000000"}}"#, ["a:k": ["2023-11-14T22:13:21Z"]], true),
        (#"{"DateEquals":{"a:k":"2023-11-14T23:13:20+01:00"}}"#, ["a:k": ["1700000000"]], true),
        (#"{"Bool":{"a:k":"true"}}"#, ["a:k": ["TRUE"]], true), (#"{"Bool":{"a:k":false}}"#, ["a:k": ["true"]], false),
        (#"{"Bool":{"a:k":false}}"#, ["a:k": ["maybe"]], false),
        (#"{"BinaryEquals":{"a:k":"AAE="}}"#, ["a:k": ["AAE="]], true),
        (#"{"IpAddress":{"a:k":"10.1.0.0/16"}}"#, ["a:k": ["10.1.200.3"]], true), (#"{"IpAddress":{"a:k":"10.1.0.0/16"}}"#, ["a:k": ["10.2.0.1"]], false),
        (#"{"NotIpAddress":{"a:k":"2001:db8::/32"}}"#, ["a:k": ["2001:db8::1"]], false), (#"{"IpAddress":{"a:k":"0.0.0.0/0"}}"#, ["a:k": ["::1"]], false),
        (#"{"ArnLike":{"a:k":"arn:aws:lambda:*:*:function:f*"}}"#, ["a:k": ["arn:aws:lambda:eu-west-1:1:function:foo:1"]], true),
        (#"{"ArnLike":{"a:k":"arn:aws:s3*:r:1:function"}}"#, ["a:k": ["arn:aws:lambda:r:1:function"]], false),
        (#"{"ArnNotEquals":{"a:k":"arn:aws:sns:r:1:t"}}"#, ["a:k": ["arn:aws:sns:r:1:t"]], false),
        (#"{"Null":{"a:k":"true"}}"#, [:], true), (#"{"Null":{"a:k":"false"}}"#, ["a:k": ["x"]], true), (#"{"Null":{"a:k":"true"}}"#, ["a:k": [""]], false),
        // Several values of a key.
        (#"{"ForAllValues:StringEquals":{"a:k":["x","y"]}}"#, ["a:k": ["x", "y"]], true),
        (#"{"ForAllValues:StringEquals":{"a:k":["x","y"]}}"#, ["a:k": ["x", "z"]], false),
        (#"{"ForAllValues:StringEquals":{"a:k":"x"}}"#, [:], true), (#"{"ForAnyValue:StringEquals":{"a:k":"x"}}"#, [:], false),
        (#"{"ForAnyValue:StringEquals":{"a:k":"x"}}"#, ["a:k": ["z", "x"]], true), (#"{"ForAnyValue:StringNotEquals":{"a:k":"x"}}"#, ["a:k": ["x", "z"]], true),
        (#"{"ForAllValues:StringNotEquals":{"a:k":"x"}}"#, ["a:k": ["x", "z"]], false), (#"{"ForAnyValue:StringEqualsIfExists":{"a:k":"x"}}"#, [:], true),
        (#"{"StringEquals":{"a:k":"x"}}"#, ["a:k": ["x", "z"]], false), (#"{"StringNotEquals":{"a:k":"x"}}"#, ["a:k": ["x", "z"]], true),
        // Several keys and operators: all must hold.
        (#"{"StringEquals":{"a:k":"x","a:l":"y"}}"#, ["a:k": ["x"], "a:l": ["z"]], false),
        // Variables: one without a value equals nothing, and so differs from everything.
        (#"{"StringEquals":{"a:k":"T#${a:v}"}}"#, ["a:k": ["T#1"], "a:v": ["1"]], true), (#"{"StringEquals":{"a:k":"T#${a:v}"}}"#, ["a:k": ["T#"]], false),
        (#"{"StringNotEquals":{"a:k":"T#${a:v}"}}"#, ["a:k": ["T#1"]], true), (#"{"StringLike":{"a:k":"${a:v}*"}}"#, ["a:k": ["1x"], "a:v": ["*"]], false),
    ] as [(String, [String: [String]], Bool)]) func decides(_ condition: String, _ keys: [String: [String]], _ expected: Bool) throws {
        #expect(try isMet(condition, keys) == expected)
    }

    @Test func datesRoundTrip() {
        #expect(PolicyDate.text(epochSeconds: 1_700_000_000) == "2023-11-14T22:13:20Z")
        for seconds in [0, 951_782_400, 1_709_164_800, 4_102_444_799] as [Int64] {
            #expect(PolicyDate.seconds(PolicyDate.text(epochSeconds: seconds)) == Double(seconds))
        }
        #expect(PolicyDate.seconds("2024") == PolicyDate.seconds("2024-01-01T00:00Z"))
        for text in ["", "2024-13-01", "2024-01-01T25:00:00Z", "2024-01-01T00:00:00", "x", "20240101T000000Z"] {
            #expect(PolicyDate.seconds(text) == nil, "\(text)")
        }
    }
}
