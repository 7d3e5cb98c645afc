import CloisterOCI

/// QEMU's arguments for one machine. Paths are those of QEMU's own file system, which holds nothing else.
struct QEMUCommandLine: Sendable {
    /// Where the machine's files are in QEMU's file system.
    enum Place {
        static let kernel = "/kernel"
        static let initialFiles = "/initrd"
        static let root = "/root"
        static let code = "/code"
        static let layers = "/layers"
        /// The machine's own folder, the only one that it may write to.
        static let own = "/own"
        static let temporary = own + "/tmp"
        static let memory = "/memory"
    }

    enum Memory: Equatable, Sendable {
        case ownMemory
        /// Backed by the file that is descriptor 3: written to (a snapshot will be taken), or copied on write (restored).
        case file(isShared: Bool)
    }

    /// Descriptors that QEMU starts with: 0 is the channel, 1 its control protocol, 2 where it complains.
    static let channelDescriptor = 0
    static let controlDescriptor = 1
    static let memoryDescriptor = 3

    var program: String
    var shape: MachineShape
    var hasLayers: Bool
    var counterKilohertz: UInt64
    var memory = Memory.ownMemory
    /// Waits for a snapshot instead of booting.
    var isRestored = false

    var arguments: [String] {
        [program, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]
            + ["-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"]
            + machine + kernel + channel + disks + (isRestored ? ["-incoming", "defer"] : [])
    }

    private var machine: [String] {
        let type = "microvm,pit=off,pic=off,x-option-roms=off,isa-serial=off"
            + (memory == .ownMemory ? "" : ",memory-backend=ram")
        let accelerator = shape.accelerator == .tcg ? "tcg,tb-size=\(MachineShape.translationMiB)" : "kvm"
        let cpu = shape.accelerator == .tcg ? "max" : "host"
        return ["-M", type, "-accel", accelerator, "-cpu", cpu, "-smp", "\(shape.cpus)", "-m", "\(shape.guestMiB)"] + backing
    }

    private var backing: [String] {
        guard case .file(let isShared) = memory else { return [] }
        return [
            "-object",
            "memory-backend-file,id=ram,size=\(shape.guestMiB)M,mem-path=/proc/self/fd/\(QEMUCommandLine.memoryDescriptor),"
                + "share=\(isShared ? "on" : "off")",
        ]
    }

    private var kernel: [String] {
        ["-kernel", Place.kernel, "-initrd", Place.initialFiles, "-append", kernelArguments.joined(separator: " ")]
    }

    /// What isn't the kernel's own becomes a variable of the agent's.
    private var kernelArguments: [String] {
        var arguments = ["quiet", "loglevel=0", "panic=-1"]
        // Without it a guest in software may hang while it measures a clock that the host interrupts.
        if shape.accelerator == .tcg { arguments.append("tsc_early_khz=\(counterKilohertz)") }
        arguments += [
            "CLOISTER_GUEST=1", "CLOISTER_MEMORY_BYTES=\(shape.runtimeBytes)",
            "CLOISTER_PROCESSES=\(SandboxLimits.processesMax)",
        ]
        if hasLayers { arguments.append("CLOISTER_LAYERS=1") }
        return arguments
    }

    private var channel: [String] {
        [
            "-chardev", "socket,id=channel,fd=\(QEMUCommandLine.channelDescriptor)",
            "-device", "virtio-serial-device", "-device", "virtserialport,chardev=channel,name=cloister",
            "-chardev", "socket,id=control,fd=\(QEMUCommandLine.controlDescriptor)", "-mon", "chardev=control,mode=control",
        ]
    }

    private var disks: [String] {
        disk("root", Place.root, isWritable: false) + disk("code", Place.code, isWritable: false)
            + (hasLayers ? disk("layers", Place.layers, isWritable: false) : [])
            + disk("tmp", Place.temporary, isWritable: true)
    }

    /// No locks: a lock on a file that several machines read would be a channel between them.
    private func disk(_ serial: String, _ path: String, isWritable: Bool) -> [String] {
        let mode = isWritable ? "cache=unsafe,discard=unmap" : "read-only=on"
        return [
            "-drive", "if=none,id=\(serial),file=\(path),format=raw,file.locking=off,\(mode)",
            "-device", "virtio-blk-device,drive=\(serial),serial=\(serial)",
        ]
    }
}
