import CloisterCore
import CloisterServiceKit
import CloisterWire
import NIOCore

/// Answers of `Invoke`.
final class BufferedInvocationSink: InvocationSink {
    private let connection: FrontConnection

    init(_ connection: FrontConnection) { self.connection = connection }

    var takesParts: Bool { false }
    var isWritable: Bool { true }

    func part(_ part: ByteBuffer, of invocation: Invocation) {}
    func whenWritable(_ resume: @escaping () -> Void) {}

    func ended(_ result: InvocationResult, of invocation: Invocation, logTail: String?) {
        switch result {
        case .response(let payload): respond(payload, isError: false, invocation, logTail)
        case .functionError(let payload): respond(payload, isError: true, invocation, logTail)
        case .throttled(let throttle): connection.respond(InvokeErrors.throttled(throttle))
        case .failed(let error): connection.respond(error)
        }
    }

    private func respond(_ payload: ByteBuffer, isError: Bool, _ invocation: Invocation, _ logTail: String?) {
        connection.respond(status: 200, body: payload) { head in
            head.writeStaticString("Content-Type: application/json\r\nx-amzn-Remapped-Content-Length: 0\r\n")
            head.writeField("X-Amz-Executed-Version", invocation.version.versionText)
            head.writeField("X-Amzn-Trace-Id", invocation.traceHeader)
            if let logTail { head.writeField("X-Amz-Log-Result", Base64.encode(logTail)) }
            if isError { head.writeStaticString("X-Amz-Function-Error: Unhandled\r\n") }
        }
    }
}

/// Answers of `InvokeWithResponseStream`: parts as events, then `InvokeComplete`.
final class StreamInvocationSink: InvocationSink {
    private let connection: FrontConnection

    init(_ connection: FrontConnection) { self.connection = connection }

    var takesParts: Bool { true }
    var isWritable: Bool { connection.context?.channel.isWritable ?? true }

    func whenWritable(_ resume: @escaping () -> Void) { connection.whenWritable = resume }

    func part(_ part: ByteBuffer, of invocation: Invocation) {
        beginIfNeeded(invocation)
        send("PayloadChunk", part)
    }

    func ended(_ result: InvocationResult, of invocation: Invocation, logTail: String?) {
        switch result {
        case .response(let payload):
            beginIfNeeded(invocation)
            if payload.readableBytes > 0 { send("PayloadChunk", payload) }
            complete(errorCode: nil, details: nil, logTail: logTail)
        case .functionError(let payload):
            beginIfNeeded(invocation)
            complete(errorCode: "Unhandled", details: String(buffer: payload), logTail: logTail)
        case .throttled(let throttle):
            connection.respond(InvokeErrors.throttled(throttle))
        case .failed(let error):
            connection.respond(error)
        }
    }

    private func beginIfNeeded(_ invocation: Invocation) {
        guard !connection.hasBegunStream else { return }
        connection.beginStream(
            status: 200,
            fields: [
                ("Content-Type", "application/vnd.amazon.eventstream"),
                ("X-Amz-Executed-Version", invocation.function.key.version.description),
                ("X-Amzn-Trace-Id", invocation.traceHeader),
            ])
    }

    private func send(_ event: String, _ payload: ByteBuffer) {
        var frame = ByteBuffer()
        EventStream.write(event: event, payload: payload, to: &frame)
        connection.streamPart(frame)
    }

    private func complete(errorCode: String?, details: String?, logTail: String?) {
        let members = [("ErrorCode", errorCode), ("ErrorDetails", details), ("LogResult", logTail.map(Base64.encode))]
            .compactMap { name, value in value.map { "\"\(name)\":\(JSONMembers.quoted($0))" } }
        send("InvokeComplete", ByteBuffer(string: "{\(members.joined(separator: ","))}"))
        connection.endStream()
    }
}

/// The errors of the invoke operations.
enum InvokeErrors {
    static func throttled(_ throttle: Throttle) -> ServiceError {
        ServiceError(
            "TooManyRequestsException", status: 429, message: throttle.message,
            members: ["Reason": throttle.reason], headers: ["Retry-After": "1"])
    }

    static func notFound(_ arn: String) -> ServiceError {
        ServiceError("ResourceNotFoundException", status: 404, message: "Function not found: \(arn)")
    }

    static func parameter(_ message: String) -> ServiceError {
        ServiceError("InvalidParameterValueException", status: 400, message: message)
    }

    static func validation(_ member: String, _ rule: String) -> ServiceError {
        ServiceError(
            "ValidationException", status: 400,
            message: "1 validation error detected: Value at '\(member)' failed to satisfy constraint: \(rule)")
    }
}
