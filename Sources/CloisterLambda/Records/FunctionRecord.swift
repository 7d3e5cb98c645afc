import CloisterCore
import CloisterServiceKit

// The records are stored as JSON. A member that is added later must be optional: older documents don't have it.

/// Code and configuration of one version, as the store keeps it.
struct VersionRecord: Codable, Equatable {
    var code: StoredCode
    var runtime: String
    var handler: String
    var role: String
    var description = ""
    var timeoutSeconds = 3
    var memoryMiB = 128
    var ephemeralStorageMiB = 512
    /// Nil: the function never had any; AWS's answers differ.
    var environment: [String: String]?
    var tracingMode = "PassThrough"
    var layers: [LayerUse] = []
    var architecture: String
    var snapStart = "None"
    var logging = LoggingRecord()
    var deadLetterTarget: String?
    /// Milliseconds since 1970.
    var lastModified: Int64
    var revisionID: String

    /// Whether publishing this after `other` would make a version without a difference.
    func isSameVersion(as other: VersionRecord) -> Bool {
        var mine = self
        mine.description = other.description
        mine.lastModified = other.lastModified
        mine.revisionID = other.revisionID
        return mine == other
    }
}

struct LayerUse: Codable, Equatable {
    /// The layer version's ARN.
    var arn: String
    var code: StoredCode
}

struct LoggingRecord: Codable, Equatable {
    var format = FunctionSnapshot.LogFormat.text
    var applicationLevel = "INFO"
    var systemLevel = "INFO"
    /// Nil: `/aws/lambda/NAME`.
    var group: String?
}

/// A published version; immutable.
struct PublishedVersion: Codable, Equatable {
    var number: Int
    var configuration: VersionRecord
}

/// A function with everything of it that can change.
struct FunctionRecord: Codable, Equatable {
    enum State: String, Codable {
        /// Being made. Next: `active`, `failed`.
        case pending = "Pending"
        case active = "Active"
        /// Its runtime could not be made ready. Next: `active`, by an update or a restart.
        case failed = "Failed"
    }

    enum UpdateStatus: String, Codable {
        case successful = "Successful"
        /// `serving` answers meanwhile. Next: `successful`, `failed`.
        case inProgress = "InProgress"
        case failed = "Failed"
    }

    var region: String
    var name: String
    /// Random, made at creation: tells a function from an earlier one of the same name.
    var identity: String
    var isTenantIsolated: Bool
    var latest: VersionRecord
    /// What `$LATEST` runs while an update isn't finished or has failed.
    var serving: VersionRecord?
    var state = State.pending
    /// For the user, when `state` or `updateStatus` is `failed`.
    var failure: String?
    var updateStatus = UpdateStatus.successful
    var lastPublished: Int?
    var tags: [String: String] = [:]
    var reservedConcurrency: Int?
    /// By qualifier: a version's number or an alias's name.
    var provisioned: [String: ProvisionedRecord]?
    var aliases: [String: AliasRecord] = [:]
    /// By qualifier, empty for the function itself.
    var policies: [String: PolicyRecord] = [:]
    /// By qualifier, `$LATEST` for the function itself.
    var eventInvoke: [String: EventInvokeRecord] = [:]

    var key: FunctionKey { FunctionKey(region: region, name: name) }
}

/// How many environments are kept initialised for a version or an alias.
struct ProvisionedRecord: Codable, Equatable {
    var count: Int
    /// Milliseconds since 1970.
    var lastModified: Int64
}

struct AliasRecord: Codable, Equatable {
    var version: String
    var description = ""
    var additionalVersion: String?
    var additionalWeight = 0.0
    var revisionID: String
}

/// A resource policy: AWS's statements, each one JSON object as text, in the order they were added.
struct PolicyRecord: Codable, Equatable {
    struct Statement: Codable, Equatable {
        var id: String
        var json: String
    }

    var statements: [Statement] = []
    var revisionID: String
}

struct EventInvokeRecord: Codable, Equatable {
    var retryAttemptsMax: Int?
    var eventAgeMaxSeconds: Int?
    var onSuccess: String?
    var onFailure: String?
    /// Milliseconds since 1970.
    var lastModified: Int64
}

/// One version of a layer; immutable.
struct LayerVersionRecord: Codable, Equatable {
    var region: String
    var name: String
    var number: Int
    var code: StoredCode
    var description = ""
    var license: String?
    var runtimes: [String] = []
    var architectures: [String] = []
    /// Milliseconds since 1970.
    var created: Int64
}
