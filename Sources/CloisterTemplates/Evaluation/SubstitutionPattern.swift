/// The text of `Fn::Sub`: `${Name}` stands for a value, `${!Name}` for the characters `${Name}`.
enum SubstitutionPattern {
    enum Part: Equatable {
        case literal(String)
        case variable(String)
    }

    static func parts(of text: String, at position: SourcePosition) throws -> [Part] {
        var parts: [Part] = []
        var rest = Substring(text)
        while let start = rest.firstRange(of: "${") {
            parts.append(.literal(String(rest[..<start.lowerBound])))
            guard let end = rest[start.upperBound...].firstIndex(of: "}") else {
                throw TemplateError(.malformed, "`${` without `}` in `Fn::Sub`", at: position)
            }
            let name = rest[start.upperBound..<end]
            if name.first == "!" {
                parts.append(.literal("${\(name.dropFirst())}"))
            } else if name.isEmpty {
                throw TemplateError(
                    .malformed, "`${}` in `Fn::Sub` names nothing", suggestion: "write ${!} for the characters ${}",
                    at: position)
            } else {
                parts.append(.variable(trimmed(String(name))))
            }
            rest = rest[rest.index(after: end)...]
        }
        parts.append(.literal(String(rest)))
        return parts
    }
}
