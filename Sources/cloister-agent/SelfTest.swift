import CCloisterLinux

/// What the platform's self-test has the agent run in place of a runtime: proves that code runs here and that the
/// runtime listener and the output pipe reach the platform.
func runSelfTest() -> Int32 {
    let text: StaticString = "cloister self-test\n"
    return text.withUTF8Buffer { bytes in
        bytes.withMemoryRebound(to: CChar.self) { cloister_agent_probe(9001, $0.baseAddress, $0.count) }
    }
}
