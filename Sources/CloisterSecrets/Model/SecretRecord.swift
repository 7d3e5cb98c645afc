/// Everything that is stored of one secret but its values. Times are milliseconds since 1970.
struct SecretRecord: Codable, Sendable, Equatable {
    struct Tag: Codable, Sendable, Equatable {
        var Key: String
        var Value: String
    }

    struct Version: Codable, Sendable, Equatable {
        var id: String
        var stages: [String]
        var createdAt: Int64
        var accessedAt: Int64?
        /// Nil for a version that a rotation has begun and not filled yet.
        var keyARN: String?

        var hasValue: Bool { keyARN != nil }
    }

    struct Rotation: Codable, Sendable, Equatable {
        var isEnabled: Bool
        var functionARN: String
        var afterDays: Int?
        var duration: String?
        var schedule: String?
        var nextAt: Int64?
        /// Who configured it: on whose behalf it runs.
        var principalARN: String
    }

    var name: String
    /// The six characters at the ARN's end.
    var suffix: String
    var description: String?
    /// As given; nil for the account's own key.
    var keyID: String?
    var tags: [Tag]
    var policy: String?
    var createdAt: Int64
    var changedAt: Int64
    var accessedAt: Int64?
    var rotatedAt: Int64?
    /// When it was deleted, and when it can't be restored any more.
    var deletedAt: Int64?
    var purgeAt: Int64?
    var rotation: Rotation?
    var versions: [Version]

    static let current = "AWSCURRENT"
    static let previous = "AWSPREVIOUS"
    static let pending = "AWSPENDING"

    func version(_ id: String) -> Version? { versions.first { $0.id == id } }
    func version(stage: String) -> Version? { versions.first { $0.stages.contains(stage) } }

    /// Every version that has a stage, by id.
    var staged: [String: [String]] {
        Dictionary(versions.filter { !$0.stages.isEmpty }.map { ($0.id, $0.stages) }) { first, _ in first }
    }

    /// Moves `stage` to the version `id` from whichever has it. Where `AWSCURRENT` was, `AWSPREVIOUS` is then.
    mutating func move(_ stage: String, to id: String) {
        let holder = version(stage: stage)?.id
        guard holder != id else { return }
        take(stage)
        if stage == SecretRecord.current, let holder { put(SecretRecord.previous, on: holder) }
        put(stage, on: id)
    }

    mutating func take(_ stage: String) {
        for index in versions.indices { versions[index].stages.removeAll { $0 == stage } }
    }

    /// Adds a version, or takes the place of an empty one with its id; gives it the stages.
    mutating func add(_ version: Version, stages: [String]) {
        if let index = versions.firstIndex(where: { $0.id == version.id }) {
            let known = versions[index].stages
            versions[index] = version
            versions[index].stages = known
        } else {
            versions.append(version)
        }
        for stage in stages { move(stage, to: version.id) }
    }

    /// Takes the oldest versions without a stage off, beyond the quota; gives their ids.
    mutating func removeDeprecated() -> [String] {
        let deprecated = versions.filter(\.stages.isEmpty).sorted { $0.createdAt < $1.createdAt }
        let surplus = deprecated.prefix(max(0, deprecated.count - SecretsLimits.deprecatedVersionsMax)).map(\.id)
        versions.removeAll { surplus.contains($0.id) }
        return surplus
    }

    private mutating func put(_ stage: String, on id: String) {
        take(stage)
        guard let index = versions.firstIndex(where: { $0.id == id }) else { return }
        versions[index].stages.append(stage)
    }
}
