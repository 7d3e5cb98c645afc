import CloisterCore
import CloisterServiceKit
import CloisterWire
import Crypto
import NIOCore

/// One client connection: reads a request, verifies its signature, has it answered, then reads the next. Loop-confined.
final class FrontConnection: ChannelInboundHandler, ChannelOutboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// CreateFunction with a 50 MB zip in base64 is the largest request there is.
    static let bodyBytesMax = 72 << 20
    /// DynamoDB's largest request, and all others that function code may make.
    static let insideBodyBytesMax = 17 << 20
    /// Bytes that a client may send ahead of its turn.
    static let aheadBytesMax = 64 << 10
    /// Smaller parts are copied, so that they don't keep the channel's buffer.
    static let copiedBytesMax = 4 << 10
    static let requestTimeout = TimeSpan.seconds(60)
    static let idleTimeout = TimeSpan.seconds(360)
    static let lingerTime = TimeAmount.seconds(2)
    static let discardMax = 80 << 20

    /// A request whose head is in order.
    private struct Incoming {
        let head: HTTPHead
        /// Nil where signatures aren't demanded.
        let claim: DataPlane.Claim?
        let route: InvokeRoute?
        let limit: Int
        var hash = SHA256()
        var body = ByteBuffer()
        var bodyBytes = 0
    }

    let plane: DataPlane
    /// The environment whose own listener this connection came in by; nil for everybody's.
    private let origin: ExecutionEnvironment?
    /// Bytes of bodies that the origin is charged with.
    private var chargedBytes = 0
    /// The service that the request is for, once its head says so.
    private var serviceName: String?
    private var parser = HTTPRequestParser(limits: .init(bodyBytesMax: FrontConnection.bodyBytesMax))
    private var inbound = ByteBuffer()
    private var incoming: Incoming?
    /// An answer is being made; whatever else arrives waits.
    private(set) var isBusy = false
    private(set) var isKeepAlive = true
    private(set) var requestID = RequestID("")
    private(set) var hasBegunStream = false
    private(set) var context: ChannelHandlerContext?
    private var isReadPending = false
    /// The last answer of this connection is on its way.
    private var isClosing = false
    private var isHead = false
    private var discarded = 0
    private var lastProgress = Clock.now()
    private var streaming: Task<Void, Never>?
    /// Called once when a client that was too slow can take more.
    var whenWritable: (() -> Void)?

    init(plane: DataPlane, origin: ExecutionEnvironment? = nil) {
        self.plane = plane
        self.origin = origin
    }

    private var channel: CallChannel { origin.map { .environment($0.callerEnvironment) } ?? .front }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func channelActive(context: ChannelHandlerContext) {
        if !plane.opened(self) { context.close(promise: nil) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.context = nil
        discharge()
        origin?.left()
        streaming?.cancel()
        // Whoever waits for this client to read waits no longer.
        let resume = whenWritable
        whenWritable = nil
        resume?()
        plane.closed(self)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            let resume = whenWritable
            whenWritable = nil
            resume?()
            resumeReading()
        }
        context.fireChannelWritabilityChanged()
    }

    /// Whether the connection has outlived what an honest client needs.
    func isOverdue(now: Moment) -> Bool {
        if isBusy { return false }
        let isReading = incoming != nil || parser.isInRequest || inbound.readableBytes > 0
        return now - lastProgress > (isReading ? FrontConnection.requestTimeout : FrontConnection.idleTimeout)
    }

    func close() { context?.close(promise: nil) }

    // MARK: Reading

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if isClosing { return discard(bytes.readableBytes) }
        // A request has a fixed time in all, however its bytes trickle in.
        if !isBusy, incoming == nil, inbound.readableBytes == 0 { lastProgress = Clock.now() }
        if inbound.readableBytes == 0 { inbound = bytes } else { inbound.writeBuffer(&bytes) }
        process()
        // The channel can use its buffer again only once nobody else holds it.
        if inbound.readableBytes == 0 { inbound = ByteBuffer() }
    }

    func read(context: ChannelHandlerContext) {
        if mayRead { context.read() } else { isReadPending = true }
    }

    /// A client that sends ahead of its turn, or doesn't read its answers, isn't read from.
    private var mayRead: Bool {
        guard let channel = context?.channel, channel.isWritable || isClosing else { return false }
        return !isBusy || inbound.readableBytes <= FrontConnection.aheadBytesMax
    }

    private func resumeReading() {
        if isReadPending, mayRead {
            isReadPending = false
            context?.read()
        }
        // Not on this stack: a client that sends far ahead must not make it deep.
        guard inbound.readableBytes > 0, let loop = context?.eventLoop else { return }
        loop.assumeIsolated().execute { self.process() }
    }

    private func process() {
        do {
            while !isBusy, !isClosing, context?.channel.isWritable == true, let event = try parser.next(&inbound) {
                switch event {
                case .head(let head): begin(head)
                case .body(let part): received(part)
                case .end: end()
                }
            }
        } catch {
            let error = error as HTTPError
            isKeepAlive = false
            isHead = false
            requestID = plane.nextRequestID()
            let code = error.status == 413 ? "RequestTooLargeException" : "BadRequestException"
            refuse(ServiceError(code, status: error.status, message: error.message))
        }
    }

    private func begin(_ head: HTTPHead) {
        isKeepAlive = head.isKeepAlive
        isHead = head.isMethod("HEAD")
        requestID = plane.nextRequestID()
        let route = InvokeRoute(head)
        serviceName = nil
        do throws(ServiceError) {
            let channel = channel
            let pending = try plane.pendingSignature(head, channel)
            serviceName = pending?.scope.service
            let claim = try pending.map { (pending) throws(ServiceError) in try plane.claim(pending, channel) }
            if head.expectsContinue { write(ByteBuffer(string: "HTTP/1.1 100 Continue\r\n\r\n")) }
            let limit = claim == nil && plane.carriesToken(head) ? 0 : bodyLimit(head, route)
            incoming = Incoming(head: head, claim: claim, route: route, limit: limit)
        } catch {
            // Whoever has no key sends no body here.
            isKeepAlive = isKeepAlive && head.framing == .length(0)
            refuse(error)
        }
    }

    private func bodyLimit(_ head: HTTPHead, _ route: InvokeRoute?) -> Int {
        guard route != nil else {
            return origin == nil ? FrontConnection.bodyBytesMax : FrontConnection.insideBodyBytesMax
        }
        return head.first("x-amz-invocation-type") == "Event" ? PayloadLimits.eventMax : PayloadLimits.requestMax
    }

    private func received(_ part: ByteBuffer) {
        guard incoming != nil else { return }
        incoming?.bodyBytes += part.readableBytes
        if let origin {
            chargedBytes += part.readableBytes
            // What one environment makes the server hold is bounded in all, not only for each connection.
            guard origin.charge(part.readableBytes) else { return close() }
        }
        part.withUnsafeReadableBytes { incoming?.hash.update(bufferPointer: $0) }
        guard let limit = incoming?.limit, let bytes = incoming?.bodyBytes else { return }
        if bytes > limit {
            incoming?.body = ByteBuffer()
        } else if incoming?.body.readableBytes == 0, part.readableBytes >= FrontConnection.copiedBytesMax {
            incoming?.body = part
        } else {
            incoming?.body.writeImmutableBuffer(part)
        }
    }

    private func end() {
        guard let request = incoming else { return }
        incoming = nil
        isBusy = true
        do throws(ServiceError) {
            var body = request.body
            let caller = try authenticate(request, &body)
            guard request.bodyBytes <= request.limit else {
                throw FrontErrors.tooLarge(limit: request.limit, operation: "InvokeFunction")
            }
            if let route = request.route {
                try checkScope(request.claim?.pending)
                try plane.invoke(route, head: request.head, body: body, caller: caller, on: self)
            } else {
                try plane.serve(request.head, body: body, caller: caller, pending: request.claim?.pending, on: self)
            }
        } catch {
            respond(error)
        }
    }

    private func checkScope(_ pending: SigV4Verifier.Pending?) throws(ServiceError) {
        guard let service = pending?.scope.service, service != "lambda" else { return }
        throw ServiceError(
            "InvalidSignatureException", status: 403,
            message: "Credential should be scoped to correct service: 'lambda'.")
    }

    private func authenticate(_ request: Incoming, _ body: inout ByteBuffer) throws(ServiceError) -> Caller {
        guard let claim = request.claim else { return plane.anonymousCaller }
        let caller = try plane.verify(claim, bodyHash: request.hash.finalize())
        if claim.pending.isStreamingTrailer {
            guard let decoded = AWSChunked.decode(body, limit: request.limit) else {
                throw ServiceError("InvalidRequestContentException", status: 400, message: "The aws-chunked body is malformed.")
            }
            body = decoded
        }
        return caller
    }

    // MARK: Answering

    private func refuse(_ error: ServiceError) {
        isBusy = true
        respond(error)
    }

    func respond(_ error: ServiceError) {
        if let response = plane.refusal(error, of: serviceName, requestID) { return respond(response) }
        respond(status: error.status, fields: FrontErrors.fields(error), body: ByteBuffer(string: FrontErrors.body(error)))
    }

    func respond(status: Int, fields: [(name: String, value: String)], body: ByteBuffer) {
        respond(status: status, body: body) { head in
            for field in fields { head.writeField(field.name, field.value) }
        }
    }

    func respond(status: Int, body: ByteBuffer, fields: (inout ByteBuffer) -> Void) {
        guard context != nil else { return finished() }
        let isBodyInline = body.readableBytes < 4_096
        var buffer = ByteBufferAllocator().buffer(capacity: 512 + (isBodyInline ? body.readableBytes : 0))
        writeHead(status: status, contentLength: body.readableBytes, to: &buffer, fields: fields)
        if isHead || isBodyInline {
            if !isHead { buffer.writeImmutableBuffer(body) }
            finished(writing: buffer)
        } else {
            context?.write(wrapOutboundOut(buffer), promise: nil)
            finished(writing: body)
        }
    }

    private func writeHead(
        status: Int, contentLength: Int?, to buffer: inout ByteBuffer, fields: (inout ByteBuffer) -> Void
    ) {
        buffer.writeResponseHead(status: status, contentLength: contentLength, isKeepAlive: isKeepAlive) { head in
            head.writeField("x-amzn-RequestId", requestID.rawValue)
            head.writeField("Date", plane.httpDate)
            fields(&head)
        }
    }

    func respond(_ response: ServiceResponse) {
        guard let stream = response.stream else {
            return respond(status: response.status, fields: response.headers, body: ByteBuffer(bytes: response.body))
        }
        beginStream(status: response.status, fields: response.headers)
        streamPart(ByteBuffer(bytes: response.body))
        guard let channel = context?.channel else { return finished() }
        let connection = NIOLoopBound(self, eventLoop: channel.eventLoop)
        streaming = Task {
            for await part in stream {
                var buffer = ByteBuffer()
                buffer.writeChunk(ByteBuffer(bytes: part))
                // Waiting for the write is the back pressure.
                do { try await channel.writeAndFlush(buffer) } catch { break }
            }
            channel.eventLoop.execute { connection.value.endStream() }
        }
    }

    func beginStream(status: Int, fields: [(name: String, value: String)]) {
        hasBegunStream = true
        var buffer = ByteBuffer()
        writeHead(status: status, contentLength: nil, to: &buffer) { head in
            for field in fields { head.writeField(field.name, field.value) }
        }
        write(buffer)
    }

    func streamPart(_ part: ByteBuffer) {
        var buffer = ByteBuffer()
        buffer.writeChunk(part)
        write(buffer)
    }

    func endStream() {
        var buffer = ByteBuffer()
        buffer.writeLastChunk()
        finished(writing: buffer)
    }

    /// Writes the end of the answer, then turns to the next request or closes.
    private func finished(writing last: ByteBuffer) {
        if isKeepAlive || context == nil {
            write(last)
        } else {
            isClosing = true
            // Closing at once would drop what is still on its way out.
            context?.writeAndFlush(wrapOutboundOut(last)).assumeIsolated().whenComplete { _ in self.closeGently() }
        }
        finished()
    }

    private func finished() {
        isBusy = false
        discharge()
        hasBegunStream = false
        streaming = nil
        lastProgress = Clock.now()
        if !isClosing { resumeReading() }
    }

    /// The request's body is held no longer.
    private func discharge() {
        origin?.charge(-chargedBytes)
        chargedBytes = 0
    }

    /// Ends our side, then takes in what the client is still sending for a moment: closing on it would reset the
    /// connection, and the client might never see its answer.
    private func closeGently() {
        guard let context else { return }
        context.close(mode: .output, promise: nil)
        context.eventLoop.assumeIsolated().scheduleTask(in: FrontConnection.lingerTime) { self.close() }
    }

    private func discard(_ bytes: Int) {
        discarded += bytes
        if discarded > FrontConnection.discardMax { close() }
    }

    private func write(_ buffer: ByteBuffer) {
        guard buffer.readableBytes > 0 else { return }
        context?.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
    }
}
