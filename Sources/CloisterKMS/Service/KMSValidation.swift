import CloisterServiceKit
import Foundation

/// The model's constraints on members; each throws `ValidationException` with AWS's text.
enum KMSValidation {
    static func keyID(_ text: String?, member: String = "keyId") throws(ServiceError) -> String {
        guard let text else { throw KMSError.required(member) }
        try length(text, member, 1...2_048)
        return text
    }

    static func required<Value>(_ value: Value?, _ member: String) throws(ServiceError) -> Value {
        guard let value else { throw KMSError.required(member) }
        return value
    }

    /// A blob; its content is never part of a message.
    static func blob(_ value: Data?, _ member: String, _ range: ClosedRange<Int>) throws(ServiceError) -> [UInt8] {
        guard let value else { throw KMSError.required(member) }
        try check(value.count, member, value: nil, range, what: "length")
        return [UInt8](value)
    }

    static func length(_ text: String, _ member: String, _ range: ClosedRange<Int>) throws(ServiceError) {
        try check(text.unicodeScalars.count, member, value: text, range, what: "length")
    }

    static func number(_ value: Int?, _ member: String, _ range: ClosedRange<Int>) throws(ServiceError) -> Int? {
        guard let value else { return nil }
        try check(value, member, value: "\(value)", range, what: "value")
        return value
    }

    static func choice<Choice: RawRepresentable & CaseIterable>(
        _ text: String?, _ member: String, as type: Choice.Type
    ) throws(ServiceError) -> Choice? where Choice.RawValue == String {
        guard let text else { return nil }
        guard let choice = Choice(rawValue: text) else {
            throw notIn(Choice.allCases.map(\.rawValue), text, member)
        }
        return choice
    }

    static func notIn(_ allowed: [String], _ text: String, _ member: String) -> ServiceError {
        KMSError.constraint(
            member, value: text, "Member must satisfy enum value set: [\(allowed.joined(separator: ", "))]")
    }

    static func context(_ context: [String: String]?, member: String = "encryptionContext") throws(ServiceError)
        -> [String: String]
    {
        guard let context else { return [:] }
        let size = context.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
        guard size <= KMSLimits.contextBytesMax else {
            throw KMSError.validation("The encryption context is larger than \(KMSLimits.contextBytesMax) bytes")
        }
        return context
    }

    static func grantTokens(_ tokens: [String]?) throws(ServiceError) {
        guard let tokens else { return }
        guard tokens.count <= KMSLimits.grantTokensMax else {
            throw KMSError.constraint(
                "grantTokens", value: nil,
                "Member must have length less than or equal to \(KMSLimits.grantTokensMax)")
        }
        for token in tokens where GrantToken(token) == nil {
            throw ServiceError("InvalidGrantTokenException", status: 400, message: "Invalid grant token.")
        }
    }

    static func aliasName(_ name: String?) throws(ServiceError) -> String {
        guard let name else { throw KMSError.required("aliasName") }
        try length(name, "aliasName", 1...256)
        guard name.hasPrefix("alias/"), name.utf8.count > 6 else { throw KMSError.validation("Invalid identifier") }
        guard !name.contains(":") else {
            throw KMSError.validation("\(name) contains invalid characters for an alias")
        }
        guard name.utf8.allSatisfy(isAliasByte) else {
            throw KMSError.constraint(
                "aliasName", value: name,
                "Member must satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$")
        }
        return name
    }

    static func tags(_ tags: [KMSRequests.Tag]?) throws(ServiceError) -> [KeyRecord.Tag] {
        var result: [KeyRecord.Tag] = []
        for tag in tags ?? [] {
            let key = try required(tag.TagKey, "tags.tagKey")
            let value = try required(tag.TagValue, "tags.tagValue")
            try length(key, "tags.tagKey", 1...128)
            try length(value, "tags.tagValue", 0...256)
            guard !key.lowercased().hasPrefix("aws:") else {
                throw KMSError.tag("Tag keys can't begin with aws:")
            }
            guard !result.contains(where: { $0.key == key }) else { throw KMSError.tag("Duplicate tag keys") }
            result.append(KeyRecord.Tag(key: key, value: value))
        }
        guard result.count <= KMSLimits.tagsMax else { throw KMSError.limit("Too many tags") }
        return result
    }

    static func policy(_ text: String) throws(ServiceError) -> String {
        guard text.utf8.count <= KMSLimits.policyBytesMax else { throw KMSError.limit("The key policy is too long.") }
        let value = try? JSONSerialization.jsonObject(with: Data(text.utf8))  // no JSON: refused below
        guard let document = value as? [String: Any] else {
            throw KMSError.malformedPolicy("The key policy is not valid JSON.")
        }
        let statements = document["Statement"] as? [[String: Any]] ?? (document["Statement"] as? [String: Any]).map { [$0] }
        guard let statements, !statements.isEmpty else {
            throw KMSError.malformedPolicy("The key policy has no statements.")
        }
        for statement in statements {
            let effect = statement["Effect"] as? String
            guard effect == "Allow" || effect == "Deny" else {
                throw KMSError.malformedPolicy("A statement of the key policy has no valid Effect.")
            }
            guard statement["Principal"] != nil || statement["NotPrincipal"] != nil,
                statement["Action"] != nil || statement["NotAction"] != nil
            else { throw KMSError.malformedPolicy("A statement of the key policy has no Principal or no Action.") }
        }
        return text
    }

    private static func check(
        _ count: Int, _ member: String, value: String?, _ range: ClosedRange<Int>, what: String
    ) throws(ServiceError) {
        if count > range.upperBound {
            throw KMSError.constraint(
                member, value: value, "Member must have \(what) less than or equal to \(range.upperBound)")
        }
        if count < range.lowerBound {
            throw KMSError.constraint(
                member, value: value, "Member must have \(what) greater than or equal to \(range.lowerBound)")
        }
    }

    private static func isAliasByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
