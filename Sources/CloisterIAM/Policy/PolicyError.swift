/// Why a policy document isn't one; the text is for whoever wrote it.
public struct PolicyError: Error, Sendable, Equatable, CustomStringConvertible {
    public let message: String

    init(_ message: String) { self.message = message }

    public var description: String { message }
}

/// The bounds of a policy document, whoever it comes from.
enum PolicyLimits {
    /// More than any of AWS's quotas, with blanks.
    static let documentBytesMax = 128 << 10
    static let depthMax = 12
    static let statementsMax = 1_000
    /// Of one list: actions, resources, principals or a condition's values.
    static let listMax = 2_000
    static let patternBytesMax = 4_096
    static let variableNameBytesMax = 256
}
