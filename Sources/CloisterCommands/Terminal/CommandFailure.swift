/// Why a command failed: one line, a hint, and the program's exit status.
struct CommandFailure: Error, Equatable, CustomStringConvertible {
    /// Exit statuses, those of `sysexits.h` where one fits. Success is 0; wrong usage is 64 (ArgumentParser's).
    enum Status: Int32 {
        /// The command, or the function that it invoked, failed.
        case failed = 1
        /// The template or another input is wrong.
        case badInput = 65
        /// The server, or what a command needs on this host, isn't there.
        case unavailable = 69
        /// The server refused the credentials.
        case accessDenied = 77
    }

    var message: String
    var hint: String?
    var status: Status

    init(_ message: String, hint: String? = nil, status: Status = .failed) {
        self.message = message
        self.hint = hint
        self.status = status
    }

    var description: String { message }
}
