/// A text of a template; parts of it may be attributes of resources, which are known only once those exist.
public struct TemplateText: Hashable, Sendable {
    public enum Segment: Hashable, Sendable {
        case literal(String)
        /// `Ref` is the attribute that the function of that name gives.
        case attribute(resource: String, name: String)
    }

    /// No two literals side by side, no empty literal.
    public private(set) var segments: [Segment]

    public init(_ literal: String) {
        segments = literal.isEmpty ? [] : [.literal(literal)]
    }

    public init(resource: String, attribute: String) {
        segments = [.attribute(resource: resource, name: attribute)]
    }

    /// The text when it depends on no resource.
    public var literal: String? {
        switch (segments.count, segments.first) {
        case (0, _): return ""
        case (1, .literal(let text)): return text
        default: return nil
        }
    }

    public mutating func append(_ other: TemplateText) {
        for segment in other.segments {
            if case .literal(let tail) = segment, case .literal(let head)? = segments.last {
                segments[segments.count - 1] = .literal(head + tail)
            } else {
                segments.append(segment)
            }
        }
    }

    /// Bytes of the literal parts.
    var literalBytes: Int {
        segments.reduce(0) { sum, segment in
            if case .literal(let text) = segment { sum + text.utf8.count } else { sum }
        }
    }

    /// The names of the resources that the text depends on.
    public var resources: Set<String> {
        Set(segments.compactMap { if case .attribute(let resource, _) = $0 { resource } else { nil } })
    }

    /// The text with those attributes put in that `value` knows.
    public func resolved(_ value: (_ resource: String, _ attribute: String) -> String?) -> TemplateText {
        var result = TemplateText("")
        for segment in segments {
            if case .attribute(let resource, let name) = segment, let known = value(resource, name) {
                result.append(TemplateText(known))
            } else if case .attribute(let resource, let name) = segment {
                result.append(TemplateText(resource: resource, attribute: name))
            } else if case .literal(let text) = segment {
                result.append(TemplateText(text))
            }
        }
        return result
    }
}

extension TemplateText: CustomStringConvertible {
    /// As `Fn::Sub` would write it: `${Layer.Ref}`.
    public var description: String {
        segments.map { segment in
            switch segment {
            case .literal(let text): text
            case .attribute(let resource, let name): "${\(resource).\(name)}"
            }
        }.joined()
    }
}
