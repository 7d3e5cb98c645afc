import CloisterCore
import Foundation

/// The AWS JSON protocol (1.0 or 1.1): one path, the operation in `X-Amz-Target`, JSON in and out.
public struct JSONProtocol: Sendable {
    /// `1.0` or `1.1`; the content type says it.
    public let version: String
    /// What comes before the operation's name in `X-Amz-Target`: `Logs_20140328.`.
    public let targetPrefix: String
    /// The largest request body, in bytes.
    public let bodyBytesMax: Int

    public init(version: String, targetPrefix: String, bodyBytesMax: Int) {
        self.version = version
        self.targetPrefix = targetPrefix
        self.bodyBytesMax = bodyBytesMax
    }

    /// The call that `request` makes. Throws `UnknownOperationException` for another path, method or target.
    public func call(_ request: ServiceRequest) throws(ServiceError) -> JSONCall {
        guard request.method == "POST", request.path == "/" || request.path.isEmpty,
            let target = request.header("x-amz-target"), target.hasPrefix(targetPrefix)
        else { throw JSONProtocol.unknownOperation }
        guard request.body.count <= bodyBytesMax else {
            throw JSONProtocol.serialization("The request body is larger than \(bodyBytesMax) bytes")
        }
        return JSONCall(
            operation: String(target.dropFirst(targetPrefix.count)), caller: request.caller,
            requestID: request.requestID, body: request.body)
    }

    public func response(_ body: [UInt8]) -> ServiceResponse { response(status: 200, body: body) }

    /// The error as every SDK reads it: `__type` and `message` in the body, the name in `x-amzn-ErrorType` too.
    /// `namespace` goes before the name in `__type` (`com.amazonaws.dynamodb.v20120810#`).
    public func failure(_ error: ServiceError, namespace: String = "") -> ServiceResponse {
        let members = error.members.merging(["__type": namespace + error.code, "message": error.message]) { $1 }
        // A dictionary of strings can always be encoded.
        let body = (try? JSONEncoder().encode(members)).map { [UInt8]($0) } ?? []
        var response = response(status: error.status, body: body)
        response.headers.append((name: "x-amzn-ErrorType", value: error.code))
        response.headers += error.headers.map { (name: $0.key, value: $0.value) }
        return response
    }

    private func response(status: Int, body: [UInt8]) -> ServiceResponse {
        ServiceResponse(
            status: status, headers: [(name: "Content-Type", value: "application/x-amz-json-\(version)")], body: body)
    }

    public static let unknownOperation = ServiceError("UnknownOperationException", status: 400, message: "")

    public static func serialization(_ message: String) -> ServiceError {
        ServiceError("SerializationException", status: 400, message: message)
    }

    /// An operation of AWS's that isn't built: 501, never a wrong success.
    public static func notBuilt(_ operation: String) -> ServiceError {
        ServiceError(
            "NotImplementedException", status: 501, message: "\(operation) is not implemented by Cloister.",
            fault: .service)
    }
}

/// One call of a JSON service: the operation's name and its undecoded input.
public struct JSONCall: Sendable {
    public let operation: String
    public let caller: Caller
    public let requestID: RequestID
    public let body: [UInt8]

    public init(operation: String, caller: Caller, requestID: RequestID, body: [UInt8]) {
        self.operation = operation
        self.caller = caller
        self.requestID = requestID
        self.body = body
    }

    public func input<Input: Decodable>(_ type: Input.Type) throws(ServiceError) -> Input {
        do {
            return try JSONDecoder().decode(type, from: Data(body))
        } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context) {
            let member = context.codingPath.map(\.stringValue).joined(separator: ".")
            throw JSONProtocol.serialization("The member '\(member)' has a wrong type")
        } catch {
            throw JSONProtocol.serialization("The request body is not a JSON object of this operation")
        }
    }
}
