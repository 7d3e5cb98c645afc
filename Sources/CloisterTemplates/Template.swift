import CloisterCore

/// A SAM or CloudFormation template.
public struct Template: Sendable {
    public let file: String
    let root: TemplateNode

    /// `text` is YAML or JSON; `file` is its name for messages. Throws `TemplateError`.
    public init(_ text: String, file: String) throws {
        self.file = file
        self.root = try TemplateReader.read(text, file: file)
        guard root.entries != nil else {
            throw TemplateError(
                .malformed, "a template is a map with `Resources`, not \(root.kindName)", at: root.position)
        }
    }

    /// Everything that the template wants to be there. Pure. Throws `TemplateError`.
    public func resources(for context: StackContext) throws -> ResourceGraph {
        try GraphBuilder(template: self, context: context).build()
    }
}
