import NIOCore

/// Feeds what the processes inside print to the environment's log, at a bounded rate: whoever prints more waits.
final class OutputHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    static let bytesPerWindow = 4 << 20
    static let window = TimeAmount.milliseconds(100)

    private let environment: ExecutionEnvironment
    private var bytesInWindow = 0

    init(environment: ExecutionEnvironment) { self.environment = environment }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        environment.output?.received(bytes.readableBytesView)
        bytesInWindow += bytes.readableBytes
        guard bytesInWindow > OutputHandler.bytesPerWindow else { return }
        bytesInWindow = 0
        let channel = context.channel
        channel.setOption(.autoRead, value: false).whenComplete { _ in
            channel.eventLoop.scheduleTask(in: OutputHandler.window) {
                _ = channel.setOption(.autoRead, value: true)
            }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

/// Feeds the agent's words to the environment, and their end.
final class AgentHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let environment: ExecutionEnvironment

    init(environment: ExecutionEnvironment) { self.environment = environment }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { environment.agentSaid(unwrapInboundIn(data)) }

    func channelInactive(context: ChannelHandlerContext) { environment.sandboxLost() }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
