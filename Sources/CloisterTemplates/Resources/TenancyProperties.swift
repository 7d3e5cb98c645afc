/// Tenant isolation in both of its spellings; the result is AWS's own.
enum TenancyProperties {
    static let perTenant = PropertyValue.map(["TenantIsolationMode": .string("PER_TENANT")])

    /// Nil when the function asks for none. Everything but a clear "per tenant" is an error, so that no misspelling
    /// runs tenants together.
    static func read(_ reader: inout PropertyReader) throws -> PropertyValue? {
        let aws = try mode(&reader, section: "TenancyConfig", key: "TenantIsolationMode", value: "PER_TENANT")
        let article = try mode(&reader, section: "TenantIsolationConfig", key: "Mode", value: "PerTenant")
        return aws || article ? perTenant : nil
    }

    private static func mode(
        _ reader: inout PropertyReader, section name: String, key: String, value: String
    ) throws -> Bool {
        guard var section = try reader.section(name) else { return false }
        let mode = try section.literal(key)
        for entry in section.node.entries ?? [] where entry.key != key {
            throw TemplateError(
                .invalidValue, "\(section.path).\(entry.key) isn't a property", suggestion: "write `\(key): \(value)`",
                at: entry.keyPosition)
        }
        guard mode == value else {
            throw TemplateError(
                .invalidValue, "\(section.path).\(key) is \(mode.map { "`\($0)`" } ?? "missing")",
                suggestion: "the only mode is `\(value)`; leave \(name) out for none",
                at: section.node[key]?.position ?? section.node.position)
        }
        return true
    }
}
