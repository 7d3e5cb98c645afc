import CloisterServer
import CloisterTemplates
import CloisterWire
import Foundation

/// Sends signed requests to one server.
final class APIClient {
    /// A function's answer has at most 6 MiB, a code package 50; base64 and a margin on top.
    static let bodyBytesMax = 80 * 1_048_576

    let endpoint: Endpoint
    let region: String
    private let key: AccessKey?
    private let connection: HTTPConnection

    /// Without `key`, requests go unsigned.
    init(endpoint: Endpoint, region: String, key: AccessKey?) {
        self.endpoint = endpoint
        self.region = region
        self.key = key
        self.connection = HTTPConnection(endpoint)
    }

    /// The answer, if its status is below 400. Throws `APIError` or `CommandFailure`.
    func send(_ request: APIRequest) throws -> HTTPResponse {
        let response = try connection.exchange(
            message(request), timeoutSeconds: request.timeoutSeconds, bodyBytesMax: APIClient.bodyBytesMax)
        if response.status >= 400 { throw APIClient.error(in: response) }
        return response
    }

    /// Hands on the body as it comes. Throws `APIError` or `CommandFailure`.
    func stream(_ request: APIRequest, onBody: ([UInt8]) throws -> Void) throws {
        var refusal: [UInt8] = []
        var head = try connection.stream(message(request), timeoutSeconds: request.timeoutSeconds) { part, head in
            if head.status < 400 { try onBody(part) } else if refusal.count < 65_536 { refusal += part }
        }
        head.body = refusal
        if head.status >= 400 { throw APIClient.error(in: head) }
    }

    /// Fetches from a URL of this server that carries its own signature (`Code.Location`).
    func download(_ url: String) throws -> [UInt8] {
        guard url.hasPrefix(endpoint.description + "/") else {
            throw CommandFailure("the code is at another address than the server's own")
        }
        let target = url.dropFirst(endpoint.description.count)
        let head = "GET \(target) HTTP/1.1\r\nhost: \(endpoint.authority)\r\n\r\n"
        let response = try connection.exchange(
            Array(head.utf8), timeoutSeconds: 120, bodyBytesMax: APIClient.bodyBytesMax)
        if response.status >= 400 { throw APIClient.error(in: response) }
        return response.body
    }

    /// The whole message, signed.
    private func message(_ request: APIRequest) -> [UInt8] {
        var fields = [(name: "host", value: endpoint.authority)] + request.fields
        if let key {
            let signer = SigV4Signer(key: key, region: region, service: request.service)
            fields += signer.sign(
                method: request.method, path: request.path, query: request.encodedQuery, fields: fields,
                body: request.body, epochSeconds: Int64(Date().timeIntervalSince1970))
        }
        fields.append((name: "user-agent", value: "cloister/\(Version.text)"))
        if !request.body.isEmpty || request.method != "GET" {
            fields.append((name: "content-length", value: String(request.body.count)))
        }
        let target = request.query.isEmpty ? request.path : request.path + "?" + request.encodedQuery
        let head = fields.map { "\($0.name): \($0.value)\r\n" }.joined()
        return Array("\(request.method) \(target) HTTP/1.1\r\n\(head)\r\n".utf8) + request.body
    }

    static func error(in response: HTTPResponse) -> APIError {
        if response.field("content-type")?.hasPrefix("text/xml") == true { return xmlError(in: response) }
        let body = JSONValue(bytes: response.body)
        let code = response.field("x-amzn-errortype") ?? body?["__type"]?.string ?? body?["code"]?.string
            ?? "HTTP \(response.status)"
        let name = code.split(separator: ":").first.map(String.init) ?? code
        let message = body?["message"]?.string ?? body?["Message"]?.string
        return APIError(
            status: response.status, code: name.split(separator: "#").last.map(String.init) ?? name,
            message: message ?? "the server answered with status \(response.status)")
    }
}

extension APIClient {
    /// The query protocol's form.
    private static func xmlError(in response: HTTPResponse) -> APIError {
        let body = String(decoding: response.body.prefix(65_536), as: UTF8.self)
        return APIError(
            status: response.status, code: IAMClient.texts("Code", in: body).first ?? "HTTP \(response.status)",
            message: IAMClient.texts("Message", in: body).first ?? "the server answered with status \(response.status)")
    }
}

extension JSONValue {
    /// Nil unless `bytes` are one JSON document.
    init?(bytes: [UInt8]) {
        guard let value = try? JSONDecoder().decode(JSONValue.self, from: Data(bytes)) else { return nil }
        self = value
    }

    /// Compact, with sorted keys.
    var bytes: [UInt8] {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return [UInt8](try encoder.encode(self))
        }
    }
}
