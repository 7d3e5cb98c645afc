/// The server's refusal, as AWS's clients would see it.
struct APIError: Error, Equatable {
    var status: Int
    /// The exception's name.
    var code: String
    var message: String

    var isNotFound: Bool { status == 404 }

    /// For the user, with a hint for the usual causes.
    var failure: CommandFailure {
        CommandFailure(
            "\(code): \(Terminal.harmless(message))", hint: hint, status: status == 403 ? .accessDenied : .failed)
    }

    private var hint: String? {
        if message.contains("TenantIdentifierRequired") { return "say which tenant with --tenant-id" }
        if message.contains("TenantIdentifierNotSupported") { return "leave --tenant-id out" }
        if message.contains("TenantSuspended") { return "`cloister tenants resume ID` ends a suspension" }
        if message.contains("TenantNotRegistered") { return "`cloister tenants put ID` registers a tenant" }
        switch status {
        case 403:
            return "the key comes from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, else from --data DIR; "
                + "`cloister env` prints the right one"
        case 501: return "this server doesn't have that operation yet"
        default: return nil
        }
    }
}
