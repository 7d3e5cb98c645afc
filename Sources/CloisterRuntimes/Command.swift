import CCloisterLinux
import Glibc

/// A program that a build runs: a session of its own, no descriptors but the three standard ones, output read line
/// by line as it comes.
struct Command {
    var arguments: [String]
    var environment: [String: String]
    /// Asked often; true ends the program.
    var cancellation: Cancellation

    struct Outcome {
        /// The exit status, or 128 + the signal that ended it.
        var status: Int32
        /// The last lines of both outputs together.
        var tail: [String]
    }

    private static let tailLines = 200
    private static let longestLine = 65_536

    /// - Returns: nil where the program isn't installed.
    func run(line: (String) -> Void = { _ in }) throws(RuntimeImageError) -> Outcome? {
        try cancellation.check()
        guard let program = locate(arguments[0]) else { return nil }
        var reader: Int32 = -1
        var writer: Int32 = -1
        try Self.check(cloister_pipe(&reader, &writer), program)
        defer { close(reader) }
        let started = Result { () throws(RuntimeImageError) in try spawn(program, output: writer) }
        close(writer)
        let process = try started.get()
        defer { close(process.descriptor) }
        let tail = read(reader, process: process.id, line: line)
        var status: Int32 = 0
        try Self.check(cloister_reap(process.descriptor, -1, &status), program)
        try cancellation.check()
        return Outcome(status: status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f), tail: tail)
    }

    /// The first executable of that name on the path.
    private func locate(_ program: String) -> String? {
        if program.hasPrefix("/") { return access(program, X_OK) == 0 ? program : nil }
        let folders = (environment["PATH"] ?? "").split(separator: ":")
        return folders.lazy.map { "\($0)/\(program)" }.first { access($0, X_OK) == 0 }
    }

    /// A session of its own, so that a cancellation reaches all that the program starts; no descriptors but three.
    private func spawn(
        _ program: String, output: Int32
    ) throws(RuntimeImageError) -> (id: pid_t, descriptor: Int32) {
        let input = open("/dev/null", O_RDONLY | O_CLOEXEC)
        guard input >= 0 else { throw .file(path: "/dev/null", reason: String(cString: strerror(errno))) }
        defer { close(input) }
        var argv = arguments.map { strdup($0) } + [nil]
        var envp = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { (argv + envp).forEach { free($0) } }
        var id: pid_t = 0
        var descriptor: Int32 = -1
        var step: Int32 = 0
        let failure = program.withCString { path in
            argv.withUnsafeMutableBufferPointer { argv in
                envp.withUnsafeMutableBufferPointer { envp in
                    var request = cloister_spawn_request()
                    request.program = path
                    request.arguments = UnsafePointer(argv.baseAddress)
                    request.environment = UnsafePointer(envp.baseAddress)
                    request.descriptors = (input, output, output)
                    request.unified_cgroup = -1
                    // What a build mounts, such as /proc in the image, is gone with its last program and never part
                    // of the host's tree, where clearing up after a killed build would reach into it.
                    request.private_mounts = 1
                    return cloister_spawn(&request, &id, &descriptor, &step)
                }
            }
        }
        try Self.check(failure, program)
        return (id, descriptor)
    }

    private static func check(_ failure: Int32, _ program: String) throws(RuntimeImageError) {
        if failure != 0 { throw .file(path: program, reason: String(cString: strerror(failure))) }
    }

    /// Until end of file, or until the program's group was killed because of a cancellation.
    private func read(_ descriptor: Int32, process: pid_t, line: (String) -> Void) -> [String] {
        var tail: [String] = []
        var pending: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16_384)
        func finish() {
            guard !pending.isEmpty else { return }
            let text = String(decoding: pending, as: UTF8.self)
            pending.removeAll(keepingCapacity: true)
            if tail.count == Self.tailLines { tail.removeFirst() }
            tail.append(text)
            line(text)
        }
        while true {
            if cancellation.isCancelled { kill(-process, SIGKILL) }
            var wait = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let ready = poll(&wait, 1, 200)
            if ready == 0 || (ready < 0 && errno == EINTR) { continue }
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EAGAIN || errno == EINTR { continue }
            guard count > 0 else { break }
            for byte in chunk[..<count] {
                if byte == 0x0a || byte == 0x0d || pending.count >= Self.longestLine {
                    finish()
                } else {
                    pending.append(byte)
                }
            }
        }
        finish()
        return tail
    }
}
