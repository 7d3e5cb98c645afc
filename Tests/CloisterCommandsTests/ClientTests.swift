import CloisterTemplates
import Testing

@testable import CloisterCommands

@Suite("Client")
struct ClientTests {
    @Test(
        "endpoints",
        arguments: [
            ("http://127.0.0.1:4570", "127.0.0.1", 4_570), ("http://localhost", "localhost", 80),
            ("http://[::1]:9000/", "::1", 9_000), ("HTTP://host.example:80", "host.example", 80),
        ])
    func endpoints(text: String, host: String, port: Int) throws {
        let endpoint = try Endpoint(text)
        #expect(endpoint.host == host)
        #expect(endpoint.port == port)
    }

    @Test(
        "endpoints that are none",
        arguments: [
            "", "127.0.0.1:4570", "https://host", "http://", "http://h:0", "http://h:x", "http://h/path", "http://a b",
        ])
    func wrongEndpoints(text: String) {
        #expect(throws: CommandFailure.self) { try Endpoint(text) }
    }

    @Test("names and values are encoded as SigV4 wants them")
    func encoding() {
        var request = APIRequest("GET", "/x")
        request.query = [(name: "tenantId", value: "a b/ü+="), (name: "k", value: "A-z_0.~")]
        #expect(request.encodedQuery == "tenantId=a%20b%2F%C3%BC%2B%3D&k=A-z_0.~")
        #expect(APIRequest.encode("arn:aws:lambda") == "arn%3Aaws%3Alambda")
    }

    @Test("errors are read as AWS's clients read them")
    func errors() {
        let body = Array("{\"Type\":\"User\",\"message\":\"no tenant\"}".utf8)
        let header = HTTPResponse(
            fields: [(name: "x-amzn-errortype", value: "InvalidParameterValueException:http://x")], status: 400,
            body: body)
        #expect(
            APIClient.error(in: header)
                == APIError(status: 400, code: "InvalidParameterValueException", message: "no tenant"))
        let typed = HTTPResponse(
            fields: [], status: 404,
            body: Array("{\"__type\":\"ns#ResourceNotFoundException\",\"Message\":\"gone\"}".utf8))
        #expect(APIClient.error(in: typed).code == "ResourceNotFoundException")
        #expect(APIClient.error(in: typed).isNotFound)
        let plain = HTTPResponse(fields: [], status: 503, body: Array("<html>".utf8))
        #expect(APIClient.error(in: plain).failure.message.contains("503"))
        #expect(APIError(status: 403, code: "X", message: "m").failure.status == .accessDenied)
    }

    @Test("a server that isn't there is a failure of its own kind, with a hint")
    func unreachable() throws {
        let client = APIClient(endpoint: try Endpoint("http://127.0.0.1:1"), region: "us-east-1", key: nil)
        let failure = #expect(throws: CommandFailure.self) { try client.send(APIRequest("GET", "/")) }
        #expect(failure?.status == .unavailable)
        #expect(failure?.hint?.contains("cloister serve") == true)
    }

    @Test("code is fetched from the server itself only")
    func download() throws {
        let client = APIClient(endpoint: try Endpoint("http://127.0.0.1:1"), region: "us-east-1", key: nil)
        let failure = #expect(throws: CommandFailure.self) { try client.download("http://127.0.0.1:12/x") }
        #expect(failure?.message.contains("another address") == true)
    }

    @Test("attributes of a deployed stack are put into its properties")
    func substitution() {
        let record = StackRecord(
            name: "s", region: "r",
            resources: [
                DeployedResource(
                    logicalID: "Layer", kind: .layerVersion, physicalID: "arn:1", attributes: ["Ref": "arn:1"],
                    properties: [:])
            ])
        let resolved = AttributeSubstitution(record).resolve([
            "Layers": .array([.string("${Layer.Ref}")]), "Text": .string("${Other.Ref} ${x}"),
        ])
        #expect(resolved == ["Layers": .array([.string("arn:1")]), "Text": .string("${Other.Ref} ${x}")])
    }

    @Test("a rollback runs backwards, whatever fails")
    func rollback() {
        var order: [Int] = []
        var rollback = Rollback()
        rollback.add("A", "one") { order.append(1) }
        rollback.add("B", "two") { throw CommandFailure("broken") }
        rollback.add("C", "three") { order.append(3) }
        #expect(rollback.run() == [Rollback.Problem(logicalID: "B", message: "two: broken")])
        #expect(order == [3, 1])
        #expect(rollback.run().isEmpty)
    }
}
