/// A function within this installation's account: region and bare name.
public struct FunctionKey: Hashable, Sendable, CustomStringConvertible {
    public let region: String
    public let name: String

    public init(region: String, name: String) {
        self.region = region
        self.name = name
    }

    /// The unqualified ARN, `arn:aws:lambda:REGION:ACCOUNT:function:NAME`.
    public func arn(account: AccountID) -> String {
        "arn:aws:lambda:\(region):\(account):function:\(name)"
    }

    public var description: String { "\(region)/\(name)" }
}

/// `$LATEST` or a published version's number (1 and up).
public enum FunctionVersion: Hashable, Sendable, CustomStringConvertible, Comparable {
    case latest
    case number(Int)

    /// Nil unless `text` is `$LATEST` or a decimal number of 1 or more without leading zeros.
    public init?(_ text: String) {
        if text == "$LATEST" {
            self = .latest
        } else if text.utf8.first != UInt8(ascii: "0"), text.utf8.allSatisfy(isASCIIDigit), let number = Int(text) {
            self = .number(number)
        } else {
            return nil
        }
    }

    public var description: String {
        switch self {
        case .latest: "$LATEST"
        case .number(let number): String(number)
        }
    }

    public static func < (lhs: FunctionVersion, rhs: FunctionVersion) -> Bool {
        switch (lhs, rhs) {
        case (.latest, .number): true
        case (_, .latest): false
        case (.number(let left), .number(let right)): left < right
        }
    }
}

/// One function version: what environments are made for. Environments are never shared between two of them.
public struct FunctionVersionKey: Hashable, Sendable, CustomStringConvertible {
    public let function: FunctionKey
    public let version: FunctionVersion

    public init(function: FunctionKey, version: FunctionVersion) {
        self.function = function
        self.version = version
    }

    public var description: String { "\(function):\(version)" }
}
