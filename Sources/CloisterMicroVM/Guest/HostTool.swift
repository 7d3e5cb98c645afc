import CCloisterLinux
import CloisterIsolation
import CloisterOCI
import Glibc

/// Programs of the host that make images: run to their end, output bounded.
enum HostTool {
    static let directories = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"]
    private static let outputBytesMax = 64 * 1024
    private static let environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"]

    static func find(_ name: String, package: String) throws(IsolationError) -> String {
        for directory in directories where access(directory + "/" + name, X_OK) == 0 { return directory + "/" + name }
        throw IsolationError(.unavailable, "\(name) isn't installed: apt install \(package)")
    }

    /// Runs `arguments`, the first of which is a path, with standard output into `output` if given, else captured with
    /// standard error and returned.
    @discardableResult
    static func run(
        _ arguments: [String], output: Int32? = nil, timeoutMilliseconds: Int32 = 120_000
    ) throws(IsolationError) -> String {
        var reader: Int32 = -1
        var writer: Int32 = -1
        guard cloister_pipe(&reader, &writer) == 0 else { throw IsolationError(.exhausted, "no pipe") }
        defer { close(reader) }
        let started = Result { () throws(IsolationError) in try spawn(arguments, output: output ?? writer, error: writer) }
        close(writer)
        let process = try started.get()
        defer { close(process) }
        let text = try collect(reader, process, arguments[0], deadline: milliseconds() + Int64(timeoutMilliseconds))
        var status: Int32 = -1
        _ = cloister_reap(process, -1, &status)
        guard status == 0 else {
            let command = arguments.joined(separator: " ")
            throw IsolationError(.startFailed, "\(command) failed (status \(status)): \(text.suffix(400))")
        }
        return text
    }

    private static func spawn(_ arguments: [String], output: Int32, error: Int32) throws(IsolationError) -> Int32 {
        let null = open("/dev/null", O_RDWR | O_CLOEXEC)
        guard null >= 0 else { throw IsolationError(.exhausted, "/dev/null: \(errorText(errno))") }
        defer { close(null) }
        let texts = CStrings()
        var pid: pid_t = 0
        var descriptor: Int32 = -1
        var step: Int32 = 0
        let result = texts.array(arguments).withUnsafeBufferPointer { argv in
            texts.array(environment).withUnsafeBufferPointer { envp in
                var request = cloister_spawn_request()
                request.program = argv[0].map { UnsafePointer($0) }
                request.arguments = argv.baseAddress
                request.environment = envp.baseAddress
                request.descriptors = (null, output, error)
                request.unified_cgroup = -1
                return cloister_spawn(&request, &pid, &descriptor, &step)
            }
        }
        withExtendedLifetime(texts) {}
        guard result == 0 else { throw IsolationError(.unavailable, "\(arguments[0]): \(errorText(result))") }
        return descriptor
    }

    private static func collect(
        _ reader: Int32, _ process: Int32, _ name: String, deadline: Int64
    ) throws(IsolationError) -> String {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            var watched = pollfd(fd: reader, events: Int16(POLLIN), revents: 0)
            let left = deadline - milliseconds()
            guard left > 0, poll(&watched, 1, Int32(clamping: left)) > 0 else {
                _ = cloister_pidfd_kill(process, SIGKILL)
                _ = cloister_reap(process, -1, nil)
                throw IsolationError(.startFailed, "\(name) did not end in time")
            }
            let count = read(reader, &chunk, chunk.count)
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += chunk[..<count]
            if bytes.count > outputBytesMax { bytes.removeFirst(bytes.count - outputBytesMax) }
        }
    }
}
