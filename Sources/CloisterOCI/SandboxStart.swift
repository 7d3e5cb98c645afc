import CCloisterLinux
import CloisterCore
import CloisterIsolation
import Glibc

/// Makes one sandbox, step by step; whatever fails, what was made before is undone.
struct SandboxStart {
    static let runtimePort: UInt16 = 9001
    static let backlog: Int32 = 128
    private static let timeoutMilliseconds: Int32 = 30_000

    let backend: OCIBackend
    let configuration: SandboxConfiguration
    /// Whether the code comes later: then nothing is mounted for it.
    var isBlank = false

    var directory: String { backend.directory + "/sandboxes/" + configuration.id.rawValue }

    func run() throws(IsolationError) -> OCISandbox {
        try check()
        guard mkdir(directory, 0o700) == 0 else {
            throw IsolationError(.startFailed, "\(directory): \(errorText(errno))")
        }
        let user: UInt32
        do throws(IsolationError) { user = try backend.users.take() } catch {
            rmdir(directory)
            throw error
        }
        let teardown = SandboxTeardown(
            cgroup: backend.parent.group(configuration.id.rawValue), directory: directory, user: user,
            users: backend.users)
        do throws(IsolationError) {
            if isBlank { try SandboxSlot(directory: directory).make() }
            return try build(in: directory, user: user, teardown: teardown)
        } catch {
            try? teardown.run()  // The first error says more; leftovers are found at the next start.
            throw error
        }
    }

    private func check() throws(IsolationError) {
        let id = configuration.id.rawValue.utf8
        let isSafe = id.allSatisfy { isDigit($0) || isLetter($0) }
        guard isSafe, (1...64).contains(id.count) else { throw IsolationError(.startFailed, "unfit sandbox id") }
        guard (1...1 << 20).contains(configuration.memoryMiB), (1...1 << 20).contains(configuration.ephemeralStorageMiB)
        else { throw IsolationError(.startFailed, "unfit memory or storage size") }
    }

    private func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
    private func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }

    private func build(
        in directory: String, user: UInt32, teardown: SandboxTeardown
    ) throws(IsolationError) -> OCISandbox {
        let limits = backend.limits(
            memoryMiB: configuration.memoryMiB, ephemeralStorageMiB: configuration.ephemeralStorageMiB)
        try teardown.cgroup.create(limits)
        let freezer = try teardown.cgroup.openFreezer()
        var descriptors = OpenDescriptors([freezer.descriptor])
        do throws(IsolationError) {
            let ends = try SandboxEnds(&descriptors)
            try launch(in: directory, user: user, ends: ends, teardown: teardown)
            descriptors.closeTheirs(ends)
            let pid = KernelFile.readInteger(directory + "/pid") ?? 0
            return OCISandbox(
                configuration, level: backend.level, channels: ends.channels, processID: Int32(truncatingIfNeeded: pid),
                limits: limits, freezer: freezer, teardown: teardown, work: backend.work)
        } catch {
            descriptors.closeAll()
            throw error
        }
    }

    private func launch(
        in directory: String, user: UInt32, ends: SandboxEnds, teardown: SandboxTeardown
    ) throws(IsolationError) {
        let disk = try disk(user: user, teardown: teardown)
        // When the runtime has it, or failed, our hold on the mount itself ends.
        defer { disk?.wasMoved() }
        let binds = StagedBind.all(
            configuration, slot: isBlank ? SandboxSlot(directory: directory) : nil, agent: backend.agent,
            disk: disk?.unplacedMount, hasOwnInodes: backend.runtime == .crun)
        let specification = SandboxSpecification(
            runtime: backend.runtime, ephemeralStorageMiB: configuration.ephemeralStorageMiB,
            networkNamespace: "/proc/\(getpid())/fd/\(ends.network)", hostUser: user, binds: binds)
        let error = KernelFile.create(directory + "/config.json", mode: 0o600, try specification.encoded())
        guard error == 0 else { throw IsolationError(.startFailed, "\(directory)/config.json: \(errorText(error))") }
        let entrances = try teardown.cgroup.openEntrances()
        defer { entrances.closeAll() }
        let program = RuntimeProgram(
            arguments: backend.runtime.arguments(
                program: backend.executable, directory: directory, id: configuration.id.rawValue),
            standardInput: ends.agentTheirs, output: ends.outputTheirs, cgroups: entrances, binds: binds,
            hiddenMount: hiddenMount)
        let status = try program.run(timeoutMilliseconds: SandboxStart.timeoutMilliseconds)
        teardown.adopt(teardown.cgroup.processes())
        guard status == 0 else {
            let text = readAvailable(ends.channels.output).prefix(600)
            throw IsolationError(.startFailed, "\(backend.runtime.rawValue) failed (status \(status)): \(text)")
        }
    }

    /// Nil where this host has no disks to give; then files in `/tmp` are memory.
    private func disk(user: UInt32, teardown: SandboxTeardown) throws(IsolationError) -> ScratchDisk? {
        guard let disks = backend.disks else { return nil }
        let disk = try disks.take(configuration.ephemeralStorageMiB)
        teardown.own(disk)
        guard disk.setOwner(user + 1) else {
            throw IsolationError(.startFailed, "owner of the scratch disk: \(errorText(errno))")
        }
        return disk
    }

    /// crun refuses a host with both cgroup versions, even when it is told to leave cgroups alone.
    private var hiddenMount: String? {
        backend.runtime == .crun && backend.parent.layout.isLegacy ? backend.parent.layout.unified : nil
    }
}
