import CloisterCore
import CloisterServiceKit
import NIOCore

/// One invocation from its admission to its answer. Loop-confined.
final class Invocation {
    /// Its number in the scheduler.
    var number: InvocationNumber
    let requestID: RequestID
    let version: LoadedVersion
    var function: FunctionSnapshot { version.snapshot }
    /// With the qualifier that the caller used.
    let invokedARN: String
    let tenant: TenantID?
    let payload: ByteBuffer
    /// JSON on one line, as the runtime gets it.
    let clientContext: String?
    let traceHeader: String
    let wantsLogTail: Bool
    let sink: any InvocationSink
    let receivedAt: Moment
    var startedAt: Moment?
    /// Environments that it was handed to in vain.
    var deliveries = 0

    init(
        number: InvocationNumber, requestID: RequestID, version: LoadedVersion, invokedARN: String,
        tenant: TenantID?, payload: ByteBuffer, clientContext: String?, traceHeader: String, wantsLogTail: Bool,
        sink: any InvocationSink, receivedAt: Moment
    ) {
        self.number = number
        self.requestID = requestID
        self.version = version
        self.invokedARN = invokedARN
        self.tenant = tenant
        self.payload = payload
        self.clientContext = clientContext
        self.traceHeader = traceHeader
        self.wantsLogTail = wantsLogTail
        self.sink = sink
        self.receivedAt = receivedAt
    }
}

/// How an invocation ended.
enum InvocationResult {
    case response(ByteBuffer)
    /// `X-Amz-Function-Error: Unhandled`; the payload is the error object.
    case functionError(ByteBuffer)
    case throttled(Throttle)
    case failed(ServiceError)
}

/// Where an invocation's answer goes. Called on the data plane's loop; `ended` exactly once.
protocol InvocationSink: AnyObject {
    /// Whether parts of a streamed response are wanted as they come; otherwise the whole is collected for `ended`.
    var takesParts: Bool { get }
    /// Whether more parts may be handed over now.
    var isWritable: Bool { get }
    /// `resume` is called once, when more parts may be handed over again.
    func whenWritable(_ resume: @escaping () -> Void)
    /// A part of a streamed response. Only if `takesParts`.
    func part(_ part: ByteBuffer, of invocation: Invocation)
    /// The end. After parts, `response` holds nothing more.
    func ended(_ result: InvocationResult, of invocation: Invocation, logTail: String?)
}

/// Lambda's limits on what goes in and out.
enum PayloadLimits {
    static let requestMax = 6_291_456
    static let eventMax = 1_048_576
    /// 6 MiB and 100 bytes, as the Runtime API has it.
    static let responseMax = 6_291_556
    static let streamedResponseMax = 200 << 20
    static let logTailMax = 4_096
}
