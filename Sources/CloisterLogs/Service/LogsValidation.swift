import CloisterCore
import CloisterServiceKit

/// The model's constraints on members; each throws `InvalidParameterException` with AWS's text.
enum LogsValidation {
    static func groupName(_ name: String?, member: String = "logGroupName") throws(ServiceError) -> String {
        guard let name else { throw LogsError.required(member) }
        try length(name, member, 1...LogsLimits.nameLengthMax)
        try pattern(name, member, #"[\.\-_/#A-Za-z0-9]+"#, isGroupNameByte)
        return name
    }

    static func streamName(_ name: String?, member: String = "logStreamName") throws(ServiceError) -> String {
        guard let name else { throw LogsError.required(member) }
        try length(name, member, 1...LogsLimits.nameLengthMax)
        try pattern(name, member, "[^:*]*") { $0 != UInt8(ascii: ":") && $0 != UInt8(ascii: "*") }
        return name
    }

    /// A group by name, or by name or ARN in `identifier`; exactly one of the two.
    static func group(name: String?, identifier: String?, caller: Caller) throws(ServiceError) -> String {
        guard let identifier else { return try groupName(name) }
        guard name == nil else {
            throw LogsError.invalidParameter("logGroupName and logGroupIdentifier can't be given together")
        }
        return try groupIdentifier(identifier, member: "logGroupIdentifier", caller: caller)
    }

    static func groupIdentifier(_ text: String, member: String, caller: Caller) throws(ServiceError) -> String {
        try length(text, member, 1...2_048)
        guard text.hasPrefix("arn:") else { return try groupName(text, member: member) }
        var parts = text.split(separator: ":", maxSplits: 7, omittingEmptySubsequences: false).map(String.init)
        if parts.count == 8, parts[7] == "*" { parts.removeLast() }
        guard parts.count == 7, parts[2] == "logs", parts[5] == "log-group" else {
            throw LogsError.invalidParameter("\(member) is no log group's ARN")
        }
        guard parts[3] == caller.region, parts[4] == caller.account.rawValue else {
            throw LogsError.invalidParameter("\(member) names another region or account")
        }
        return try groupName(parts[6], member: member)
    }

    static func number<Number: FixedWidthInteger>(
        _ value: Number?, _ member: String, _ range: ClosedRange<Number>
    ) throws(ServiceError) -> Number? {
        guard let value else { return nil }
        if value > range.upperBound {
            throw LogsError.constraint(
                member, value: "\(value)", "Member must have value less than or equal to \(range.upperBound)")
        }
        if value < range.lowerBound {
            throw LogsError.constraint(
                member, value: "\(value)", "Member must have value greater than or equal to \(range.lowerBound)")
        }
        return value
    }

    static func time(_ value: Int64?, _ member: String) throws(ServiceError) -> Int64? {
        try number(value, member, 0...Int64.max)
    }

    static func tags(_ tags: [String: String]?, isRequired: Bool) throws(ServiceError) -> [String: String] {
        guard let tags else {
            guard !isRequired else { throw LogsError.required("tags") }
            return [:]
        }
        guard (1...LogsLimits.tagsMax).contains(tags.count) else {
            throw LogsError.constraint(
                "tags", value: nil, "Map must have between 1 and \(LogsLimits.tagsMax) entries")
        }
        for (key, value) in tags {
            try length(key, "tags", 1...128)
            try length(value, "tags", 0...256)
            guard !key.hasPrefix("aws:") else { throw LogsError.invalidParameter("Tag keys can't begin with aws:") }
            guard (key + value).unicodeScalars.allSatisfy(isTagScalar) else {
                throw LogsError.constraint(
                    "tags", value: key, #"Member must satisfy regular expression pattern: ^([\p{L}\p{Z}\p{N}_.:/=+\-@]+)$"#)
            }
        }
        return tags
    }

    static func length(_ text: String, _ member: String, _ range: ClosedRange<Int>) throws(ServiceError) {
        let count = text.unicodeScalars.count
        if count > range.upperBound {
            throw LogsError.constraint(
                member, value: text, "Member must have length less than or equal to \(range.upperBound)")
        }
        if count < range.lowerBound {
            throw LogsError.constraint(
                member, value: text, "Member must have length greater than or equal to \(range.lowerBound)")
        }
    }

    private static func pattern(
        _ text: String, _ member: String, _ pattern: String, _ isAllowed: (UInt8) -> Bool
    ) throws(ServiceError) {
        guard text.utf8.allSatisfy({ isAllowed($0) && $0 != 0 }) else {
            throw LogsError.constraint(
                member, value: text, "Member must satisfy regular expression pattern: \(pattern)")
        }
    }

    private static func isGroupNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"),
            UInt8(ascii: "/"), UInt8(ascii: "#"):
            true
        default: false
        }
    }

    private static func isTagScalar(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .spaceSeparator,
            .lineSeparator, .paragraphSeparator, .decimalNumber, .letterNumber, .otherNumber:
            true
        default: "_.:/=+-@".unicodeScalars.contains(scalar)
        }
    }
}
