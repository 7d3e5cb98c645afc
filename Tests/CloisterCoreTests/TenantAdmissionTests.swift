import CloisterCore
import Testing

@Suite struct TenantIDTests {
    static let alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:/=+-@"

    @Test func everyByteIsAllowedOrNotAsTheModelSays() {
        for byte in UInt8.min...UInt8.max {
            let text = "a" + String(decoding: [byte], as: UTF8.self) + "b"
            let isAllowed = byte < 128 && (Self.alphabet.utf8.contains(byte) || byte == UInt8(ascii: " "))
            #expect((TenantID(text) != nil) == isAllowed, "byte \(byte)")
        }
    }

    @Test(arguments: ["a", "A1", "acme.eu/7:x=y+z-@_", "a b c", String(repeating: "x", count: 256)])
    func accepts(_ text: String) { #expect(TenantID(text)?.rawValue == text) }

    @Test(arguments: [
        "", " ", "  ", " a", "a ", "a  b", "a#b", "a\tb", "a\nb", "a\r\nb", "a\0b", "é", "日本", "e\u{301}", "a,b", "a;b",
        "a*", "a%20b",
        "\u{FEFF}a", "a\u{200B}", "ａ", String(repeating: "x", count: 257), String(repeating: "x", count: 300),
        String(repeating: "é", count: 128),
    ])
    func refuses(_ text: String) { #expect(TenantID(text) == nil) }

    @Test func aFunctionMayAllowLess() {
        let text = String(repeating: "t", count: 128)
        #expect(TenantID(text, lengthMax: 128) != nil)
        #expect(TenantID(text + "t", lengthMax: 128) == nil)
        #expect(TenantID(text + "t", lengthMax: 256) != nil)
        #expect(TenantID(String(repeating: "t", count: 257), lengthMax: 1_000) == nil)
        #expect(TenantID("t", lengthMax: 0) == nil)
        #expect(TenantID("t", lengthMax: -1) == nil)
    }

    @Test func caseMatters() { #expect(TenantID("Blue") != TenantID("blue")) }
}

@Suite struct TenantAdmissionTests {
    typealias Claim = TenantAdmission.Claim
    typealias Refusal = TenantAdmission.Refusal

    private func admit(
        _ header: Claim, _ context: Claim, isolated: Bool = true, lengthMax: Int = 256
    ) -> Result<TenantID?, Refusal> {
        Result { () throws(Refusal) in
            try TenantAdmission.admit(
                header: header, clientContext: context, isTenantIsolated: isolated, lengthMax: lengthMax)
        }
    }

    private static let claims: [Claim] = [.absent, .text("blue"), .text("red"), .text("a#b"), .text(""), .malformed]

    /// All combinations against the rule written a second time.
    @Test(arguments: claims, claims)
    func everyCombination(_ header: Claim, _ context: Claim) {
        let given = [header, context].filter { $0 != .absent }
        let valid = [Claim.text("blue"), .text("red")]
        let expected: Result<TenantID?, Refusal> =
            if given.isEmpty {
                .failure(.required)
            } else if given.contains(where: { !valid.contains($0) }) {
                .failure(.invalid(lengthMax: 256))
            } else if Set(given.map { "\($0)" }).count > 1 {
                .failure(.conflict)
            } else {
                .success(TenantID(given[0] == .text("blue") ? "blue" : "red"))
            }
        #expect(admit(header, context) == expected)
        #expect(admit(header, context, isolated: false) == (given.isEmpty ? .success(nil) : .failure(.notSupported)))
    }

    @Test func theFunctionsMaximumHolds() {
        let long = String(repeating: "x", count: 129)
        #expect(admit(.text(long), .absent, lengthMax: 128) == .failure(.invalid(lengthMax: 128)))
        #expect(admit(.absent, .text(long), lengthMax: 128) == .failure(.invalid(lengthMax: 128)))
        #expect(admit(.text(long), .text(long)) == .success(TenantID(long)))
    }

    @Test func messagesAreExact() {
        #expect(
            Refusal.required.message
                == "The invoked function is enabled with tenancy configuration. Add a valid tenant ID in your request "
                + "and try again. TenantIdentifierRequired")
        #expect(
            Refusal.notSupported.message
                == "The invoked function is not enabled with tenancy configuration. Remove the tenant ID from your "
                + "request and try again. TenantIdentifierNotSupported")
        #expect(
            Refusal.conflict.message
                == "The tenant ID in the X-Amz-Tenant-Id header and the one in the client context differ. "
                + "TenantIdentifierConflict")
        #expect(
            Refusal.invalid(lengthMax: 128).message
                == "The tenant ID in your request is not valid: it must be 1 to 128 characters of "
                + "[a-zA-Z0-9._:/=+-@ ], without blanks at its ends or double blanks. TenantIdentifierInvalid")
    }
}
