import CCloisterLinux
import Glibc

/// A program's copy in memory that can't be changed.
final class SealedProgram: Sendable {
    private let descriptor: Int32

    /// Nil where the kernel refuses; then the program is run from its file.
    init?(_ program: String) {
        var copy: Int32 = -1
        guard cloister_sealed_copy(program, &copy) == 0 else { return nil }
        descriptor = copy
    }

    /// For this process's children.
    var path: String { "/proc/\(getpid())/fd/\(descriptor)" }

    deinit { close(descriptor) }
}
