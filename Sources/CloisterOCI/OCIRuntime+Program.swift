import CCloisterLinux
import CloisterIsolation
import Glibc

extension OCIRuntime {
    private static let directories = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]

    /// The program's path.
    func find() throws(IsolationError) -> String {
        for directory in OCIRuntime.directories {
            let path = directory + "/" + rawValue
            if access(path, X_OK) == 0 { return path }
        }
        throw IsolationError(.unavailable, "\(rawValue) isn't installed: \(installation)")
    }

    /// For people: `crun 1.8.1`, `runsc 0.0~20240729.0, systrap`.
    func version(_ program: String) throws(IsolationError) -> String {
        let text = try output(of: [program, "--version"])
        let first = text.split(separator: "\n").first.map(String.init) ?? ""
        guard let version = first.split(separator: " ").last, first.contains("version") else {
            throw IsolationError(.unavailable, "\(program) --version says \"\(first.prefix(80))\"")
        }
        return "\(rawValue) \(version)" + (self == .runsc ? ", systrap" : "")
    }

    private func output(of arguments: [String]) throws(IsolationError) -> String {
        let null = open("/dev/null", O_RDWR | O_CLOEXEC)
        guard null >= 0 else { throw IsolationError(.unavailable, "/dev/null: \(errorText(errno))") }
        defer { close(null) }
        var reader: Int32 = -1
        var writer: Int32 = -1
        guard cloister_pipe(&reader, &writer) == 0 else { throw IsolationError(.exhausted, "no pipe") }
        defer { close(reader) }
        let program = RuntimeProgram(arguments: arguments, standardInput: null, output: writer, isPrivate: false)
        let status: Int32
        do throws(IsolationError) {
            status = try program.run(timeoutMilliseconds: 10_000)
        } catch {
            close(writer)
            throw error
        }
        close(writer)
        guard status == 0 else { throw IsolationError(.unavailable, "\(arguments.joined(separator: " ")) failed") }
        return readAvailable(reader)
    }
}

/// What a non-blocking descriptor holds, at most 4 KB, for an error text.
package func readAvailable(_ descriptor: Int32) -> String {
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = read(descriptor, &bytes, bytes.count)
    guard count > 0 else { return "" }
    return String(decoding: bytes[..<count], as: UTF8.self)
}
