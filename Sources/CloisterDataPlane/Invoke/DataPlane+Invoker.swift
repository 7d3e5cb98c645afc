import CloisterCore
import CloisterServiceKit
import NIOCore

/// The platform's own services invoke functions as a client would.
extension DataPlane: FunctionInvoker {
    public func invoke(
        functionARN: String, payload: [UInt8], for caller: Caller
    ) async throws(ServiceError) -> FunctionResult {
        let result: InvocationResult = await withCheckedContinuation { continuation in
            loop.execute { self.invoke(functionARN, payload, caller) { continuation.resume(returning: $0) } }
        }
        switch result {
        case .response(let body): return FunctionResult(payload: Array(body.readableBytesView))
        case .functionError(let body):
            return FunctionResult(payload: Array(body.readableBytesView), functionError: "Unhandled")
        case .throttled(let throttle): throw InvokeErrors.throttled(throttle)
        case .failed(let error): throw error
        }
    }

    /// `whenEnded` is called exactly once.
    private func invoke(
        _ arn: String, _ payload: [UInt8], _ caller: Caller, whenEnded: @escaping (InvocationResult) -> Void
    ) {
        do throws(ServiceError) {
            guard let reference = FunctionReference(arn) else { throw InvokeErrors.notFound(arn) }
            let key = FunctionKey(region: reference.region ?? caller.region, name: reference.name)
            let target = try resolve(key, qualifier: reference.qualifier)
            guard !target.function.isTenantIsolated else {
                throw InvokeErrors.parameter("A service of the platform can't invoke a function with tenant isolation.")
            }
            begin(
                Invocation(
                    number: nextInvocationNumber(), requestID: nextRequestID(), version: target.version,
                    invokedARN: target.arn, tenant: nil, payload: ByteBuffer(bytes: payload), clientContext: nil,
                    traceHeader: traceHeader(nil, isActive: target.function.isTracingActive), wantsLogTail: false,
                    sink: EventInvocationSink { result, _ in whenEnded(result) }, receivedAt: Clock.now()),
                pool: target.version.pool)
        } catch {
            whenEnded(.failed(error))
        }
    }
}
