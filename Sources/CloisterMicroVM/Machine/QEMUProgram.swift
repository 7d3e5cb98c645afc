import CloisterIsolation
import CloisterOCI
import Glibc

/// QEMU as it is installed here.
struct QEMUProgram: Sendable {
    static let name = "qemu-system-x86_64"
    static let package = "qemu-system-x86"

    let path: String
    /// For people: `7.2.22`.
    let version: String

    init(path given: String? = nil) throws(IsolationError) {
        if let given { path = given } else { path = try HostTool.find(QEMUProgram.name, package: QEMUProgram.package) }
        let text = try HostTool.run([path, "--version"], timeoutMilliseconds: 10_000)
        let words = text.split(separator: "\n").first?.split(separator: " ") ?? []
        guard words.count >= 4, words[0] == "QEMU", words[2] == "version" else {
            throw IsolationError(.unavailable, "\(path) --version says \"\(text.prefix(80))\"")
        }
        version = String(words[3])
    }
}
