/// How an image of one runtime is made: which Debian release and packages, and which runtime client on top.
struct RuntimeDefinition: Sendable, Equatable {
    enum Client: Sendable, Equatable {
        /// The official Python client; the interpreter's version, such as `3.13`.
        case python(String)
        case node
        /// The function brings its own `bootstrap`.
        case provided
    }

    /// AWS's identifier, such as `python3.13`.
    var name: String
    /// Debian's code name.
    var suite: String
    var packages: [String]
    var client: Client

    /// All that can be built, in the order in which they are listed to users.
    static let all: [RuntimeDefinition] = [
        RuntimeDefinition(
            name: "python3.13", suite: "trixie", packages: ["ca-certificates", "libstdc++6", "python3.13"],
            client: .python("3.13")),
        RuntimeDefinition(
            name: "python3.11", suite: "bookworm", packages: ["ca-certificates", "libstdc++6", "python3.11"],
            client: .python("3.11")),
        RuntimeDefinition(
            name: "nodejs20.x", suite: "trixie", packages: ["ca-certificates", "nodejs"], client: .node),
        RuntimeDefinition(
            name: "provided.al2023", suite: "bookworm", packages: ["ca-certificates", "curl"], client: .provided),
        RuntimeDefinition(
            name: "provided", suite: "bookworm", packages: ["ca-certificates", "curl"], client: .provided),
    ]

    static func named(_ name: String) -> RuntimeDefinition? {
        all.first { $0.name == name }
    }

    /// Commands that must succeed in a finished image.
    var trials: [[String]] {
        let shell = ["/bin/sh", "-c", "test -x \(RuntimeFiles.bootstrap) && test -d /var/task && ls /tmp /opt"]
        switch client {
        case .python(let version):
            // The official client falls back silently where its own native part can't be loaded: here that fails.
            let imports = "import sys; sys.path.append('\(RuntimeFiles.directory)'); "
                + "import runtime_client, ssl, sqlite3, bz2, lzma, ctypes, boto3"
            return [shell, ["/usr/bin/python\(version)", "-B", "-c", imports]]
        case .node: return [shell, ["/usr/bin/node", "-e", "require('/var/runtime/client.js')"]]
        case .provided: return [shell, ["/bin/bash", "-c", "curl --version"]]
        }
    }

    /// Runtimes of AWS's that have no image here, and the nearest that has. Used only where the user allows it:
    /// a function may depend on what differs.
    static let substitutes: [String: String] = [
        "python3.9": "python3.11", "python3.10": "python3.11", "python3.12": "python3.13",
        "python3.14": "python3.13", "nodejs18.x": "nodejs20.x", "nodejs22.x": "nodejs20.x",
        "nodejs24.x": "nodejs20.x", "provided.al2": "provided.al2023",
    ]
}
