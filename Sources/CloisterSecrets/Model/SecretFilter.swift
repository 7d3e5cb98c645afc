import CloisterServiceKit

/// `Filters` of `ListSecrets` and `BatchGetSecretValue`: all of them must match, each with any of its values.
struct SecretFilter {
    enum Key: String, CaseIterable {
        case description, name, all
        case tagKey = "tag-key"
        case tagValue = "tag-value"
        case primaryRegion = "primary-region"
        case owningService = "owning-service"
    }

    let key: Key
    let values: [String]

    static func list(_ filters: [SecretsRequests.Filter]?) throws(ServiceError) -> [SecretFilter] {
        var result: [SecretFilter] = []
        for (index, filter) in (filters ?? []).enumerated() {
            guard let name = filter.Key else { throw SecretsError.invalidParameter("Invalid filter key") }
            guard let key = Key(rawValue: name) else {
                throw SecretsError.constraint(
                    "filters.\(index + 1).member.key", value: name,
                    "Member must satisfy enum value set: [all, name, tag-key, description, tag-value]")
            }
            guard let values = filter.Values, (1...10).contains(values.count) else {
                throw SecretsError.invalidParameter("Invalid filter values for key: \(name)")
            }
            result.append(SecretFilter(key: key, values: values))
        }
        guard result.count <= 10 else { throw SecretsError.invalidParameter("Too many filters") }
        return result
    }

    func matches(_ record: SecretRecord) -> Bool {
        values.contains { value in
            guard value.hasPrefix("!") else { return matches(record, value) }
            return !matches(record, String(value.dropFirst()))
        }
    }

    private func matches(_ record: SecretRecord, _ value: String) -> Bool {
        switch key {
        case .name: record.name.hasPrefix(value)
        case .tagKey: record.tags.contains { $0.Key.hasPrefix(value) }
        case .tagValue: record.tags.contains { $0.Value.hasPrefix(value) }
        case .description: SecretFilter.beginsWords(of: record.description ?? "", value)
        case .all: matchesAnything(record, value)
        case .primaryRegion, .owningService: false
        }
    }

    private func matchesAnything(_ record: SecretRecord, _ value: String) -> Bool {
        let texts = [record.name, record.description ?? ""] + record.tags.flatMap { [$0.Key, $0.Value] }
        return value.split(separator: " ").allSatisfy { word in
            texts.contains { $0.lowercased().contains(word.lowercased()) }
        }
    }

    /// Whether `text`, or one of its words, begins with `value`, whatever the case.
    private static func beginsWords(of text: String, _ value: String) -> Bool {
        let text = text.lowercased()
        let value = value.lowercased()
        return text.hasPrefix(value) || text.split(separator: " ").contains { $0.hasPrefix(value) }
    }
}
