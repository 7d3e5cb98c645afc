/// An alias: the version it points to, and a second one that gets a share of the invocations.
public struct AliasTarget: Sendable, Equatable {
    public var version: FunctionVersion
    public var additionalVersion: FunctionVersion?
    /// 0.0 to 1.0: the share of invocations that `additionalVersion` gets.
    public var additionalWeight: Double

    public init(version: FunctionVersion, additionalVersion: FunctionVersion? = nil, additionalWeight: Double = 0) {
        self.version = version
        self.additionalVersion = additionalVersion
        self.additionalWeight = additionalWeight
    }
}

/// What happens to `Event` invocations of one qualifier (AWS `FunctionEventInvokeConfig`).
public struct EventInvokeConfiguration: Sendable, Equatable {
    public static let `default` = EventInvokeConfiguration()

    /// 0 to 2.
    public var retryAttemptsMax: Int
    /// 60 to 21,600.
    public var eventAgeMaxSeconds: Int
    /// ARN of a function; nil for none.
    public var onSuccess: String?
    public var onFailure: String?

    public init(
        retryAttemptsMax: Int = 2, eventAgeMaxSeconds: Int = 21_600, onSuccess: String? = nil,
        onFailure: String? = nil
    ) {
        self.retryAttemptsMax = retryAttemptsMax
        self.eventAgeMaxSeconds = eventAgeMaxSeconds
        self.onSuccess = onSuccess
        self.onFailure = onFailure
    }
}

/// A function with all its versions and aliases, as the control plane publishes it to the data plane.
public struct FunctionEntry: Sendable, Equatable {
    public var key: FunctionKey
    /// Always holds `.latest`.
    public var versions: [FunctionVersion: FunctionSnapshot]
    public var aliases: [String: AliasTarget]
    /// Nil: unreserved. 0 throttles everything.
    public var reservedConcurrency: Int?
    /// Provisioned concurrency, by qualifier: a version's number or an alias's name. No version has it by two.
    public var provisionedConcurrency: [String: Int]
    /// By qualifier: `$LATEST`, a version's number or an alias's name.
    public var eventInvokeConfigurations: [String: EventInvokeConfiguration]
    /// ARN of a function that gets events which failed for good (`DeadLetterConfig`); not versioned.
    public var deadLetterTarget: String?

    public init(
        key: FunctionKey, versions: [FunctionVersion: FunctionSnapshot], aliases: [String: AliasTarget] = [:],
        reservedConcurrency: Int? = nil, provisionedConcurrency: [String: Int] = [:],
        eventInvokeConfigurations: [String: EventInvokeConfiguration] = [:], deadLetterTarget: String? = nil
    ) {
        self.key = key
        self.versions = versions
        self.aliases = aliases
        self.reservedConcurrency = reservedConcurrency
        self.provisionedConcurrency = provisionedConcurrency
        self.eventInvokeConfigurations = eventInvokeConfigurations
        self.deadLetterTarget = deadLetterTarget
    }

    /// The version that `qualifier` (nil: `$LATEST`) means for one invocation. `random` in 0..<1 decides between
    /// the two versions of a weighted alias. Nil when there is no such alias; the version may still not exist.
    public func version(qualifier: String?, random: Double) -> FunctionVersion? {
        guard let qualifier else { return .latest }
        if let version = FunctionVersion(qualifier) { return version }
        guard let alias = aliases[qualifier] else { return nil }
        if let additional = alias.additionalVersion, random < alias.additionalWeight { return additional }
        return alias.version
    }

    /// The snapshot of the version that `qualifier` means.
    public func resolve(qualifier: String?, random: Double) -> FunctionSnapshot? {
        version(qualifier: qualifier, random: random).flatMap { versions[$0] }
    }

    /// Shares `count` environments out among the versions that `qualifier` (nil: `$LATEST`) means, by an alias's weights:
    /// each version that gets invocations gets at least one, as far as `count` reaches. Empty when there is no such alias.
    public func shares(of count: Int, qualifier: String?) -> [FunctionVersion: Int] {
        guard count > 0, let version = version(qualifier: qualifier, random: 1) else { return [:] }
        guard let alias = qualifier.flatMap({ aliases[$0] }), let additional = alias.additionalVersion,
            alias.additionalWeight > 0
        else { return [version: count] }
        var share = Int((Double(count) * min(1, alias.additionalWeight)).rounded())
        if count > 1, alias.additionalWeight < 1 { share = min(max(share, 1), count - 1) }
        return [version: count - share, additional: share].filter { $0.value > 0 }
    }

    /// What of `provisionedConcurrency` each version gets.
    public var provisionedByVersion: [FunctionVersion: Int] {
        provisionedConcurrency.reduce(into: [:]) { sum, provisioned in
            sum.merge(shares(of: provisioned.value, qualifier: provisioned.key), uniquingKeysWith: +)
        }
    }
}
