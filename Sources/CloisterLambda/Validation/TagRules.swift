import CloisterCore
import CloisterServiceKit

/// Tags, and the three that configure Cloister.
enum TagRules {
    /// At most this many characters in a tenant id of this function.
    static let tenantIDLengthMax = "cloister:tenant-id-length-max"
    /// The weakest isolation level that the function may run at.
    static let isolationMinimum = "cloister:isolation-minimum"

    /// `registered`: tenants that the registry doesn't know are refused. `any`, or no tag: they are served.
    static let tenants = "cloister:tenants"

    static func check(_ tags: [String: String], max: Int) throws(ServiceError) {
        guard tags.count <= max else { throw .invalidParameter("Tag limit exceeded: at most \(max) tags.") }
        for (name, value) in tags {
            guard !name.isEmpty, name.count <= 128, value.count <= 256 else {
                throw .invalidParameter("Tag keys have 1 to 128 characters, tag values at most 256.")
            }
            guard !name.lowercased().hasPrefix("aws:") else {
                throw .invalidParameter("Tag keys must not begin with aws:.")
            }
        }
        // A setting that can't be read must not be taken for none.
        if let text = tags[tenantIDLengthMax], length(text) == nil {
            throw .invalidParameter("The tag \(tenantIDLengthMax) must be a number from 1 to \(TenantID.lengthMax).")
        }
        if let text = tags[isolationMinimum], IsolationLevel(rawValue: text) == nil {
            let levels = IsolationLevel.allCases.map(\.rawValue).joined(separator: ", ")
            throw .invalidParameter("The tag \(isolationMinimum) must be one of \(levels).")
        }
        if let text = tags[tenants], !["any", "registered"].contains(text) {
            throw .invalidParameter("The tag \(tenants) must be registered or any.")
        }
    }

    static func servesRegisteredTenantsOnly(_ tags: [String: String]) -> Bool { tags[tenants] == "registered" }

    static func tenantIDLengthMax(_ tags: [String: String]) -> Int {
        tags[tenantIDLengthMax].flatMap(length) ?? TenantID.lengthMax
    }

    static func isolationMinimum(_ tags: [String: String]) -> IsolationLevel? {
        tags[isolationMinimum].flatMap(IsolationLevel.init)
    }

    private static func length(_ text: String) -> Int? {
        guard let length = Int(text), (1...TenantID.lengthMax).contains(length) else { return nil }
        return length
    }
}
