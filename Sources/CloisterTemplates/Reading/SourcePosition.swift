/// A place in a template, for people: line and column start at 1.
public struct SourcePosition: Hashable, Sendable, CustomStringConvertible {
    /// The file's name as the user gave it.
    public var file: String
    public var line: Int
    public var column: Int

    public init(file: String, line: Int, column: Int) {
        self.file = file
        self.line = line
        self.column = column
    }

    public var description: String { "\(file):\(line):\(column)" }
}
