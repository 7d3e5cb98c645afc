/// A condition operator: `ForAnyValue:StringNotLikeIfExists` is the set, the comparison, its negation and the suffix.
struct ConditionOperator: Sendable, Equatable {
    enum Comparison: Sendable, Equatable {
        case string(ignoringCase: Bool)
        case stringLike
        case numeric(Ordering)
        case date(Ordering)
        case bool
        case binary
        case address
        case arn
        /// `Null`: whether the key is missing.
        case null
    }

    enum Ordering: Sendable, Equatable {
        case equal, less, lessOrEqual, greater, greaterOrEqual

        func holds(_ left: Double, _ right: Double) -> Bool {
            switch self {
            case .equal: left == right
            case .less: left < right
            case .lessOrEqual: left <= right
            case .greater: left > right
            case .greaterOrEqual: left >= right
            }
        }
    }

    /// How the values of a key with several of them are taken.
    enum Quantifier: Sendable, Equatable { case none, forAll, forAny }

    var comparison: Comparison
    var isNegated: Bool
    var isIfExists: Bool
    var quantifier: Quantifier

    init(_ text: String) throws(PolicyError) {
        var name = Substring(text)
        quantifier = .none
        if name.hasPrefix("ForAllValues:") {
            quantifier = .forAll
        } else if name.hasPrefix("ForAnyValue:") {
            quantifier = .forAny
        }
        if quantifier != .none, let colon = name.firstIndex(of: ":") { name = name[name.index(after: colon)...] }
        isIfExists = name.hasSuffix("IfExists")
        if isIfExists { name = name.dropLast("IfExists".count) }
        guard let (comparison, isNegated) = ConditionOperator.named[String(name)], comparison != .null || !isIfExists else {
            throw PolicyError("Invalid Condition type : \(text.prefix(64))")
        }
        self.comparison = comparison
        self.isNegated = isNegated
    }

    private static let named: [String: (Comparison, Bool)] = [
        "StringEquals": (.string(ignoringCase: false), false), "StringNotEquals": (.string(ignoringCase: false), true),
        "StringEqualsIgnoreCase": (.string(ignoringCase: true), false),
        "StringNotEqualsIgnoreCase": (.string(ignoringCase: true), true),
        "StringLike": (.stringLike, false), "StringNotLike": (.stringLike, true),
        "NumericEquals": (.numeric(.equal), false), "NumericNotEquals": (.numeric(.equal), true),
        "NumericLessThan": (.numeric(.less), false), "NumericLessThanEquals": (.numeric(.lessOrEqual), false),
        "NumericGreaterThan": (.numeric(.greater), false), "NumericGreaterThanEquals": (.numeric(.greaterOrEqual), false),
        "DateEquals": (.date(.equal), false), "DateNotEquals": (.date(.equal), true),
        "DateLessThan": (.date(.less), false), "DateLessThanEquals": (.date(.lessOrEqual), false),
        "DateGreaterThan": (.date(.greater), false), "DateGreaterThanEquals": (.date(.greaterOrEqual), false),
        "Bool": (.bool, false), "BinaryEquals": (.binary, false),
        "IpAddress": (.address, false), "NotIpAddress": (.address, true),
        "ArnEquals": (.arn, false), "ArnLike": (.arn, false), "ArnNotEquals": (.arn, true), "ArnNotLike": (.arn, true),
        "Null": (.null, false),
    ]
}
