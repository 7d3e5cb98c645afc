import NIOCore

/// Feeds the agent's words to the environment, and their end.
final class AgentHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let environment: ExecutionEnvironment

    init(environment: ExecutionEnvironment) { self.environment = environment }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { environment.agentSaid(unwrapInboundIn(data)) }

    func channelInactive(context: ChannelHandlerContext) { environment.sandboxLost() }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
