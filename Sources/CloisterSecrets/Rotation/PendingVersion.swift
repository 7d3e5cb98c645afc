import CloisterCore

/// Ids of versions that the service itself begins.
enum PendingVersion {
    /// A version 4 UUID out of 16 random bytes.
    static func id(_ bytes: [UInt8]) -> String {
        func word(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
        return RequestID(random: word(bytes.prefix(8)), word(bytes.suffix(8))).rawValue
    }
}

enum AccountName {
    /// The account of a stored secret; nil for what no account's name is.
    static func of(_ scope: SecretScope) -> AccountID? { AccountID(scope.account) }
}
