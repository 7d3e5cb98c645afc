import CloisterCore

/// A sandbox's limits in the kernel's terms.
package struct SandboxLimits: Equatable, Sendable {
    /// One whole CPU's worth of memory on Lambda.
    package static let memoryMiBPerCPU = 1769
    package static let processesMax = 1024
    /// Short, so that a small function isn't stopped for long at a time.
    static let periodMicroseconds = 20_000

    package var memoryBytes: Int
    package var processes: Int
    var quotaMicroseconds: Int
    /// cgroup v1 shares; 1,024 = one CPU.
    var shares: Int

    /// - Parameter filesMiB: size of `/tmp` where its files are memory to the kernel: then the limit has room for them.
    package init(memoryMiB: Int, filesMiB: Int = 0, level: IsolationLevel) {
        memoryBytes = (memoryMiB + filesMiB + SandboxLimits.allowanceMiB(level)) << 20
        // gVisor's own threads count too.
        processes = level == .gvisor ? 2 * SandboxLimits.processesMax : SandboxLimits.processesMax
        // The share decides while CPUs are scarce; the quota only keeps a small function from taking more than one whole
        // CPU, and a large one from more than its memory earns, while they are not.
        quotaMicroseconds = SandboxLimits.periodMicroseconds * max(memoryMiB, SandboxLimits.memoryMiBPerCPU)
            / SandboxLimits.memoryMiBPerCPU
        shares = max(2, 1024 * memoryMiB / SandboxLimits.memoryMiBPerCPU)
    }

    /// What the sandbox itself needs: the runtime's start, the agent, gVisor's kernel (measured: 13 MiB beside an idle
    /// Python, 61 beside one with 100 threads, 20 child processes and 900 open files).
    package static func allowanceMiB(_ level: IsolationLevel) -> Int { level == .gvisor ? 64 : 16 }
}
