/// Why an image could not be made or used. `description` is for the user and says what to do; `log` is for the
/// operator's log.
public enum RuntimeImageError: Error, Sendable, Equatable, CustomStringConvertible {
    /// No image can be made for this name.
    case unknownRuntime(String, available: [String])
    /// A program that building needs isn't installed; the Debian package that has it.
    case missingProgram(String, package: String)
    /// Building changes root and owners, which only root may.
    case notRoot
    /// apt names no Debian mirror.
    case noMirror
    /// A step failed; the last lines that its program wrote.
    case stepFailed(runtime: String, step: String, output: String)
    /// A file operation failed.
    case file(path: String, reason: String)
    case cancelled

    public var description: String {
        switch self {
        case .unknownRuntime(let name, let available):
            "There is no runtime \(name) here. Available: \(available.joined(separator: ", "))."
        case .missingProgram(let program, let package):
            "Building a runtime image needs \(program). Install it with: apt-get install \(package)"
        case .notRoot:
            "Building a runtime image needs root."
        case .noMirror:
            "apt on this host names no Debian mirror. Set CLOISTER_DEBIAN_MIRROR to one, such as file:/srv/debian."
        case .stepFailed(let runtime, let step, let output):
            "Building the image of \(runtime) failed at: \(step).\(Self.hint(output))\n\(output)"
        case .file(let path, let reason):
            "\(path): \(reason)"
        case .cancelled:
            "Building the image was cancelled."
        }
    }

    private static func hint(_ output: String) -> String {
        if output.contains("NO_PUBKEY") || output.contains("not signed") {
            return " The host's archive keys are too old: apt-get install --only-upgrade debian-archive-keyring"
        }
        if output.contains("Could not resolve") || output.contains("Temporary failure") {
            return " The package mirror can't be reached from here."
        }
        if output.contains("No module named pip") {
            return " Install pip with: apt-get install python3-pip"
        }
        return ""
    }
}
