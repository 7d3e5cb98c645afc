/// The part of the OCI runtime specification (`config.json`) that we use.
struct RuntimeSpecification: Encodable, Sendable {
    var ociVersion = "1.0.2"
    var process: Process
    var root: Root
    var hostname: String
    var mounts: [Mount]
    var linux: Linux
    var annotations: [String: String]

    struct Process: Encodable, Sendable {
        var terminal = false
        var user: User
        var args: [String]
        var env: [String]
        var cwd: String
        var capabilities = Capabilities()
        var noNewPrivileges = true
        var rlimits: [Limit]
        var oomScoreAdj: Int
    }

    struct User: Encodable, Sendable {
        var uid: UInt32
        var gid: UInt32
        var umask: UInt32 = 0o022
    }

    struct Capabilities: Encodable, Sendable {
        var bounding: [String] = []
        var effective: [String] = []
        var permitted: [String] = []
        var inheritable: [String] = []
        var ambient: [String] = []
    }

    struct Limit: Encodable, Sendable {
        var type: String
        var hard: UInt64
        var soft: UInt64

        init(_ type: String, _ value: UInt64) {
            self.type = type
            hard = value
            soft = value
        }
    }

    struct Root: Encodable, Sendable {
        var path: String
        var readonly = true
    }

    struct Mount: Encodable, Sendable {
        var destination: String
        var type: String
        var source: String
        var options: [String]
    }

    struct Linux: Encodable, Sendable {
        var namespaces: [Namespace]
        var uidMappings: [Mapping]?
        var gidMappings: [Mapping]?
        var maskedPaths: [String]
        var readonlyPaths: [String]
    }

    struct Namespace: Encodable, Sendable {
        var type: String
        var path: String?
    }

    struct Mapping: Encodable, Sendable {
        var containerID: UInt32
        var hostID: UInt32
        var size: UInt32 = 1
    }
}
