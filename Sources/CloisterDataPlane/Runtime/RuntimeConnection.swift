import CloisterCore
import CloisterWire
import NIOCore

/// One HTTP connection from inside an environment: the Runtime API (2018-06-01). The peer is hostile; which
/// environment it is follows from the listener that it came in by.
final class RuntimeConnection: ChannelInboundHandler, ChannelOutboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// The runtime client puts an X-Ray cause of up to 1 MB into a header.
    static let headBytesMax = (1 << 20) + (64 << 10)
    /// What is read and thrown away of an answer that is too large, so that the runtime can hear why.
    static let discardMax = 64 << 20

    private enum Exchange {
        case idle
        /// A body that doesn't matter, up to its end.
        case ignoring(thenRespond: @Sendable (inout ByteBuffer) -> Void)
        case response(RequestID, streamed: Bool)
        case error(RequestID)
        case initError
        /// Waits for an invocation.
        case next
    }

    /// Kept alive: connections may end after their environment.
    private let environment: ExecutionEnvironment
    private var parser: HTTPRequestParser
    private var inbound = ByteBuffer()
    private var exchange = Exchange.idle
    private var head: HTTPHead?
    private var body = ByteBuffer()
    private var bodyBytes = 0
    private var isTooLarge = false
    private var isReadPending = false
    private var context: ChannelHandlerContext?

    init(environment: ExecutionEnvironment) {
        self.environment = environment
        var limits = HTTPRequestParser.Limits(bodyBytesMax: PayloadLimits.streamedResponseMax)
        limits.headBytesMax = RuntimeConnection.headBytesMax
        self.parser = HTTPRequestParser(limits: limits)
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func channelActive(context: ChannelHandlerContext) {
        if !environment.opened(self) { context.close(promise: nil) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.context = nil
        breakOff()
        environment.closed(self)
    }

    /// A response that ends with its connection instead of its end: the invoker needn't wait for the timeout.
    private func breakOff() {
        environment.collecting.remove(ObjectIdentifier(self))
        guard case .response(let id, _) = exchange, environment.machine.responseEnded(id) else { return }
        exchange = .idle
        let payload = isTooLarge ? FunctionErrors.responseTooLarge() : FunctionErrors.truncated(id)
        let type = isTooLarge ? "Function.ResponseSizeTooLarge" : "Runtime.TruncatedResponse"
        environment.answered(.functionError(payload), failure: "error", errorType: type) {}
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            resumeReading()
            process()
        }
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func close() { context?.close(promise: nil) }

    // MARK: Reading

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if inbound.readableBytes == 0 { inbound = bytes } else { inbound.writeBuffer(&bytes) }
        process()
        // The channel can use its buffer again only once nobody else holds it.
        if inbound.readableBytes == 0 { inbound = ByteBuffer() }
    }

    /// While the client of a streamed response is slow, or the runtime sends ahead, nothing more is read.
    func read(context: ChannelHandlerContext) {
        guard !mayRead else { return context.read() }
        isReadPending = true
        // Ourselves unwritable: `channelWritabilityChanged` says when to go on.
        guard context.channel.isWritable else { return }
        environment.invocation?.sink.whenWritable { [weak self] in self?.resumeReading() }
    }

    private var mayRead: Bool {
        // Whoever doesn't read its answers isn't read from.
        guard context?.channel.isWritable == true else { return false }
        if case .next = exchange { return inbound.readableBytes < RuntimeConnection.headBytesMax }
        guard case .response(_, streamed: true) = exchange, let sink = environment.invocation?.sink else { return true }
        return sink.isWritable
    }

    /// The client can take more.
    func resumeReading() {
        guard isReadPending, mayRead else { return }
        isReadPending = false
        context?.read()
    }

    private func process() {
        do {
            while context?.channel.isWritable == true {
                // One exchange at a time: what was sent ahead waits for its turn.
                if case .next = exchange { return }
                guard let event = try parser.next(&inbound) else { return }
                switch event {
                case .head(let head): begin(head)
                case .body(let part): received(part)
                case .end: end()
                }
            }
        } catch {
            let error = error as HTTPError
            respond(status: error.status, type: "InvalidRequest", message: error.message, isLast: true)
        }
    }

    private func begin(_ head: HTTPHead) {
        self.head = head
        body = ByteBuffer()
        bodyBytes = 0
        isTooLarge = false
        if head.expectsContinue { write(ByteBuffer(string: "HTTP/1.1 100 Continue\r\n\r\n")) }
        switch RuntimeRoute(head) {
        case .next: exchange = .ignoring { _ in }
        case .variables: exchange = variables()
        case .response(let id): beginResponse(id, head)
        // What would be refused in the end is refused before its body is collected.
        case .error(let id): collectIfAllowed(.error(id)) { machine throws(EnvironmentStateMachine.ProtocolError) in try machine.errorReported(id) }
        case .initError:
            collectIfAllowed(.initError) { machine throws(EnvironmentStateMachine.ProtocolError) in
                _ = try machine.initErrorReported()
            }
        case .api: exchange = RuntimeConnection.refusal(403, "AccessDeniedException", RuntimeConnection.noAPI)
        case .unknown: exchange = RuntimeConnection.unknown
        }
    }

    /// One process is told, once; whoever asks later learns nothing.
    private func variables() -> Exchange {
        guard let variables = environment.takeVariables() else { return RuntimeConnection.unknown }
        let body = "[" + variables.map(JSONMembers.quoted).joined(separator: ",") + "]"
        return .ignoring { buffer in
            buffer.writeResponseHead(status: 200, contentLength: body.utf8.count, isKeepAlive: true) { head in
                head.writeStaticString("Content-Type: application/json\r\n")
            }
            buffer.writeString(body)
        }
    }

    private static var unknown: Exchange { refusal(404, "ResourceNotFound", "No such call in the Runtime API.") }

    private static let noAPI =
        "This connection speaks the Runtime API; AWS APIs take a connection of their own."

    /// `event` is tried on a copy of the state. One connection at a time may make the platform keep a body.
    private func collectIfAllowed(
        _ wanted: Exchange, _ event: (inout EnvironmentStateMachine) throws(EnvironmentStateMachine.ProtocolError) -> Void
    ) {
        var copy = environment.machine
        do {
            try event(&copy)
        } catch {
            exchange = RuntimeConnection.refusal(error.status, error.errorType, error.message)
            return
        }
        guard environment.collecting.isEmpty else {
            exchange = RuntimeConnection.refusal(
                403, "InvalidStateTransition", "Another connection is reporting for this environment.")
            return
        }
        environment.collecting.insert(ObjectIdentifier(self))
        exchange = wanted
    }

    private func beginResponse(_ id: RequestID, _ head: HTTPHead) {
        let mode = head.first("lambda-runtime-function-response-mode")
        if let mode, mode.lowercased() != "streaming" {
            exchange = RuntimeConnection.refusal(
                400, "InvalidFunctionResponseMode", "Invalid function response mode: only streaming is known.")
            return
        }
        do {
            try environment.machine.responseBegan(id)
            exchange = .response(id, streamed: mode != nil)
        } catch {
            exchange = RuntimeConnection.refusal(error.status, error.errorType, error.message)
        }
    }

    private func received(_ part: ByteBuffer) {
        bodyBytes += part.readableBytes
        switch exchange {
        case .ignoring, .idle, .next:
            if bodyBytes > RuntimeConnection.discardMax { close() }
        case .response(let id, streamed: true) where environment.invocation?.sink.takesParts == true:
            if bodyBytes > PayloadLimits.streamedResponseMax {
                isTooLarge = true
                close()
            } else {
                forward(part, of: id)
            }
        case .response, .error, .initError:
            collect(part)
        }
    }

    private func forward(_ part: ByteBuffer, of id: RequestID) {
        guard let invocation = environment.invocation, invocation.requestID == id else { return }
        invocation.sink.part(part, of: invocation)
    }

    private func collect(_ part: ByteBuffer) {
        if bodyBytes > PayloadLimits.responseMax {
            isTooLarge = true
            body = ByteBuffer()
            if bodyBytes > RuntimeConnection.discardMax { close() }
        } else if body.readableBytes == 0, part.readableBytes >= FrontConnection.copiedBytesMax {
            body = part
        } else {
            body.writeImmutableBuffer(part)
        }
    }

    // MARK: Ends of calls

    private func end() {
        guard let head else { return }
        let ended = exchange
        exchange = .idle
        environment.collecting.remove(ObjectIdentifier(self))
        self.head = nil
        switch ended {
        case .idle, .next: break
        case .ignoring(let respond):
            if RuntimeRoute(head) == .next { return beginNext() }
            var buffer = ByteBuffer()
            respond(&buffer)
            write(buffer)
        case .response(let id, let streamed): endResponse(id, streamed: streamed)
        case .error(let id): endError(id)
        case .initError: endInitError(head)
        }
        body = ByteBuffer()
    }

    private func beginNext() {
        do {
            exchange = .next
            try environment.next(on: self)
        } catch {
            exchange = .idle
            respond(status: error.status, type: error.errorType, message: error.message)
        }
    }

    private func endResponse(_ id: RequestID, streamed: Bool) {
        guard environment.machine.responseEnded(id) else {
            return respond(status: 400, type: "InvalidRequestID", message: "Invalid request ID")
        }
        if isTooLarge {
            let payload = FunctionErrors.responseTooLarge()
            environment.answered(.functionError(payload), failure: "error", errorType: "Function.ResponseSizeTooLarge") {
                respond(
                    status: 413, type: "RequestEntityTooLarge",
                    message: "Exceeded maximum allowed payload size (\(PayloadLimits.responseMax) bytes).")
            }
        } else if streamed, let failure = streamFailure() {
            environment.answered(.functionError(failure.payload), failure: "error", errorType: failure.type) { accept() }
        } else {
            environment.answered(.response(body)) { accept() }
        }
    }

    /// A streamed response that failed on the way says so in its trailers.
    private func streamFailure() -> (payload: ByteBuffer, type: String)? {
        let trailers = parser.trailers
        guard let type = trailers.first(where: { $0.name == "lambda-runtime-function-error-type" })?.value else {
            return nil
        }
        let encoded = trailers.first { $0.name == "lambda-runtime-function-error-body" }?.value ?? ""
        let payload = Base64.decode(encoded).map { ByteBuffer(bytes: $0) }
        return (payload ?? FunctionErrors.object(ErrorType.sanitized(type), ""), ErrorType.sanitized(type))
    }

    private func endError(_ id: RequestID) {
        do {
            try environment.machine.errorReported(id)
        } catch {
            return respond(status: error.status, type: error.errorType, message: error.message)
        }
        let type = ErrorType.of(payload: body) ?? "Function.Unknown"
        let payload = isTooLarge ? FunctionErrors.responseTooLarge() : body
        environment.answered(.functionError(payload), failure: "error", errorType: type) { accept() }
    }

    private func endInitError(_ head: HTTPHead) {
        let header = head.first("lambda-runtime-function-error-type").map { ErrorType.sanitized($0) }
        let type = ErrorType.of(payload: body) ?? header ?? "Runtime.Unknown"
        let payload = isTooLarge ? FunctionErrors.responseTooLarge() : body
        do {
            try environment.initFailed(payload, errorType: type) { accept() }
        } catch {
            respond(status: error.status, type: error.errorType, message: error.message)
        }
    }

    // MARK: Writing

    /// Answers the call for the next invocation, which has been waiting.
    func deliver(_ invocation: Invocation) {
        var buffer = ByteBufferAllocator().buffer(
            capacity: 640 + (invocation.clientContext?.utf8.count ?? 0) + invocation.payload.readableBytes)
        buffer.writeStaticString("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
        buffer.writeField("Lambda-Runtime-Aws-Request-Id", invocation.requestID.rawValue)
        let deadline = Clock.wallMilliseconds() + Int64(invocation.function.timeoutSeconds) * 1_000
        buffer.writeField("Lambda-Runtime-Deadline-Ms", String(deadline))
        buffer.writeField("Lambda-Runtime-Invoked-Function-Arn", invocation.invokedARN)
        buffer.writeField("Lambda-Runtime-Trace-Id", invocation.traceHeader)
        if let tenant = invocation.tenant { buffer.writeField("Lambda-Runtime-Aws-Tenant-Id", tenant.rawValue) }
        if let context = invocation.clientContext { buffer.writeField("Lambda-Runtime-Client-Context", context) }
        buffer.writeStaticString("Content-Length: ")
        buffer.writeString(String(invocation.payload.readableBytes))
        buffer.writeStaticString("\r\n\r\n")
        buffer.writeImmutableBuffer(invocation.payload)
        exchange = .idle
        write(buffer)
        // Something may have been sent ahead; not on this stack, since the invocation is only about to begin.
        if inbound.readableBytes > 0 { context?.eventLoop.assumeIsolated().execute { self.process() } }
    }

    private func accept() {
        write(ByteBuffer(staticString: RuntimeConnection.accepted))
    }

    private static let accepted: StaticString =
        "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{\"status\":\"OK\"}\n"

    private func respond(status: Int, type: String, message: String, isLast: Bool = false) {
        var buffer = ByteBuffer()
        RuntimeConnection.writeError(status, type, message, isLast: isLast, to: &buffer)
        write(buffer)
        if isLast { close() }
    }

    private static func refusal(_ status: Int, _ type: String, _ message: String) -> Exchange {
        .ignoring { writeError(status, type, message, isLast: false, to: &$0) }
    }

    /// The stock client crashes on an answer without `Content-Type`, so there always is one.
    private static func writeError(
        _ status: Int, _ type: String, _ message: String, isLast: Bool, to buffer: inout ByteBuffer
    ) {
        let body = "{\"errorMessage\":\(JSONMembers.quoted(message)),\"errorType\":\(JSONMembers.quoted(type))}"
        buffer.writeResponseHead(status: status, contentLength: body.utf8.count, isKeepAlive: !isLast) { head in
            head.writeStaticString("Content-Type: application/json\r\n")
            head.writeField("x-amzn-ErrorType", type)
        }
        buffer.writeString(body)
    }

    private func write(_ buffer: ByteBuffer) {
        guard buffer.readableBytes > 0 else { return }
        context?.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
    }
}
