import Foundation

/// Everything that is stored of one key. Times are milliseconds since 1970.
struct KeyRecord: Codable, Sendable, Equatable {
    struct Tag: Codable, Sendable, Equatable {
        var key: String
        var value: String
    }

    /// One version of the key material. The first is 1.
    struct Material: Codable, Sendable, Equatable {
        enum Cause: String, Codable { case creation, automatic = "AUTOMATIC", onDemand = "ON_DEMAND" }

        var version: UInt32
        /// 64 hexadecimal digits, as clients see it.
        var id: String
        /// Wrapped by the root key.
        var wrapped: Data
        var madeAt: Int64
        var cause: Cause
    }

    struct Rotation: Codable, Sendable, Equatable {
        var periodDays: Int
        var nextAt: Int64
    }

    struct Deletion: Codable, Sendable, Equatable {
        var at: Int64
        var windowDays: Int
    }

    var description: String
    var spec: KeySpec
    var usage: KeyUsage
    /// Made for a service of the platform; its policy and state can't be changed.
    var isAWSManaged: Bool
    var createdAt: Int64
    var isEnabled: Bool
    var deletion: Deletion?
    var rotation: Rotation?
    /// JSON.
    var policy: String
    var tags: [Tag]
    /// Names with `alias/`.
    var aliases: [String]
    var grants: [Grant]
    var materials: [Material]
    /// SubjectPublicKeyInfo, of asymmetric keys.
    var publicKey: Data?

    enum State: String { case enabled = "Enabled", disabled = "Disabled", pendingDeletion = "PendingDeletion" }

    var state: State {
        if deletion != nil { return .pendingDeletion }
        return isEnabled ? .enabled : .disabled
    }

    /// New data goes under the newest.
    var current: Material? { materials.last }

    func material(_ version: UInt32) -> Material? { materials.first { $0.version == version } }
}

/// A grant on a key.
struct Grant: Codable, Sendable, Equatable {
    var id: String
    var name: String?
    var createdAt: Int64
    var grantee: String
    var retiring: String?
    var operations: [String]
    var contextEquals: [String: String]?
    var contextSubset: [String: String]?
    var issuingAccount: String

    /// Whether a call with this encryption context is within the grant's constraints.
    func allows(context: [String: String]) -> Bool {
        if let contextEquals, contextEquals != context { return false }
        guard let contextSubset else { return true }
        return contextSubset.allSatisfy { context[$0.key] == $0.value }
    }
}
