import CloisterCore

/// Whether one isolation level works on this host, for `cloister doctor` and for `auto`.
public struct IsolationReport: Sendable, Equatable {
    public struct Check: Sendable, Equatable {
        /// For example `program`, `cgroups`, `environment`.
        public var name: String
        public var passed: Bool
        /// What was found, or why it failed.
        public var detail: String
        /// What to do about a failure.
        public var remedy: String?

        package init(name: String, passed: Bool, detail: String, remedy: String?) {
            self.name = name
            self.passed = passed
            self.detail = detail
            self.remedy = remedy
        }
    }

    public var level: IsolationLevel
    /// For people: the runtime's name and version; only the name when it isn't there.
    public var summary: String
    /// In the order they were made; the first failure ends the list.
    public var checks: [Check]

    package init(level: IsolationLevel, summary: String, checks: [Check]) {
        self.level = level
        self.summary = summary
        self.checks = checks
    }

    /// True only if an environment was started, ran code, was heard, and is gone without a trace.
    public var works: Bool { !checks.isEmpty && checks.allSatisfy(\.passed) }
    /// Why not, in one sentence.
    public var reason: String? { checks.first { !$0.passed }.map { "\($0.name): \($0.detail)" } }
    public var remedy: String? { checks.first { !$0.passed }?.remedy }
}
