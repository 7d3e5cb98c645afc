import CloisterServiceKit
import Foundation

/// AWS's query protocol: the operation and its parameters as a form, XML back.
struct QueryProtocol: Sendable {
    static let bodyBytesMax = 1 << 20
    static let parametersMax = 5_000

    /// `2010-05-08`.
    let version: String
    /// `https://iam.amazonaws.com/doc/2010-05-08/`.
    let namespace: String

    func call(_ request: ServiceRequest) throws(ServiceError) -> QueryCall {
        guard request.path == "/" || request.path.isEmpty, request.method == "POST" || request.method == "GET" else {
            throw ServiceError("UnknownOperationException", status: 404, message: "No such path or method.")
        }
        guard request.body.count <= QueryProtocol.bodyBytesMax else {
            throw ServiceError("RequestEntityTooLarge", status: 413, message: "The request is too large.")
        }
        var parameters: [String: String] = [:]
        for (name, value) in request.query where !name.hasPrefix("X-Amz-") { parameters[name] = value }
        guard let form = FormBody.items(request.body), form.count <= QueryProtocol.parametersMax else {
            throw ServiceError("MalformedQueryString", status: 400, message: "The request's form is malformed.")
        }
        for (name, value) in form {
            guard parameters.updateValue(value, forKey: name) == nil else {
                throw ServiceError("MalformedQueryString", status: 400, message: "A parameter is given twice.")
            }
        }
        guard let action = parameters["Action"] else {
            throw ServiceError("MissingAction", status: 400, message: "Could not find operation; no Action was given.")
        }
        guard parameters["Version"] ?? version == version else {
            throw QueryProtocol.invalidAction(action, parameters["Version"] ?? "")
        }
        return QueryCall(operation: action, parameters: parameters, caller: request.caller, requestID: request.requestID)
    }

    func response(_ call: QueryCall, _ result: XML) -> ServiceResponse {
        // An operation without a result has an answer without that element.
        let body = result.text.isEmpty ? "" : "<\(call.operation)Result>\(result.text)</\(call.operation)Result>"
        return response(
            status: 200,
            "<\(call.operation)Response xmlns=\"\(namespace)\">\(body)<ResponseMetadata><RequestId>"
                + "\(call.requestID)</RequestId></ResponseMetadata></\(call.operation)Response>")
    }

    func failure(_ error: ServiceError, requestID: String) -> ServiceResponse {
        var xml = XML()
        xml.nest("Error") { xml in
            xml.add("Type", error.fault == .user ? "Sender" : "Receiver")
            xml.add("Code", error.code)
            xml.add("Message", error.message)
        }
        xml.add("RequestId", requestID)
        var response = response(status: error.status, "<ErrorResponse xmlns=\"\(namespace)\">\(xml.text)</ErrorResponse>")
        response.headers += error.headers.map { (name: $0.key, value: $0.value) }
        return response
    }

    /// The front's refusals, under the names that query services have for them.
    func refusal(_ error: ServiceError, requestID: String) -> ServiceResponse {
        var error = error
        let known: [String: (code: String, status: Int)] = [
            "UnrecognizedClientException": ("InvalidClientTokenId", 403), "ExpiredTokenException": ("ExpiredToken", 403),
            "InvalidSignatureException": ("SignatureDoesNotMatch", 403),
            "MissingAuthenticationTokenException": ("MissingAuthenticationToken", 403),
            "IncompleteSignatureException": ("IncompleteSignature", 400),
        ]
        if let name = known[error.code] { (error.code, error.status) = (name.code, name.status) }
        return failure(error, requestID: requestID)
    }

    private func response(status: Int, _ text: String) -> ServiceResponse {
        ServiceResponse(
            status: status, headers: [(name: "Content-Type", value: "text/xml")],
            body: Array("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\(text)\n".utf8))
    }

    static func invalidAction(_ action: String, _ version: String) -> ServiceError {
        ServiceError(
            "InvalidAction", status: 400,
            message: "Could not find operation \(action.prefix(64)) for version \(version.prefix(16))")
    }

    /// An operation of AWS's that isn't built: 501, never a wrong success.
    static func notBuilt(_ operation: String) -> ServiceError {
        ServiceError(
            "NotImplemented", status: 501, message: "\(operation) is not implemented by Cloister.", fault: .service)
    }
}

/// `application/x-www-form-urlencoded`.
enum FormBody {
    /// Nil if malformed.
    static func items(_ body: [UInt8]) -> [(name: String, value: String)]? {
        var items: [(name: String, value: String)] = []
        for pair in body.split(separator: UInt8(ascii: "&")) {
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = text(parts[0]), let value = parts.count > 1 ? text(parts[1]) : "" else { return nil }
            items.append((name, value))
        }
        return items
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String? {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var index = bytes.startIndex
        while index < bytes.endIndex {
            switch bytes[index] {
            case UInt8(ascii: "+"): decoded.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                guard index + 2 < bytes.endIndex, let high = digit(bytes[index + 1]), let low = digit(bytes[index + 2]) else {
                    return nil
                }
                decoded.append(high << 4 | low)
                index += 2
            default: decoded.append(bytes[index])
            }
            index += 1
        }
        return String(validating: decoded, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
