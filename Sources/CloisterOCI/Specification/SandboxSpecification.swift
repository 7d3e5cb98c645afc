import CloisterIsolation
import Foundation

/// Writes the one `config.json` that both runtimes get.
package struct SandboxSpecification {
    /// Where the agent is in every image; an empty file that the agent is bound onto.
    package static let agentPath = "/var/runtime/cloister-agent"
    /// As on Lambda: `sbx_user1051`.
    static let userID: UInt32 = 993
    static let groupID: UInt32 = 990
    static let openFilesMax: UInt64 = 1024
    static let hostname = "sandbox"

    var runtime: OCIRuntime
    var ephemeralStorageMiB: Int
    /// Host path of the network namespace.
    var networkNamespace: String
    /// The host user that the sandbox's user (and the next one that its user 0) is.
    var hostUser: UInt32
    var binds: [StagedBind]

    func encoded() throws(IsolationError) -> [UInt8] {
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = .withoutEscapingSlashes
            return Array(try encoder.encode(specification))
        } catch {
            throw IsolationError(.startFailed, "config.json: \(error)")
        }
    }

    private var specification: RuntimeSpecification {
        RuntimeSpecification(
            process: .init(
                user: .init(uid: SandboxSpecification.userID, gid: SandboxSpecification.groupID),
                args: [SandboxSpecification.agentPath], env: [], cwd: "/",
                rlimits: [.init("RLIMIT_NOFILE", SandboxSpecification.openFilesMax), .init("RLIMIT_CORE", 0)],
                // The host's own memory killer takes sandboxes before the server.
                oomScoreAdj: 500),
            root: .init(path: StagedBind.rootTarget), hostname: SandboxSpecification.hostname,
            mounts: mounts, linux: linux, annotations: annotations)
    }

    private var mounts: [RuntimeSpecification.Mount] {
        [
            .init(destination: "/proc", type: "proc", source: "proc", options: ["nosuid", "noexec", "nodev"]),
            .init(
                destination: "/dev", type: "tmpfs", source: "tmpfs",
                options: ["nosuid", "noexec", "strictatime", "mode=755", "size=64k"]),
            .init(
                destination: "/dev/shm", type: "tmpfs", source: "tmpfs",
                options: ["nosuid", "noexec", "nodev", "mode=1777", "size=4m"]),
        ]
            + (binds.contains { $0.destination == "/tmp" } ? [] : [temporaryFilesInMemory])
            + binds.filter { $0.target != StagedBind.rootTarget }.map {
                .init(
                    destination: $0.destination, type: "bind", source: $0.target,
                    options: ["bind", $0.isWritable ? "rw" : "ro", "nosuid", "nodev"])
            }
    }

    private var temporaryFilesInMemory: RuntimeSpecification.Mount {
        .init(
            destination: "/tmp", type: "tmpfs", source: "tmpfs",
            options: ["nosuid", "nodev", "mode=1777", "size=\(ephemeralStorageMiB)m"])
    }

    private var linux: RuntimeSpecification.Linux {
        .init(
            namespaces: ["pid", "mount", "ipc", "uts", "cgroup", "user"].map { .init(type: $0, path: nil) }
                + [.init(type: "network", path: networkNamespace)],
            uidMappings: mappings(SandboxSpecification.userID), gidMappings: mappings(SandboxSpecification.groupID),
            maskedPaths: [
                "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/key-users",
                "/proc/kallsyms", "/proc/kmsg", "/proc/latency_stats", "/proc/modules", "/proc/pagetypeinfo",
                "/proc/sched_debug", "/proc/scsi", "/proc/slabinfo", "/proc/softirqs", "/proc/timer_list",
                "/proc/timer_stats", "/proc/vmallocinfo", "/proc/zoneinfo", "/proc/cmdline", "/proc/config.gz",
            ],
            readonlyPaths: ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"])
    }

    private func mappings(_ insider: UInt32) -> [RuntimeSpecification.Mapping] {
        [.init(containerID: 0, hostID: hostUser + 1), .init(containerID: insider, hostID: hostUser)]
    }

    private var annotations: [String: String] {
        guard runtime == .crun else { return [:] }
        return ["run.oci.seccomp_bpf_data": Data(SeccompFilter.standard.bytes).base64EncodedString()]
    }
}

/// A host file or directory that is mounted below the stage of the runtime's private mount namespace and from there,
/// read-only unless it is the sandbox's own disk, into the sandbox.
package struct StagedBind: Sendable {
    /// Empty on the host; only inside the runtime's mount namespace is something mounted there.
    package static let stage = "/run/cloister-stage"
    static let rootTarget = stage + "/root"

    enum Source: Sendable {
        case path(String)
        /// A mount that has no place yet; it is moved to the target.
        case mount(Int32)
    }

    var source: Source
    var target: String
    var destination: String
    var isFile = false
    var isWritable = false
    /// Whether the files' locks and watches are this sandbox's alone. gVisor keeps its own anyway.
    var hasOwnInodes = false

    /// - Parameters:
    ///   - slot: where the code of a blank sandbox comes in.
    ///   - disk: the mount that becomes `/tmp`; nil: files in `/tmp` are memory.
    static func all(
        _ configuration: SandboxConfiguration, slot: SandboxSlot?, agent: String, disk: Int32?, hasOwnInodes: Bool
    ) -> [StagedBind] {
        func directory(_ source: String, _ name: String, _ destination: String) -> StagedBind {
            StagedBind(
                source: .path(source), target: "\(stage)/\(name)", destination: destination, hasOwnInodes: hasOwnInodes)
        }
        var binds = [
            StagedBind(
                source: .path(configuration.imageDirectory), target: rootTarget, destination: "/",
                hasOwnInodes: hasOwnInodes),
            StagedBind(
                source: .path(agent), target: stage + "/agent", destination: SandboxSpecification.agentPath, isFile: true),
        ]
        if slot == nil || !hasOwnInodes {
            // gVisor sees what is put into a directory later, but not what is mounted over it.
            binds.append(directory(slot?.code ?? configuration.codeDirectory, "task", "/var/task"))
        }
        if let layers = slot.map({ hasOwnInodes ? nil : $0.layers }) ?? configuration.layersDirectory {
            binds.append(directory(layers, "opt", "/opt"))
        }
        if let disk {
            binds.append(
                StagedBind(source: .mount(disk), target: stage + "/tmp", destination: "/tmp", isWritable: true))
        }
        return binds
    }
}
