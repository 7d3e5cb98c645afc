import CloisterIsolation
import Testing

@Suite struct AgentMessageTests {
    @Test func startCarriesArgumentsAndVariables() {
        let message = AgentMessage.start(arguments: ["/a", "b"], environment: ["X=1"])
        let expected: [UInt8] =
            [1, 13, 0, 0, 0] + [2, 0, 1, 0] + Array("/a".utf8) + [0] + Array("b".utf8) + [0] + Array("X=1".utf8) + [0]
        #expect(message.encoded() == expected)
    }

    @Test func argumentsWithAZeroByteOrTooLargeAreRefused() {
        #expect(AgentMessage.start(arguments: ["a\0b"], environment: []).encoded() == nil)
        let large = String(repeating: "x", count: AgentMessage.payloadBytesMax)
        #expect(AgentMessage.start(arguments: [large], environment: []).encoded() == nil)
        #expect(AgentMessage.start(arguments: Array(repeating: "", count: 65_536), environment: []).encoded() == nil)
    }

    @Test func agentMessagesSurviveTheTripInAnyPieces() throws {
        let messages: [AgentMessage] = [
            .ready, .exited(waitStatus: -1), .exited(waitStatus: 9), .stopped, .startFailed(errno: 2),
        ]
        let bytes = messages.flatMap { $0.encoded() ?? [] }
        for piece in 1...bytes.count {
            var decoder = AgentMessageDecoder()
            var decoded: [AgentMessage] = []
            for start in stride(from: 0, to: bytes.count, by: piece) {
                decoded += try decoder.decode(bytes[start..<min(start + piece, bytes.count)])
            }
            #expect(decoded == messages)
        }
    }

    @Test(arguments: [
        [1, 0, 0, 0, 0],  // An order, from the agent.
        [2, 0, 0, 0, 0], [0, 0, 0, 0, 0], [255, 0, 0, 0, 0],
        [129, 4, 0, 0, 0, 0, 0, 0, 0],  // A payload where none belongs.
        [130, 0, 0, 0, 0],  // None where one belongs.
        [130, 5, 0, 0, 0], [130, 255, 255, 255, 255], [129, 0, 0, 0, 128], [129, 1, 0, 0, 0, 7],
    ] as [[UInt8]])
    func hostileFramesAreRefused(_ bytes: [UInt8]) {
        var decoder = AgentMessageDecoder()
        #expect(throws: AgentMessageDecoder.Malformed.self) { try decoder.decode(bytes) }
    }

    @Test func randomBytesNeverTrap() {
        var random = SeededRandom(state: 7)
        for _ in 0..<2000 {
            var decoder = AgentMessageDecoder()
            let bytes = (0..<Int(random.next() % 40)).map { _ in UInt8(truncatingIfNeeded: random.next() >> 13) }
            _ = try? decoder.decode(bytes)
        }
    }
}

struct SeededRandom: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ (state >> 29)
    }
}
