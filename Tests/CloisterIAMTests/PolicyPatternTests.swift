import Testing

@testable import CloisterIAM

struct PolicyPatternTests {
    private func matches(_ pattern: String, _ subject: String, _ values: [String: String] = [:]) throws -> Bool {
        try PolicyPattern(pattern, hasVariables: true).matches(subject.utf8) { values[$0] }
    }

    @Test(arguments: [
        ("*", "", true), ("", "", true), ("", "a", false), ("a*b", "ab", true), ("a*b", "acb", true), ("a*b", "abc", false),
        ("a?c", "abc", true), ("a?c", "ac", false), ("**", "x", true), ("*a*a*", "aba", true), ("*a*a*", "ab", false),
        ("?", "é", true), ("?", "日", true), ("??", "é", false), ("arn:aws:s3:::b/*", "arn:aws:s3:::b/x/y", true),
        ("TENANT#a", "tenant#a", false),
    ]) func wildcards(_ pattern: String, _ subject: String, _ expected: Bool) throws {
        #expect(try matches(pattern, subject) == expected)
    }

    @Test func variables() throws {
        let values = ["aws:username": "ann", "aws:principaltag/tenant_id": "a*b"]
        #expect(try matches("home/${aws:username}/*", "home/ann/x", values))
        #expect(try matches("home/${AWS:UserName}", "home/ann", values))
        #expect(try !matches("home/${aws:userid}", "home/", values))
        #expect(try matches("home/${aws:userid, 'nobody'}", "home/nobody", values))
        #expect(try matches("a${*}b", "a*b") && !matches("a${*}b", "axb"))
        #expect(try matches("a${$}{x}", "a${x}") && matches("${?}", "?"))
        // A value is never a pattern.
        #expect(try matches("T#${aws:PrincipalTag/tenant_id}", "T#a*b", values))
        #expect(try !matches("T#${aws:PrincipalTag/tenant_id}", "T#axb", values))
        #expect(try PolicyPattern("${aws:username}", hasVariables: false).matches("${aws:username}".utf8) { _ in "ann" })
    }

    @Test(arguments: ["${", "${}", "${a", "${a, x}", "${a b}", "${a${b}}"]) func malformed(_ text: String) {
        #expect(throws: PolicyError.self) { try PolicyPattern(text, hasVariables: true) }
    }

    /// Against the plainest matcher there is, on texts made so that they often nearly match.
    @Test(arguments: [11, 12, 13] as [UInt64]) func agreesWithANaiveMatcher(_ seed: UInt64) throws {
        var random = SplitMix(seed)
        var matched = 0
        for _ in 0..<20_000 {
            let pattern = String((0..<random.below(9)).map { _ in "ab*?"[random.below(4)] })
            let subject = String((0..<random.below(11)).map { _ in "ab"[random.below(2)] })
            let expected = naive(Array(pattern.utf8)[...], Array(subject.utf8)[...])
            matched += expected ? 1 : 0
            #expect(try matches(pattern, subject) == expected, "\(pattern) against \(subject)")
        }
        #expect(matched > 1_000)
    }

    /// What takes a backtracking matcher longer than the universe has been there. That it ends at all is the test.
    @Test func doesNotExplode() throws {
        let pattern = String(repeating: "a*", count: 1_500) + "b"
        #expect(try !matches(pattern, String(repeating: "a", count: 2_000)))
    }

    private func naive(_ pattern: ArraySlice<UInt8>, _ subject: ArraySlice<UInt8>) -> Bool {
        guard let first = pattern.first else { return subject.isEmpty }
        if first == UInt8(ascii: "*") {
            return (subject.startIndex...subject.endIndex).contains { naive(pattern.dropFirst(), subject[$0...]) }
        }
        guard let byte = subject.first, first == UInt8(ascii: "?") || first == byte else { return false }
        return naive(pattern.dropFirst(), subject.dropFirst())
    }
}

extension String {
    fileprivate subscript(offset: Int) -> Character { self[index(startIndex, offsetBy: offset)] }
}
