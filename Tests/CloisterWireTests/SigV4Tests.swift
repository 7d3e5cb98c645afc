import Crypto
import NIOCore
import Testing

@testable import CloisterWire

@Suite struct SigV4Tests {
    static let key = AccessKey(id: "AKIDEXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    /// 2015-08-30T12:36:00Z.
    static let then: Int64 = 1_440_938_160

    private func head(_ text: String) throws -> HTTPHead {
        var parser = HTTPRequestParser(limits: .init(bodyBytesMax: 1 << 20))
        var buffer = ByteBuffer(string: text)
        guard case .head(let head) = try parser.next(&buffer) else { throw HTTPError.bad("no head") }
        return head
    }

    private func verify(_ text: String, body: String = "", now: Int64 = then, key: AccessKey = key) throws -> String {
        let head = try head(text)
        var verifier = SigV4Verifier()
        let pending = try verifier.begin(head, nowEpochSeconds: now)
        try verifier.finish(pending, bodyHash: SHA256.hash(data: Array(body.utf8)), secret: key.secret)
        return pending.scope.accessKeyID
    }

    private func signed(
        _ method: String = "POST", path: String = "/2015-03-31/functions/f/invocations", query: String = "",
        extra: [(name: String, value: String)] = [], unsigned: String = "", body: String = "{}", key: AccessKey = key
    ) -> String {
        let fields = [(name: "host", value: "127.0.0.1:1")] + extra
        let signer = SigV4Signer(key: key, region: "eu-central-1", service: "lambda")
        let added = signer.sign(
            method: method, path: path, query: query, fields: fields, body: Array(body.utf8), epochSeconds: Self.then)
        let lines = (fields + added).map { "\($0.name): \($0.value)\r\n" }.joined()
        return "\(method) \(path)\(query.isEmpty ? "" : "?\(query)") HTTP/1.1\r\n\(lines)\(unsigned)\r\n"
    }

    /// Published vectors of AWS's own test suite.
    @Test(arguments: [
        ("GET", "/", "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", "/", "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        ("GET", "/", "Param2=value2&Param1=value1", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"),
    ])
    func agreesWithPublishedVectors(method: String, path: String, query: String, signature: String) throws {
        let target = path + (query.isEmpty ? "" : "?\(query)")
        let request =
            "\(method) \(target) HTTP/1.1\r\nHost:example.amazonaws.com\r\nX-Amz-Date:20150830T123600Z\r\n"
            + "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
            + "SignedHeaders=host;x-amz-date, Signature=\(signature)\r\n\r\n"
        #expect(try verify(request) == "AKIDEXAMPLE")
    }

    @Test func letsInWhatWasSigned() throws {
        #expect(try verify(signed(), body: "{}") == "AKIDEXAMPLE")
        #expect(
            try verify(signed("GET", path: "/2017-03-31/tags/arn%3Aaws%3Alambda", query: "tagKeys=b&tagKeys=a%20c"), body: "{}")
                == "AKIDEXAMPLE")
        #expect(try verify(signed(extra: [("x-amz-tenant-id", "blue  team")]), body: "{}") == "AKIDEXAMPLE")
    }

    @Test func refusesWhatWasChanged() {
        #expect(throws: SigV4Error.mismatch) { try verify(signed(), body: "{ }") }
        let moved = signed().replacing("/functions/f/", with: "/functions/g/")
        #expect(throws: SigV4Error.mismatch) { try verify(moved, body: "{}") }
        let other = signed(extra: [("x-amz-tenant-id", "blue")]).replacing("x-amz-tenant-id: blue", with: "x-amz-tenant-id: red")
        #expect(throws: SigV4Error.mismatch) { try verify(other, body: "{}") }
        let wrong = AccessKey(id: "AKIDEXAMPLE", secret: "another")
        #expect(throws: SigV4Error.mismatch) { try verify(signed(), body: "{}", key: wrong) }
    }

    /// A key that was replaced, so that the secret behind its id is another, doesn't live on in the cache.
    @Test func anOldSecretIsForgotten() throws {
        var verifier = SigV4Verifier()
        let head = try head(signed())
        let pending = try verifier.begin(head, nowEpochSeconds: Self.then)
        let hash = SHA256.hash(data: Array("{}".utf8))
        try verifier.finish(pending, bodyHash: hash, secret: Self.key.secret)
        #expect(throws: SigV4Error.mismatch) { try verifier.finish(pending, bodyHash: hash, secret: "another") }
        try verifier.finish(pending, bodyHash: hash, secret: Self.key.secret)
    }

    @Test func refusesATenantThatIsNotSigned() {
        #expect(throws: SigV4Error.self) { try verify(signed(unsigned: "X-Amz-Tenant-Id: red\r\n"), body: "{}") }
        let doubled = signed(extra: [("x-amz-tenant-id", "blue")], unsigned: "X-Amz-Tenant-Id: red\r\n")
        #expect(throws: SigV4Error.mismatch) { try verify(doubled, body: "{}") }
    }

    @Test func demandsATimeWithinFiveMinutes() throws {
        for offset: Int64 in [-300, 300] {
            #expect(try verify(signed(), body: "{}", now: Self.then + offset) == "AKIDEXAMPLE")
        }
        for offset: Int64 in [-301, 301] {
            #expect(throws: SigV4Error.self) { try verify(signed(), body: "{}", now: Self.then + offset) }
        }
    }

    @Test func handsTheSessionTokenOn() throws {
        let temporary = AccessKey(id: "ASIAEXAMPLE", secret: "s", sessionToken: "token")
        #expect(try verify(signed(key: temporary), body: "{}", key: temporary) == "ASIAEXAMPLE")
        var verifier = SigV4Verifier()
        let pending = try verifier.begin(try head(signed(key: temporary)), nowEpochSeconds: Self.then)
        #expect(pending.sessionToken == "token")
        #expect(try verifier.begin(try head(signed()), nowEpochSeconds: Self.then).sessionToken == nil)
    }

    @Test(arguments: [
        "", "Basic eA==", "AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA256 Credential=a/b/c, SignedHeaders=host, Signature=00",
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host",
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/../service/aws4_request, SignedHeaders=host, Signature=00",
        "AWS4-HMAC-SHA256 Credential=x, Credential=y, SignedHeaders=host, Signature=00",
    ])
    func refusesMalformedAuthorizations(value: String) {
        let request = "GET / HTTP/1.1\r\nHost: x\r\nX-Amz-Date: 20150830T123600Z\r\nAuthorization: \(value)\r\n\r\n"
        #expect(throws: SigV4Error.self) { try verify(request) }
    }

    @Test func refusesTheUnsigned() {
        #expect(throws: SigV4Error.missing) { try verify("GET / HTTP/1.1\r\nHost: x\r\n\r\n") }
    }

    @Test func datesGoThereAndBack() {
        for seconds: Int64 in [0, 951_782_400, 1_440_938_160, 1_709_164_799, 4_102_444_800] {
            #expect(SigV4Date.epochSeconds(SigV4Date.text(epochSeconds: seconds)) == seconds)
        }
        #expect(SigV4Date.text(epochSeconds: 951_782_400) == "20000229T000000Z")
        #expect(SigV4Date.epochSeconds("20150830T126000Z") == nil)
        #expect(SigV4Date.epochSeconds("") == nil)
    }
}
