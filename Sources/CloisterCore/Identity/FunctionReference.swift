/// A `FunctionName` parameter as clients write it: name, `name:qualifier`, `ACCOUNT:function:name`,
/// `function:name` or a whole ARN, with or without a qualifier (botocore's `NamespacedFunctionName`).
public struct FunctionReference: Equatable, Sendable {
    public static let lengthMax = 256
    public static let nameLengthMax = 64

    public let name: String
    /// A version, `$LATEST`, or an alias; nil when the parameter has none.
    public let qualifier: String?
    public let account: String?
    public let region: String?

    /// Nil unless `text` is one of the forms above.
    public init?(_ text: String) {
        guard !text.isEmpty, text.utf8.count <= FunctionReference.lengthMax else { return nil }
        var parts = text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false).map { String(Substring($0)) }
        var account: String?
        var region: String?
        if parts.first == "arn", parts.count > 2 {
            guard parts.count == 7 || parts.count == 8, FunctionReference.isPartition(parts[1]), parts[2] == "lambda",
                parts[5] == "function", AccountID(parts[4]) != nil,
                FunctionReference.isRegion(parts[3])
            else { return nil }
            region = parts[3]
            account = parts[4]
            parts.removeFirst(6)
        } else if parts.count >= 3, parts[1] == "function", AccountID(parts[0]) != nil {
            account = parts[0]
            parts.removeFirst(2)
        } else if parts.count >= 2, parts[0] == "function" {
            parts.removeFirst()
        }
        guard parts.count == 1 || parts.count == 2, FunctionReference.isName(parts[0]) else { return nil }
        if parts.count == 2, !FunctionReference.isQualifier(parts[1]) { return nil }
        self.name = parts[0]
        self.qualifier = parts.count == 2 ? parts[1] : nil
        self.account = account
        self.region = region
    }

    /// Whether `text` can name a function: 1 to 64 of `[a-zA-Z0-9-_]`.
    public static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= nameLengthMax && text.utf8.allSatisfy(isNameByte)
    }

    /// Whether `text` can be a qualifier: `$LATEST`, or 1 to 128 of `[a-zA-Z0-9-_]`.
    public static func isQualifier(_ text: String) -> Bool {
        text == "$LATEST" || (!text.isEmpty && text.utf8.count <= 128 && text.utf8.allSatisfy(isNameByte))
    }

    /// `aws`, `aws-cn`, `aws-us-gov` and their like.
    private static func isPartition(_ text: String) -> Bool {
        text.hasPrefix("aws") && text.utf8.count <= 32 && text.utf8.allSatisfy(isRegionByte)
    }

    private static func isRegion(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 32 && text.utf8.allSatisfy(isRegionByte)
    }

    private static func isRegionByte(_ byte: UInt8) -> Bool {
        isASCIIDigit(byte) || byte == UInt8(ascii: "-") || (byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z"))
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default:
            false
        }
    }
}
