import CloisterCore
import CloisterOCI

/// How large a virtual machine is, inside and on the host, for a function's memory size.
struct MachineShape: Equatable, Sendable {
    /// What the guest's kernel holds beside the runtime: itself, page tables, file system caches. Measured: of 320 MiB, 44
    /// are gone before the first process.
    private static let guestKernelMiB = 96
    /// The translator's cache, in software.
    static let translationMiB = 64
    private static let monitorMiB = 96
    private static let cpusMax = 6
    /// QEMU's own threads.
    private static let threadsMax = 128

    let memoryMiB: Int
    let accelerator: MicroVMAccelerator

    /// The machine's memory.
    var guestMiB: Int { memoryMiB + MachineShape.guestKernelMiB + memoryMiB / 32 }

    /// What the runtime's cgroup inside may hold: as at level `container`.
    var runtimeBytes: Int { SandboxLimits(memoryMiB: memoryMiB, level: .container).memoryBytes }

    /// One CPU for each 1,769 MiB. In software one: its time stamp counter is the host's, which a guest with several trusts
    /// less.
    var cpus: Int {
        guard accelerator == .kvm else { return 1 }
        return min(MachineShape.cpusMax, (memoryMiB + SandboxLimits.memoryMiBPerCPU - 1) / SandboxLimits.memoryMiBPerCPU)
    }

    /// The limits of the host's cgroup around the monitor.
    var hostLimits: SandboxLimits {
        var limits = SandboxLimits(memoryMiB: memoryMiB, level: .microvm)
        let software = accelerator == .tcg ? 2 * MachineShape.translationMiB : 0
        limits.memoryBytes = (guestMiB + MachineShape.monitorMiB + software) << 20
        limits.processes = MachineShape.threadsMax
        return limits
    }
}
