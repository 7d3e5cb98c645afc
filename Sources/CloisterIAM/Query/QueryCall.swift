import CloisterCore
import CloisterServiceKit

/// One call of a query service: the operation and its parameters.
struct QueryCall: Sendable {
    let operation: String
    let parameters: [String: String]
    let caller: Caller
    let requestID: RequestID

    func text(_ name: String) -> String? { parameters[name] }

    func required(_ name: String, length: ClosedRange<Int>) throws(ServiceError) -> String {
        guard let value = parameters[name] else { throw IAMError.constraint(name, nil, "Member must not be null") }
        return try checked(name, value, length)
    }

    func optional(_ name: String, length: ClosedRange<Int>) throws(ServiceError) -> String? {
        guard let value = parameters[name] else { return nil }
        return try checked(name, value, length)
    }

    private func checked(_ name: String, _ value: String, _ length: ClosedRange<Int>) throws(ServiceError) -> String {
        let count = value.unicodeScalars.count
        if count > length.upperBound {
            throw IAMError.constraint(name, value, "Member must have length less than or equal to \(length.upperBound)")
        }
        if count < length.lowerBound {
            throw IAMError.constraint(name, value, "Member must have length greater than or equal to \(length.lowerBound)")
        }
        return value
    }

    func integer(_ name: String, in range: ClosedRange<Int>) throws(ServiceError) -> Int? {
        guard let text = parameters[name] else { return nil }
        guard let value = Int(text) else { throw IAMError.validation("'\(name)' must be a number.") }
        if value > range.upperBound {
            throw IAMError.constraint(name, text, "Member must have value less than or equal to \(range.upperBound)")
        }
        if value < range.lowerBound {
            throw IAMError.constraint(name, text, "Member must have value greater than or equal to \(range.lowerBound)")
        }
        return value
    }

    func flag(_ name: String) throws(ServiceError) -> Bool? {
        switch parameters[name] {
        case nil: return nil
        case "true": return true
        case "false": return false
        default: throw IAMError.validation("'\(name)' must be true or false.")
        }
    }

    /// `NAME.member.1`, `NAME.member.2`, … as far as they go.
    func texts(_ name: String) -> [String] {
        var texts: [String] = []
        while let text = parameters["\(name).member.\(texts.count + 1)"] { texts.append(text) }
        return texts
    }

    /// The prefixes `NAME.member.1.`, … of a list of structures, as long as one has the member `first`.
    func structures(_ name: String, first: String) -> [String] {
        var prefixes: [String] = []
        while parameters["\(name).member.\(prefixes.count + 1).\(first)"] != nil {
            prefixes.append("\(name).member.\(prefixes.count + 1).")
        }
        return prefixes
    }

    /// Checked as IAM's tags are; keys that differ only in case are one key twice.
    func tags(_ name: String = "Tags") throws(ServiceError) -> [String: String] {
        var tags: [String: String] = [:]
        var folded: Set<String> = []
        for prefix in structures(name, first: "Key") {
            let key = try required(prefix + "Key", length: 1...128)
            guard folded.insert(key.lowercased()).inserted else {
                throw IAMError.invalidInput("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
            }
            guard !key.lowercased().hasPrefix("aws:") else {
                throw IAMError.invalidInput("Tag keys that begin with aws: are reserved.")
            }
            let value = try required(prefix + "Value", length: 0...256)
            guard (key + value).unicodeScalars.allSatisfy(QueryCall.isTagScalar) else {
                throw IAMError.constraint(
                    "tags", key, #"Member must satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]*"#)
            }
            tags[key] = value
        }
        guard tags.count <= 50 else { throw IAMError.limitExceeded("Cannot exceed quota for Tags: 50") }
        return tags
    }

    private static func isTagScalar(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .spaceSeparator,
            .lineSeparator, .paragraphSeparator, .decimalNumber, .letterNumber, .otherNumber:
            true
        default: "_.:/=+-@".unicodeScalars.contains(scalar)
        }
    }

    /// `[\w+=,.@-]+`.
    func name(_ parameter: String, lengthMax: Int) throws(ServiceError) -> String {
        let name = try required(parameter, length: 1...lengthMax)
        guard QueryCall.isName(name) else {
            throw IAMError.validation(
                "The specified value for \(parameter.prefix(1).lowercased() + parameter.dropFirst()) is invalid. It must "
                    + "contain only alphanumeric characters and/or the following: +=,.@_-")
        }
        return name
    }

    static func isName(_ text: String) -> Bool {
        text.utf8.allSatisfy { byte in
            byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z") || byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z")
                || byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") || "_+=,.@-".utf8.contains(byte)
        }
    }

    /// `/` or `/…/`.
    func path() throws(ServiceError) -> String {
        guard let path = try optional("Path", length: 1...512) else { return "/" }
        guard path.hasPrefix("/"), path.hasSuffix("/"), path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
            throw IAMError.validation(
                "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric "
                    + "characters and/or / characters.")
        }
        return path
    }
}
