import CloisterCore

/// A layer as clients write it: a bare name or an ARN, with or without a version's number.
struct LayerReference: Equatable {
    let name: String
    let account: String?
    let region: String?
    let number: Int?

    /// A layer's name or ARN without a version.
    init?(name text: String) {
        if text.hasPrefix("arn:") {
            self.init(text, hasNumber: false)
        } else {
            self.init(name: text, account: nil, region: nil, number: nil)
        }
    }

    /// A layer version's ARN.
    init?(versionARN text: String) { self.init(text, hasNumber: true) }

    private init?(_ arn: String, hasNumber: Bool) {
        guard arn.utf8.count <= 256 else { return nil }
        let parts = arn.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == (hasNumber ? 8 : 7), parts[0] == "arn", parts[1].hasPrefix("aws"), parts[2] == "lambda",
            !parts[3].isEmpty, AccountID(parts[4]) != nil, parts[5] == "layer"
        else { return nil }
        var number: Int?
        if hasNumber {
            guard Pattern.isDigits(parts[7]), let value = Int(parts[7]), value > 0 else { return nil }
            number = value
        }
        self.init(name: parts[6], account: parts[4], region: parts[3], number: number)
    }

    private init?(name: String, account: String?, region: String?, number: Int?) {
        guard name.utf8.count <= 64, Pattern.name.matches(name) else { return nil }
        self.name = name
        self.account = account
        self.region = region
        self.number = number
    }
}
