import CloisterCore

/// What a template is evaluated for.
public struct StackContext: Sendable {
    /// 1 to 128 of `[a-zA-Z0-9-]`, beginning with a letter, as CloudFormation has it.
    public var stackName: String
    public var region: String
    public var account: AccountID
    /// `--parameter-overrides`.
    public var parameters: [String: String]

    public init(stackName: String, region: String, account: AccountID, parameters: [String: String] = [:]) {
        self.stackName = stackName
        self.region = region
        self.account = account
        self.parameters = parameters
    }

    /// Whether `name` can name a stack.
    public static func isStackName(_ name: String) -> Bool {
        guard let first = name.utf8.first, isLetter(first), name.utf8.count <= 128 else { return false }
        return name.utf8.allSatisfy { isLetter($0) || isDigit($0) || $0 == UInt8(ascii: "-") }
    }

    /// The value of a pseudo parameter such as `AWS::Region`; nil for an unknown name. `AWS::NoValue` isn't one.
    func pseudoParameter(_ name: String) -> String? {
        switch name {
        case "AWS::AccountId": account.rawValue
        case "AWS::Region": region
        case "AWS::StackName": stackName
        case "AWS::StackId": "arn:aws:cloudformation:\(region):\(account):stack/\(stackName)/\(stableSuffix(stackName))"
        case "AWS::Partition": "aws"
        case "AWS::URLSuffix": "amazonaws.com"
        default: nil
        }
    }

    /// `STACK-LOGICALID-SUFFIX`, at most `lengthMax` characters, the same for the same stack and resource.
    func generatedName(for logicalID: String, lengthMax: Int = 64) -> String {
        let suffix = stableSuffix(stackName + "\n" + logicalID)
        let room = lengthMax - suffix.count - 2
        let resource = String(logicalID.prefix(room / 2 + max(0, room / 2 - stackName.count)))
        return "\(stackName.prefix(room - resource.count))-\(resource)-\(suffix)"
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (byte | 0x20) >= UInt8(ascii: "a") && (byte | 0x20) <= UInt8(ascii: "z")
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
}

/// Twelve letters and digits that depend on `text` alone.
func stableSuffix(_ text: String) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
    return String(SHA256Digest.of(Array(text.utf8)).prefix(12).map { alphabet[Int($0 & 31)] })
}
