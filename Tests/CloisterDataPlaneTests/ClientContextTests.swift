import CloisterCore
import Foundation
import Testing

@testable import CloisterDataPlane

@Suite struct ClientContextTests {
    private func context(_ json: String) throws -> ClientContext { try ClientContext(json: Array(json.utf8)) }

    @Test(arguments: [
        ("{}", TenantAdmission.Claim.absent),
        ("{\"custom\":{}}", .absent),
        ("{\"custom\":null}", .absent),
        ("{\"custom\":{\"tenantId\":null}}", .absent),
        ("{\"custom\":{\"tenantId\":\"acme\"}}", .text("acme")),
        ("{\"custom\":{\"tenant\\u0049d\":\"a\\u0063me\"}}", .text("acme")),
        ("{\"custom\":{\"tenantId\":7}}", .malformed),
        ("{\"custom\":{\"tenantId\":\"a\",\"tenantId\":\"b\"}}", .malformed),
        ("{\"custom\":{\"tenantId\":\"a\",\"tenant\\u0049d\":\"b\"}}", .malformed),
        ("{\"custom\":{\"tenantId\":\"a\"},\"custom\":{\"tenantId\":\"b\"}}", .malformed),
    ])
    func findsTheTenant(json: String, claim: TenantAdmission.Claim) throws {
        #expect(try context(json).tenantClaim == claim)
    }

    @Test(arguments: ["", "[]", "\"x\"", "{", "{} {}", "1"])
    func demandsAnObject(json: String) {
        #expect(throws: ClientContext.Malformed.self) { try context(json) }
    }

    @Test func boundsTheBase64() {
        #expect(throws: ClientContext.Malformed.self) { try ClientContext(base64: String(repeating: "A", count: 3_584)) }
        #expect(throws: ClientContext.Malformed.self) { try ClientContext(base64: "%%%") }
    }

    /// Handlers read the tenant from the context however it was given; nothing else changes.
    @Test(arguments: [
        ("{}", "{\"custom\":{\"tenantId\":\"acme\"}}"),
        ("{\"client\":{\"a\":1.0}}", "{\"custom\":{\"tenantId\":\"acme\"},\"client\":{\"a\":1.0}}"),
        ("{\"custom\":{}}", "{\"custom\":{\"tenantId\":\"acme\"}}"),
        ("{\"custom\":{\"x\":1}}", "{\"custom\":{\"tenantId\":\"acme\",\"x\":1}}"),
        ("{\"custom\":null}", "{\"custom\":{\"tenantId\":\"acme\"}}"),
        ("{\"custom\":{\"tenantId\":null}}", "{\"custom\":{\"tenantId\":\"acme\"}}"),
        ("{\"custom\":{\"tenantId\":\"acme\"}}", "{\"custom\":{\"tenantId\":\"acme\"}}"),
    ])
    func tellsTheRuntimeTheTenant(json: String, expected: String) throws {
        let tenant = try #require(TenantID("acme"))
        #expect(try context(json).text(admitting: tenant) == expected)
        #expect(try context(json).text(admitting: nil) == json)
    }

    @Test func contextFitsAHeader() throws {
        #expect(try context("{\n\"a\":\"\u{e4}\"}").text(admitting: nil) == "{ \"a\":\"\\u00e4\"}")
    }
}
