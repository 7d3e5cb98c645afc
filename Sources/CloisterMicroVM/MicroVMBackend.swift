import CCloisterLinux
import CloisterCore
import CloisterIsolation
import CloisterOCI
import Glibc

/// Starts virtual machines with QEMU, one for each environment.
///
/// Thread-safe. Everything kept is in the state directory's folder `microvm`; one backend at a time.
public final class MicroVMBackend: IsolationBackend {
    public let level = IsolationLevel.microvm
    public let summary: String
    public let accelerator: MicroVMAccelerator

    let program: QEMUProgram
    let kernel: GuestKernel
    let directory: String
    /// The archive that the kernel unpacks first: its modules, the agent, the runtime's system call filter.
    let initialFiles: String
    let counterKilohertz: UInt64
    let parent: CgroupParent
    let users: HostUsers
    let images: ReadOnlyImages
    let disks: TemporaryDisks
    let relays: ChannelRelays
    let work = BlockingWork()
    private let lock: FileLock

    /// Blocks for some 100 ms, for seconds when the guest's kernel has to be made first.
    ///
    /// - Parameters:
    ///   - program: absolute path of QEMU; nil looks in the usual directories.
    ///   - stateDirectory: absolute.
    ///   - agentProgram: the static `cloister-agent`; copied, so that the file may be replaced later.
    public init(
        accelerator: MicroVMAccelerator, program: String? = nil, kernel: GuestKernel = GuestKernel(),
        stateDirectory: String, agentProgram: String
    ) throws(IsolationError) {
        guard geteuid() == 0 else { throw IsolationError(.unavailable, "machines need a server that runs as root") }
        self.accelerator = accelerator
        self.program = try QEMUProgram(path: program)
        self.kernel = kernel
        try kernel.prepare()
        let way = accelerator == .kvm ? "KVM" : "in software (TCG)"
        summary = "QEMU \(self.program.version), \(way), \(kernel.version ?? "")"
        directory = try StateDirectory.make(stateDirectory + "/" + IsolationLevel.microvm.rawValue)
        lock = try FileLock(directory + "/lock")
        initialFiles = try MicroVMBackend.makeInitialFiles(directory, kernel: kernel, agentProgram: agentProgram)
        counterKilohertz = cloister_counter_kilohertz()
        parent = CgroupParent(layout: .ofThisHost(), stateDirectory: directory)
        users = HostUsers(stateDirectory: directory)
        images = try ReadOnlyImages(directory: directory + "/images")
        disks = try TemporaryDisks(directory: directory + "/disks")
        relays = try ChannelRelays()
        try parent.create()
    }

    deinit { parent.remove() }

    private static func makeInitialFiles(
        _ directory: String, kernel: GuestKernel, agentProgram: String
    ) throws(IsolationError) -> String {
        let modules = try GuestKernel.bytes(of: kernel.modulesPath)
        var archive = CpioArchive()
        archive.addFile("init", permissions: 0o755, try GuestKernel.bytes(of: agentProgram))
        archive.addFile("filter", permissions: 0o444, SeccompFilter.standard.bytes)
        let path = directory + "/initrd"
        try GuestKernel.create(path, mode: 0o444, modules + archive.finished())
        return path
    }

    public func start(_ configuration: SandboxConfiguration) async throws(IsolationError) -> any Sandbox {
        try await work.run { [self] () throws(IsolationError) in
            try MicroVMStart(backend: self, configuration: configuration).run()
        }
    }

    public func destroyLeftovers() async throws(IsolationError) -> Int {
        try await work.run { [self] () throws(IsolationError) in
            let sandboxes = directory + "/sandboxes"
            let left = parent.groups().union(KernelFile.names(in: sandboxes))
            for id in left {
                let group = parent.group(id)
                try group.kill()
                try group.remove()
                KernelFile.removeTree(sandboxes + "/" + id)
            }
            return left.count
        }
    }
}
