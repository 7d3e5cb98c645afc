import CloisterServiceKit
import Foundation

/// The model's constraints on members, with AWS's texts.
enum SecretsValidation {
    static func required<Value>(_ value: Value?, _ member: String) throws(ServiceError) -> Value {
        guard let value else { throw SecretsError.required(member) }
        return value
    }

    static func length(_ text: String?, _ member: String, _ range: ClosedRange<Int>) throws(ServiceError) {
        guard let count = text?.unicodeScalars.count else { return }
        if count > range.upperBound {
            throw SecretsError.constraint(
                member, value: text, "Member must have length less than or equal to \(range.upperBound)")
        }
        if count < range.lowerBound {
            throw SecretsError.constraint(
                member, value: text, "Member must have length greater than or equal to \(range.lowerBound)")
        }
    }

    static func number(_ value: Int?, _ member: String, _ range: ClosedRange<Int>) throws(ServiceError) -> Int? {
        guard let value else { return nil }
        if value > range.upperBound {
            throw SecretsError.constraint(
                member, value: "\(value)", "Member must have value less than or equal to \(range.upperBound)")
        }
        if value < range.lowerBound {
            throw SecretsError.constraint(
                member, value: "\(value)", "Member must have value greater than or equal to \(range.lowerBound)")
        }
        return value
    }

    static func secretID(_ text: String?) throws(ServiceError) -> String {
        let text = try required(text, "secretId")
        try length(text, "secretId", 1...2_048)
        return text
    }

    static func name(_ text: String?) throws(ServiceError) -> String {
        let name = try required(text, "name")
        try length(name, "name", 1...SecretsLimits.nameLengthMax)
        guard name.utf8.allSatisfy(isNameByte) else {
            throw SecretsError.invalidParameter(
                "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!")
        }
        return name
    }

    static func token(_ token: String?) throws(ServiceError) {
        guard let token else { return }
        let isPrintable = token.utf8.allSatisfy { (0x21...0x7e).contains($0) }
        guard !isPrintable || !(32...64).contains(token.utf8.count) else { return }
        throw SecretsError.invalidParameter("ClientRequestToken must be 32-64 characters long.")
    }

    /// The value that a request carries; nil when it carries none.
    static func value(_ input: SecretsRequests.Secret) throws(ServiceError) -> SecretValue? {
        switch (input.SecretString, input.SecretBinary) {
        case (nil, nil): return nil
        case (_?, _?): throw SecretsError.invalidParameter("You can't specify both a binary secret value and a string secret value in the same secret.")
        case (let text?, nil):
            try size(text.utf8.count, "secretString")
            return SecretValue(kind: .string, bytes: Array(text.utf8))
        case (nil, let data?):
            try size(data.count, "secretBinary")
            return SecretValue(kind: .binary, bytes: Array(data))
        }
    }

    static func stages(_ stages: [String]?) throws(ServiceError) -> [String]? {
        guard let stages else { return nil }
        guard (1...SecretsLimits.stagesPerVersionMax).contains(stages.count) else {
            throw SecretsError.constraint(
                "versionStages", value: nil,
                "Member must have length between 1 and \(SecretsLimits.stagesPerVersionMax)")
        }
        for stage in stages { try length(stage, "versionStages", 1...256) }
        return stages
    }

    static func tags(_ tags: [SecretRecord.Tag]?) throws(ServiceError) -> [SecretRecord.Tag] {
        let tags = tags ?? []
        guard tags.count <= SecretsLimits.tagsMax else { throw SecretsError.invalidParameter("Too many tags") }
        for tag in tags {
            try length(tag.Key, "tags.key", 1...128)
            try length(tag.Value, "tags.value", 0...256)
            guard !tag.Key.lowercased().hasPrefix("aws:") else {
                throw SecretsError.invalidParameter("Tag keys can't begin with aws:")
            }
        }
        guard Set(tags.map(\.Key)).count == tags.count else { throw SecretsError.invalidParameter("Duplicate tag keys") }
        return tags
    }

    static func policy(_ text: String?) throws(ServiceError) -> String {
        let text = try required(text, "resourcePolicy")
        try length(text, "resourcePolicy", 1...SecretsLimits.policyBytesMax)
        let value = try? JSONSerialization.jsonObject(with: Data(text.utf8))  // no JSON: refused below
        guard let document = value as? [String: Any] else {
            throw SecretsError.malformedPolicy("This resource policy contains invalid Json.")
        }
        guard document["Statement"] is [[String: Any]] || document["Statement"] is [String: Any] else {
            throw SecretsError.malformedPolicy("This resource policy has no statements.")
        }
        return text
    }

    private static func size(_ count: Int, _ member: String) throws(ServiceError) {
        guard (1...SecretsLimits.valueBytesMax).contains(count) else {
            throw SecretsError.constraint(
                member, value: nil,
                "Member must have length \(count == 0 ? "greater than or equal to 1" : "less than or equal to \(SecretsLimits.valueBytesMax)")")
        }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "-/_+=.@!".utf8.contains(byte)
        }
    }
}
