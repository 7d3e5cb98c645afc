/// Why a template can't be deployed, where in the file, and what to do about it.
public struct TemplateError: Error, Equatable, Sendable, CustomStringConvertible {
    public enum Code: String, Sendable {
        /// Not YAML or JSON, or not shaped like a template.
        case malformed
        /// Beyond a limit of `TemplateLimits` or `PackageLimits`.
        case tooLarge
        /// Means something that isn't supported and can't be left out safely.
        case unsupported
        /// Names a parameter, resource, attribute, condition or mapping that isn't there.
        case unresolved
        /// A property or parameter has a value it may not have.
        case invalidValue
        /// Resources need each other in a circle.
        case circular
        /// Code on disk is missing or can't be packaged.
        case code
    }

    public var code: Code
    public var message: String
    /// What the user may do; nil when there is nothing to add.
    public var suggestion: String?
    public var position: SourcePosition?

    public init(_ code: Code, _ message: String, suggestion: String? = nil, at position: SourcePosition? = nil) {
        self.code = code
        self.message = message
        self.suggestion = suggestion
        self.position = position
    }

    public var description: String {
        let place = position.map { "\($0): " } ?? ""
        let hint = suggestion.map { " (\($0))" } ?? ""
        return place + message + hint
    }
}

/// Something in a template that has no effect, or another one than on AWS.
public struct TemplateWarning: Equatable, Hashable, Sendable, CustomStringConvertible {
    public var message: String
    public var position: SourcePosition?

    public init(_ message: String, at position: SourcePosition?) {
        self.message = message
        self.position = position
    }

    public var description: String { (position.map { "\($0): " } ?? "") + message }
}
