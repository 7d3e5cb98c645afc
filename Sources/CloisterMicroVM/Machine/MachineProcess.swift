import CCloisterLinux
import CloisterIsolation
import CloisterOCI
import Glibc

/// Starts a virtual machine's monitor where it can do the host no harm: a file system that holds the system's programs and
/// the machine's files alone, read-only but for its own folder; namespaces, a user and cgroups of its own; no capability.
struct MachineProcess {
    /// A file or folder of the host, and where the monitor sees it.
    struct Bind {
        var source: String
        var place: String
        var isFile = true
    }

    var arguments: [String]
    var binds: [Bind]
    var user: UInt32
    var channel: Int32
    var control: Int32
    var complaints: Int32
    /// Become descriptors 3 and so on.
    var extraDescriptors: [Int32] = []
    var cgroups: SandboxCgroup.Entrances

    /// What every monitor needs of the host: itself, its libraries and firmware.
    private static let system = [
        Bind(source: "/usr", place: "/usr", isFile: false), Bind(source: "/lib", place: "/lib", isFile: false),
        Bind(source: "/lib64", place: "/lib64", isFile: false),
    ]
    private static let environment = ["PATH=/usr/bin", "LC_ALL=C"]

    /// Its process id; the caller reaps it.
    func start() throws(IsolationError) -> pid_t {
        var pid: pid_t = 0
        var descriptor: Int32 = -1
        var step: Int32 = 0
        let error = withRequest { cloister_spawn($0, &pid, &descriptor, &step) }
        guard error == 0 else {
            let isShortage = [EAGAIN, ENOMEM, EMFILE, ENFILE, ENOSPC].contains(error)
            throw IsolationError(
                isShortage ? .exhausted : .startFailed, "\(arguments[0]): step \(step): \(errorText(error))")
        }
        close(descriptor)
        return pid
    }

    private func withRequest(_ body: (UnsafePointer<cloister_spawn_request>) -> Int32) -> Int32 {
        let texts = CStrings()
        let argv = texts.array(arguments)
        let envp = texts.array(MachineProcess.environment)
        let staged = (MachineProcess.system + binds).map {
            cloister_bind(
                source: texts.text($0.source), mount: -1, target: texts.text(StagedBind.stage + $0.place),
                is_file: $0.isFile ? 1 : 0, own_inodes: 0)
        }
        defer { withExtendedLifetime(texts) {} }
        return argv.withUnsafeBufferPointer { argv in
            envp.withUnsafeBufferPointer { envp in
                staged.withUnsafeBufferPointer { staged in
                    cgroups.tasks.withUnsafeBufferPointer { tasks in
                        extraDescriptors.withUnsafeBufferPointer { extra in
                            var confinement = cloister_confinement(
                                user: user, extra_descriptors: extra.baseAddress, extra_count: extra.count,
                                memory_lock_bytes: 0)
                            return withUnsafePointer(to: &confinement) { confinement in
                                var request = cloister_spawn_request(
                                    program: argv[0], arguments: argv.baseAddress, environment: envp.baseAddress,
                                    descriptors: (channel, control, complaints), cgroups: tasks.baseAddress,
                                    cgroup_count: tasks.count, unified_cgroup: cgroups.unified, private_mounts: 1,
                                    hidden: nil, stage: texts.text(StagedBind.stage), binds: staged.baseAddress,
                                    bind_count: staged.count, confinement: confinement)
                                return body(&request)
                            }
                        }
                    }
                }
            }
        }
    }
}
