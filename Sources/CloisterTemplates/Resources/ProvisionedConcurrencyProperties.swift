/// `ProvisionedConcurrencyConfig` of versions, aliases and SAM's functions.
enum ProvisionedConcurrencyProperties {
    static let key = "ProvisionedConcurrencyConfig"

    /// Nil when there is none.
    static func read(_ reader: inout PropertyReader) throws -> PropertyValue? {
        guard var section = try reader.section(key) else { return nil }
        let member = "ProvisionedConcurrentExecutions"
        guard let count = try section.integer(member, in: 1...1_000_000) else {
            throw TemplateError(.invalidValue, "\(section.path).\(member) is missing", at: section.node.position)
        }
        try section.warnAboutUnknown()
        return .map([member: .integer(count)])
    }
}
