/// A request to one of the server's APIs, before it is signed.
struct APIRequest {
    var method: String
    /// Percent-encoded.
    var path: String
    var query: [(name: String, value: String)] = []
    var fields: [(name: String, value: String)] = []
    var body: [UInt8] = []
    /// The service in the signature's scope.
    var service = "lambda"
    /// Longest silence of the server.
    var timeoutSeconds = 120

    init(_ method: String, _ path: String, query: [(name: String, value: String)] = [], service: String = "lambda") {
        self.method = method
        self.path = path
        self.query = query
        self.service = service
    }

    /// As it goes on the wire, without `?`.
    var encodedQuery: String {
        query.map { "\(APIRequest.encode($0.name))=\(APIRequest.encode($0.value))" }.joined(separator: "&")
    }

    /// Everything but RFC 3986's unreserved characters becomes `%XX`.
    static func encode(_ text: String) -> String {
        var result: [UInt8] = []
        let digits = Array("0123456789ABCDEF".utf8)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
                UInt8(ascii: "~"):
                result.append(byte)
            default:
                result += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
