import Testing

@testable import CloisterIAM

struct PolicyParserTests {
    private func statement(_ members: String) -> String { #"{"Version":"2012-10-17","Statement":{\#(members)}}"# }

    @Test func readsEveryElement() throws {
        let text = """
            {
              "Version": "2012-10-17", "Id": "x",
              "Statement": [
                {"Sid": "One", "Effect": "Allow", "Action": ["dynamodb:*", "kms:Decrypt"], "Resource": "*"},
                {"Effect": "Deny", "NotAction": "iam:*", "NotResource": ["arn:aws:s3:::b/*"],
                 "Condition": {"StringEquals": {"aws:username": ["a", "b"]}, "Bool": {"aws:SecureTransport": false}}}
              ]
            }
            """
        let document = try PolicyDocument(text, kind: .identity)
        #expect(document.statements.count == 2)
        #expect(document.statements[0].sid == "One" && document.statements[0].effect == .allow)
        #expect(document.statements[0].start == TextPlace(line: 4, column: 5))
        #expect(document.statements[1].isActionInverted && document.statements[1].isResourceInverted)
        #expect(document.statements[1].conditions.count == 2)
    }

    @Test(arguments: [
        #"{"Version":"2012-10-17"}"#, #"{"Version":"2012-10-17","Statement":[]}"#, #"{"Version":"2020-01-01","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#,
        #"{"Statement":{"Effect":"allow","Action":"*","Resource":"*"}}"#, #"{"Statement":{"Effect":"Allow","Action":"Get","Resource":"*"}}"#,
        #"{"Statement":{"Effect":"Allow","Action":"s3:Get"}}"#, #"{"Statement":{"Effect":"Allow","Resource":"*"}}"#,
        #"{"Statement":{"Action":"*","Resource":"*"}}"#, #"{"Statement":{"Effect":"Allow","Action":"*","Resource":"bucket"}}"#,
        #"{"Statement":{"Effect":"Allow","Action":"*","NotAction":"*","Resource":"*"}}"#,
        #"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Principal":"*"}}"#,
        #"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Conditions":{}}}"#,
        #"{"Statement":{"Effect":"Allow","Effect":"Deny","Action":"*","Resource":"*"}}"#,
        #"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringSame":{"a:b":"c"}}}}"#,
        #"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"NullIfExists":{"a:b":"true"}}}}"#,
        #"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"NumericEquals":{"a:b":"x"}}}}"#,
        #"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"IpAddress":{"a:b":"10.0.0.0/33"}}}}"#,
        #"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"DateLessThan":{"a:b":"yesterday"}}}}"#,
        #"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"a:b":{}}}}}"#,
        #"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${aws:username"}}"#,
        #"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}} x"#, "", "[]", "null", "{",
    ]) func refuses(_ text: String) {
        #expect(throws: PolicyError.self) { try PolicyDocument(text, kind: .identity) }
    }

    @Test func kindsDecideWhichElementsThereAre() throws {
        let trust = #"{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"lambda.amazonaws.com"}}}"#
        _ = try PolicyDocument(trust, kind: .trust)
        #expect(throws: PolicyError.self) { try PolicyDocument(trust, kind: .identity) }
        #expect(throws: PolicyError.self) {
            try PolicyDocument(#"{"Statement":{"Effect":"Allow","Action":"*","Principal":"*","Resource":"*"}}"#, kind: .trust)
        }
        #expect(throws: PolicyError.self) {
            try PolicyDocument(#"{"Statement":{"Effect":"Allow","Action":"*","Principal":{"AWS":"arn:aws:iam::1:user/*"}}}"#, kind: .trust)
        }
    }

    @Test func nestingAndSizeAreBounded() {
        let deep = String(repeating: "[", count: 100_000)
        #expect(throws: PolicyError.self) { try PolicyDocument(deep, kind: .identity) }
        let large = statement(#""Effect":"Allow","Action":"*","Resource":"*","Sid":"\#(String(repeating: "a", count: 200_000))""#)
        #expect(throws: PolicyError.self) { try PolicyDocument(large, kind: .identity) }
    }

    @Test func syntaxErrorsSayWhere() {
        #expect(throws: PolicyError("Syntax error at position (2,12)")) {
            try PolicyDocument("{\n\"Version\": x}", kind: .identity)
        }
    }

    /// Changes valid documents at random: the parser answers or throws, and what it takes, it can evaluate.
    @Test(arguments: [1, 2, 3, 4] as [UInt64]) func holdsAgainstMutations(_ seed: UInt64) throws {
        var random = SplitMix(seed)
        let source = Array(
            #"{"Version":"2012-10-17","Statement":[{"Sid":"A","Effect":"Allow","NotAction":["s3:Get*"],"Resource":"arn:aws:s3:::${aws:username, 'x'}/${*}","Condition":{"ForAnyValue:StringLikeIfExists":{"a:b":["x*?",1,true]},"ArnLike":{"a:c":"arn:aws:*"}}}]}"#
                .utf8)
        let pieces = ["{", "}", "[", "]", "\"", ",", ":", "\\u0000", "\\ud800", "${", "*", "null", "1e9", "\u{0}", "é"].map { Array($0.utf8) }
        let context = PolicyContext(principal: principal(), action: "s3:PutObject", resource: "arn:aws:s3:::x/*")
        var taken = 0
        for _ in 0..<3_000 {
            var bytes = source
            for _ in 0...random.below(4) {
                let at = random.below(bytes.count)
                switch random.below(4) {
                case 0: bytes.remove(at: at)
                case 1: bytes.insert(contentsOf: pieces[random.below(pieces.count)], at: at)
                case 2: bytes[at] = UInt8(truncatingIfNeeded: random.next())
                default: bytes.removeSubrange(at..<min(bytes.count, at + random.below(20)))
                }
                if bytes.isEmpty { bytes = source }
            }
            guard let document = try? PolicyDocument(String(decoding: bytes, as: UTF8.self), kind: .identity) else { continue }
            taken += 1
            for statement in document.statements { _ = statement.applies(to: context) }
        }
        #expect(taken > 0)
    }
}
