import CCloisterLinux
import CloisterIsolation
import Glibc

/// Where the code comes into a blank sandbox: directories of its own, removed with it.
struct SandboxSlot {
    /// Files and directories that are linked at most; larger code gets a sandbox of its own from the start.
    static let entriesMax = 4_096

    /// The sandbox's directory on the host.
    let directory: String

    var code: String { directory + "/task" }
    var layers: String { directory + "/opt" }
    private var empty: String { directory + "/empty" }

    func make() throws(IsolationError) {
        for path in [code, layers, empty] {
            guard mkdir(path, 0o755) == 0 else { throw IsolationError(.startFailed, "\(path): \(errorText(errno))") }
        }
    }

    /// Mounts the code where the process `pidfd` sees it.
    func mount(_ contents: SandboxContents, in pidfd: Int32) throws(IsolationError) {
        let directories = [(contents.codeDirectory, "/var/task")] + (contents.layersDirectory.map { [($0, "/opt")] } ?? [])
        let texts = CStrings()
        let placements = directories.map {
            cloister_placement(source: texts.text($0.0), target: texts.text($0.1), empty: texts.text(empty))
        }
        let error = withExtendedLifetime(texts) { cloister_place(pidfd, placements, placements.count) }
        guard error == 0 else { throw IsolationError(.startFailed, "mounting the code: \(errorText(error))") }
    }

    /// Links the code's files into the slot, which is in the sandbox read-only.
    func link(_ contents: SandboxContents) throws(IsolationError) {
        var left = SandboxSlot.entriesMax
        try link(contents.codeDirectory, to: code, left: &left)
        if let source = contents.layersDirectory { try link(source, to: layers, left: &left) }
    }

    private func link(_ source: String, to target: String, left: inout Int) throws(IsolationError) {
        guard let names = KernelFile.entries(in: source) else { throw SandboxSlot.failure(source) }
        for name in names {
            left -= 1
            guard left >= 0 else { throw IsolationError(.exhausted, "too many files to link") }
            let (from, to) = (source + "/" + name, target + "/" + name)
            var status = stat()
            guard lstat(from, &status) == 0 else { throw SandboxSlot.failure(from) }
            guard status.st_mode & S_IFMT == S_IFDIR else {
                // A symbolic link is linked itself, not what it points to.
                guard linkat(AT_FDCWD, from, AT_FDCWD, to, 0) == 0 else { throw SandboxSlot.failure(to) }
                continue
            }
            guard mkdir(to, status.st_mode & 0o777) == 0 else { throw SandboxSlot.failure(to) }
            try link(from, to: to, left: &left)
        }
    }

    private static func failure(_ path: String) -> IsolationError {
        IsolationError(.startFailed, "\(path): \(errorText(errno))")
    }
}
