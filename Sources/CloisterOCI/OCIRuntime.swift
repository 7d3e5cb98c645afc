import CloisterCore

/// The two programs that the backend drives.
public enum OCIRuntime: String, Sendable, CaseIterable {
    case crun
    case runsc

    public var level: IsolationLevel {
        switch self {
        case .crun: .container
        case .runsc: .gvisor
        }
    }

    /// What to install on Debian when the program is missing.
    public var installation: String {
        switch self {
        case .crun: "apt install crun"
        case .runsc: "apt install runsc (Debian 13; on Debian 12 from bookworm-backports)"
        }
    }

    func arguments(program: String, directory: String, id: String) -> [String] {
        let run = ["--bundle", directory, "--pid-file", directory + "/pid", id]
        switch self {
        case .crun:
            // cgroups are ours: crun neither makes nor needs any.
            return [program, "--cgroup-manager=disabled", "--root", directory + "/run", "run", "--detach"] + run
        case .runsc:
            // The network is the host kernel's, but the namespace is the sandbox's own and has only lo: the platform's
            // listener is in it.
            return [
                program, "--root", directory + "/run", "--ignore-cgroups", "--network=host", "--platform=systrap",
                "--overlay2=none", "--host-uds=none", "--file-access-mounts=exclusive", "run", "--detach",
            ] + run
        }
    }
}
