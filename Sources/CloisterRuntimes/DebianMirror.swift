/// The package mirror that the host's own apt uses: images come from where the host's packages come from.
struct DebianMirror: Sendable, Equatable {
    /// Base of the archive.
    var archive: String
    /// Base of the archive of security updates, where the host has one.
    var security: String?

    /// One line a target; what an index's Release file says of itself is empty until `apt-get update` ran once.
    static let query = [
        "apt-get", "indextargets", "--format", "$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(LABEL)", "Created-By: Packages",
    ]

    static let releases: Set<String> = ["bookworm", "trixie", "forky", "stable", "oldstable", "testing", "sid"]

    /// Reads what `query` printed.
    init?(targets: String) {
        var archive: String?
        var security: String?
        for line in targets.split(separator: "\n") {
            let fields = line.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
            guard fields.count == 4, fields[2] == "main" else { continue }
            if fields[1].hasSuffix("-security") {
                security = security ?? fields[0]
            } else if Self.releases.contains(fields[1]), fields[3] == "Debian" || fields[3].isEmpty
                || fields[3].hasPrefix("$")
            {
                archive = archive ?? fields[0]
            }
        }
        guard let archive else { return nil }
        self.init(archive: archive, security: security)
    }

    init(archive: String, security: String? = nil) {
        self.archive = archive
        self.security = security
    }

    /// apt source lines of a release.
    func sources(suite: String) -> [String] {
        ["deb \(archive) \(suite) main"] + (security.map { ["deb \($0) \(suite)-security main"] } ?? [])
    }
}
