import NIOCore

/// The first on every connection that comes in by an environment's listener: what its first bytes say decides whether it
/// is for the Runtime API or for an AWS API. Either way it is known whom it comes from.
final class EntranceHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private static let runtimeStarts = ["GET /2018-06-01/", "POST /2018-06-01/"].map { Array($0.utf8) }

    private let environment: ExecutionEnvironment
    private var first = ByteBuffer()

    init(environment: ExecutionEnvironment) { self.environment = environment }

    func channelActive(context: ChannelHandlerContext) {
        if environment.entered() { return }
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        // Whoever takes the connection over says that it has ended.
        environment.left()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if first.readableBytes == 0 { first = bytes } else { first.writeBuffer(&bytes) }
        guard let isForRuntime = decide() else { return }
        if isForRuntime {
            handOver(to: RuntimeConnection(environment: environment), context)
        } else {
            handOver(to: environment.front(), context)
        }
    }

    /// Nil while both are possible.
    private func decide() -> Bool? {
        let view = first.readableBytesView
        for start in EntranceHandler.runtimeStarts where zip(view, start).allSatisfy({ $0 == $1 }) {
            return view.count >= start.count ? true : nil
        }
        return false
    }

    private func handOver(to handler: some ChannelInboundHandler, _ context: ChannelHandlerContext) {
        do {
            try context.pipeline.syncOperations.addHandler(handler, position: .after(self))
        } catch {
            return context.close(promise: nil)
        }
        let bytes = first
        first = ByteBuffer()
        // In this order: the new one is active before it reads, and alone before anything else comes.
        context.fireChannelActive()
        context.fireChannelRead(wrapInboundOut(bytes))
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
    }
}
