import CCloisterLinux
import CloisterCore
import CloisterIsolation
import CloisterOCI
import Glibc

/// Makes one machine, step by step; whatever fails, what was made before is undone.
struct MicroVMStart {
    /// What a machine begins with.
    enum Origin {
        case boot
        /// As `boot`, with memory that a snapshot can be taken of.
        case bootForSnapshot(memory: Int32)
        case snapshot(MicroVMSnapshot)
    }

    let backend: MicroVMBackend
    let configuration: SandboxConfiguration
    var origin = Origin.boot

    private var shape: MachineShape {
        MachineShape(memoryMiB: configuration.memoryMiB, accelerator: backend.accelerator)
    }

    func run() throws(IsolationError) -> MicroVMSandbox {
        try check()
        let directory = backend.directory + "/sandboxes/" + configuration.id.rawValue
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
    ) throws(IsolationError) -> MicroVMSandbox {
        try teardown.cgroup.create(shape.hostLimits)
        let freezer = try teardown.cgroup.openFreezer()
        var descriptors = MachineDescriptors()
        descriptors.add(freezer.descriptor)
        do throws(IsolationError) {
            let ends = try MachineEnds(directory: directory, &descriptors)
            let pid = try launch(in: directory, user: user, ends: ends, teardown: teardown)
            descriptors.close(ends.channelTheirs, ends.controlTheirs, ends.complaintsTheirs)
            let status = MachineStatus()
            let number = backend.relays.add(relayed(ends, status))
            let machine = RunningMachine(
                teardown: teardown, status: status, relays: backend.relays, number: number, freezer: freezer,
                control: ends.control, complaints: ends.complaints)
            return MicroVMSandbox(
                configuration, shape: shape, channels: ends.channels, processID: pid, machine: machine,
                snapshotMemory: snapshotMemory, work: backend.work)
        } catch {
            descriptors.closeAll()
            throw error
        }
    }

    private func relayed(_ ends: MachineEnds, _ status: MachineStatus) -> RelayedMachine {
        var restored: QuiescentChannel?
        if case .snapshot(let snapshot) = origin { restored = snapshot.channel }
        var relay = StreamRelay(restored?.multiplexer ?? StreamMultiplexer(side: .host), channel: ends.channel)
        relay.attach(StreamMultiplexer.agentStream, ends.agent)
        relay.attach(StreamMultiplexer.outputStream, ends.output, isReadable: false)
        return RelayedMachine(relay: relay, folder: ends.folder, status: status, restored: restored)
    }

    // MARK: Monitor

    private func launch(
        in directory: String, user: UInt32, ends: MachineEnds, teardown: SandboxTeardown
    ) throws(IsolationError) -> pid_t {
        let own = directory + "/own"
        guard mkdir(own, 0o700) == 0, chown(own, user, user) == 0 else {
            throw IsolationError(.startFailed, "\(own): \(errorText(errno))")
        }
        try makeTemporary(own + "/tmp", user: user)
        let entrances = try teardown.cgroup.openEntrances()
        defer { entrances.closeAll() }
        var binds = try imageBinds() + [.init(source: own, place: QEMUCommandLine.Place.own, isFile: false)]
        if backend.accelerator == .kvm { binds.append(try deviceBind(directory, user: user)) }
        let process = MachineProcess(
            arguments: commandLine.arguments, binds: binds, user: user, channel: ends.channelTheirs,
            control: ends.controlTheirs, complaints: ends.complaintsTheirs,
            extraDescriptors: memoryDescriptor.map { [$0] } ?? [], cgroups: entrances)
        let pid = try process.start()
        teardown.adopt([pid])
        if case .snapshot(let snapshot) = origin { try snapshot.load(through: ends.control) }
        return pid
    }

    private func makeTemporary(_ path: String, user: UInt32) throws(IsolationError) {
        guard case .snapshot(let snapshot) = origin else {
            return try backend.disks.make(path, mebibytes: configuration.ephemeralStorageMiB, user: user)
        }
        try snapshot.copyTemporary(to: path, user: user)
    }

    private func imageBinds() throws(IsolationError) -> [MachineProcess.Bind] {
        typealias Place = QEMUCommandLine.Place
        var binds: [MachineProcess.Bind] = [
            .init(source: backend.kernel.kernelPath, place: Place.kernel),
            .init(source: backend.initialFiles, place: Place.initialFiles),
            .init(source: try backend.images.image(ofRuntime: configuration.imageDirectory), place: Place.root),
            .init(source: try backend.images.image(of: configuration.codeDirectory), place: Place.code),
        ]
        if let layers = configuration.layersDirectory {
            binds.append(.init(source: try backend.images.image(of: layers), place: Place.layers))
        }
        return binds
    }

    /// A folder that holds the device as a file of the machine's user, as the host's may be root's alone.
    private func deviceBind(_ directory: String, user: UInt32) throws(IsolationError) -> MachineProcess.Bind {
        let device = directory + "/dev/kvm"
        var status = stat()
        guard stat(MicroVMAccelerator.kvmDevice, &status) == 0 else {
            throw IsolationError(.unavailable, "no \(MicroVMAccelerator.kvmDevice)")
        }
        guard mkdir(directory + "/dev", 0o755) == 0, mknod(device, S_IFCHR | 0o600, status.st_rdev) == 0,
            chown(device, user, user) == 0
        else { throw IsolationError(.startFailed, "\(device): \(errorText(errno))") }
        return .init(source: directory + "/dev", place: "/dev", isFile: false)
    }

    private var snapshotMemory: Int32? {
        if case .bootForSnapshot(let memory) = origin { return memory }
        return nil
    }

    private var memoryDescriptor: Int32? {
        switch origin {
        case .boot: nil
        case .bootForSnapshot(let memory): memory
        case .snapshot(let snapshot): snapshot.memory
        }
    }

    private var commandLine: QEMUCommandLine {
        var line = QEMUCommandLine(
            program: backend.program.path, shape: shape, hasLayers: configuration.layersDirectory != nil,
            counterKilohertz: backend.counterKilohertz)
        switch origin {
        case .boot: break
        case .bootForSnapshot: line.memory = .file(isShared: true)
        case .snapshot:
            line.memory = .file(isShared: false)
            line.isRestored = true
        }
        return line
    }
}
