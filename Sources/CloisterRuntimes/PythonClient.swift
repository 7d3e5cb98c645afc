import Foundation

/// The official Python runtime client and what Lambda has preinstalled, in `/var/runtime`.
struct PythonClient {
    let version: String
    let root: ImageRoot

    private var interpreter: String { "/usr/bin/python\(version)" }
    private var runtime: String { root.path + RuntimeFiles.directory }

    /// Wheels for the image's interpreter, by digest; nothing is built or run.
    func pip(python: String, requirements: String) -> [String] {
        let tag = "cp" + version.filter { $0 != "." }
        var command = [
            python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--root-user-action=ignore",
            "--no-compile", "--no-deps", "--require-hashes", "--only-binary=:all:", "--target", runtime,
            "--python-version", version, "--implementation", "cp", "--abi", tag, "--abi", "abi3", "--abi", "none",
        ]
        for platform in ["manylinux2014", "manylinux_2_28"] {
            command += ["--platform", platform + "_" + Self.architecture]
        }
        return command + ["-r", requirements]
    }

    #if arch(arm64)
    private static let architecture = "aarch64"
    #else
    private static let architecture = "x86_64"
    #endif

    func addFiles() throws {
        // Command line programs of the libraries; a path through which functions could be misled.
        try FileTree.remove(runtime + "/bin")
        for (name, bytes) in RuntimeFiles.python { try root.write(bytes, to: RuntimeFiles.directory + "/" + name) }
        let header = "#!\(interpreter)\n"
        try root.write(
            header + "from cloister_bootstrap import start\n\nstart()\n", to: RuntimeFiles.bootstrap, mode: 0o755)
        try root.write(
            header + "from cloister_bootstrap import run\n\nrun()\n", to: RuntimeFiles.bootstrap + ".py", mode: 0o755)
        for name in ["python3", "python"] { try FileTree.link(root.path + "/usr/local/bin/" + name, to: interpreter) }
        for name in ["python\(version)", "python3", "python"] {
            try FileTree.link(root.path + "/var/lang/bin/" + name, to: interpreter)
        }
        // Debian's own extra module directories, empty here, and its crash reporter: each costs every start.
        let library = root.path + "/usr/lib/python\(version)"
        for path in [
            library + "/sitecustomize.py", root.path + "/etc/python\(version)",
            root.path + "/usr/local/lib/python\(version)", root.path + "/usr/lib/python3",
        ] {
            try FileTree.remove(path)
        }
        try removeCaches(library)
        try removeCaches(runtime)
    }

    /// In the image: bytecode that is used without a look at its source, so that neither times nor a read-only file
    /// system matter, and the bundle of the modules that every start needs.
    var compile: [[String]] {
        let chroot = ["chroot", root.path, "/usr/bin/env", "-i", "PYTHONHASHSEED=0", "PATH=/usr/bin"]
        let python = [interpreter, "-X", "utf8"]
        let bundle = "import sys; sys.path.insert(0, '\(RuntimeFiles.directory)'); import cloister_bundle; "
            + "cloister_bundle.write('\(RuntimeFiles.directory)')"
        return [
            chroot + python + [
                "-m", "compileall", "-q", "-f", "--invalidation-mode", "unchecked-hash", "/usr/lib/python\(version)",
                RuntimeFiles.directory,
            ],
            chroot + python + ["-c", bundle],
        ]
    }

    /// Versions of what was installed, by name.
    func libraries() -> [String: String] {
        let names = (try? FileTree.names(runtime)) ?? []
        let pairs = names.filter { $0.hasSuffix(".dist-info") }.compactMap { name -> (String, String)? in
            let parts = name.dropLast(".dist-info".count).split(separator: "-", maxSplits: 1).map(String.init)
            return parts.count == 2 ? (parts[0], parts[1]) : nil
        }
        return Dictionary(pairs) { first, _ in first }
    }

    private func removeCaches(_ path: String) throws {
        for name in try FileTree.names(path) {
            let inner = path + "/" + name
            var status = stat()
            guard lstat(inner, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { continue }
            if name == "__pycache__" { try FileTree.remove(inner) } else { try removeCaches(inner) }
        }
    }
}
