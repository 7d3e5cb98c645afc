import Foundation

/// Makes one image: Debian packages, then the platform's files, then the runtime client, beside its final place,
/// and puts it there with a rename. The caller holds the runtime's lock.
struct ImageBuilder {
    let definition: RuntimeDefinition
    let directory: RuntimesDirectory
    let environment: [String: String]
    let cancellation: Cancellation
    let progress: @Sendable (BuildProgress) -> Void
    private var percent = 0

    /// All files get this time, the first of 2025 UTC: an image's bytes depend on its packages alone.
    static let timestamp = 1_735_689_600

    init(
        definition: RuntimeDefinition, directory: RuntimesDirectory, environment: [String: String],
        cancellation: Cancellation, progress: @escaping @Sendable (BuildProgress) -> Void
    ) {
        self.definition = definition
        self.directory = directory
        self.environment = environment
        self.cancellation = cancellation
        self.progress = progress
    }

    private var workplace: String { directory.underConstruction(definition.name) }
    private var rootfs: String { workplace + "/rootfs" }

    /// - Throws: `RuntimeImageError`. What was made until then is removed.
    mutating func build() throws {
        report("checking this host", 0)
        guard geteuid() == 0 else { throw RuntimeImageError.notRoot }
        let mirror = try findMirror()
        directory.removeUnfinished(definition.name)
        // The image before the last.
        try FileTree.remove(directory.retired(definition.name))
        try FileTree.makeDirectory(workplace)
        do {
            try fill(mirror)
            try publish()
        } catch {
            try? FileTree.remove(workplace)
            throw error
        }
        report("ready", 100)
    }

    private mutating func fill(_ mirror: DebianMirror) throws {
        try installPackages(mirror)
        report("removing what functions don't need", 62)
        let root = ImageRoot(path: rootfs)
        let packages = try root.installedPackages()
        try root.prune()
        try root.addPlatformFiles()
        let libraries = try installClient(root)
        report("trying the image", 90)
        for command in definition.trials {
            try run(["chroot", rootfs] + command, step: "trying the image", package: "coreutils")
        }
        report("fixing permissions and computing the digest", 92)
        let content = try root.seal(timestamp: Self.timestamp)
        let manifest = ImageManifest(
            format: ImageManifest.currentFormat, runtime: definition.name, suite: definition.suite,
            packages: packages, libraries: libraries, digest: content.digest, size: content.size,
            builtAt: Date.now.formatted(.iso8601))
        try manifest.write(workplace + "/image.json")
    }

    private mutating func installPackages(_ mirror: DebianMirror) throws {
        report("installing Debian packages", 2)
        var arguments = [
            "mmdebstrap", "--mode=root", "--variant=essential", "--format=directory",
            "--include=" + definition.packages.joined(separator: ","),
            "--aptopt=APT::Install-Recommends \"false\"",
        ]
        for path in ["doc", "man", "info", "locale", "lintian"] {
            arguments.append("--dpkgopt=path-exclude=/usr/share/\(path)/*")
        }
        arguments += [definition.suite, rootfs] + mirror.sources(suite: definition.suite)
        let steps = Self.packageSteps
        try run(arguments, step: "installing Debian packages", package: "mmdebstrap") { line in
            steps.first { line.hasPrefix("I: " + $0.line) }.map { ($0.step, $0.percent) }
        }
    }

    private static let packageSteps: [(line: String, step: String, percent: Int)] = [
        ("running apt-get update", "reading the package lists", 4),
        ("downloading packages", "downloading Debian packages", 10),
        ("extracting archives", "unpacking Debian packages", 25),
        ("installing essential", "installing Debian's base", 35),
        ("installing remaining", "installing the runtime's packages", 50),
        ("cleaning package lists", "cleaning up", 60),
    ]

    /// - Returns: the versions of what was added, by name.
    private mutating func installClient(_ root: ImageRoot) throws -> [String: String] {
        switch definition.client {
        case .python(let version):
            return try installPython(PythonClient(version: version, root: root))
        case .node:
            report("adding the runtime client", 80)
            try NodeClient(root: root).install()
            return [:]
        case .provided:
            try root.write(RuntimeFiles.providedBootstrap, to: RuntimeFiles.bootstrap, mode: 0o755)
            return [:]
        }
    }

    private mutating func installPython(_ client: PythonClient) throws -> [String: String] {
        report("installing Python packages", 65)
        let requirements = workplace + "/requirements.txt"
        try FileTree.write(RuntimeFiles.pythonRequirements, to: requirements, mode: 0o600)
        defer { try? FileTree.remove(requirements) }
        let python = try findPython()
        try run(client.pip(python: python, requirements: requirements), step: "installing Python packages",
            package: "python3-pip")
        try client.addFiles()
        report("compiling Python modules", 80)
        for command in client.compile {
            try run(command, step: "compiling Python modules", package: "coreutils")
        }
        return client.libraries()
    }

    /// Puts the image in its place. The old one stays beside it until the next build: environments may use it.
    private func publish() throws {
        let image = directory.image(definition.name)
        if FileTree.exists(image) { try FileTree.rename(image, to: directory.retired(definition.name)) }
        try FileTree.rename(workplace, to: image)
    }

    private func findMirror() throws -> DebianMirror {
        if let given = environment["CLOISTER_DEBIAN_MIRROR"], !given.isEmpty { return DebianMirror(archive: given) }
        let outcome = try command(DebianMirror.query).run()
        guard let outcome, outcome.status == 0, let mirror = DebianMirror(targets: outcome.tail.joined(separator: "\n"))
        else { throw RuntimeImageError.noMirror }
        return mirror
    }

    /// Debian's own Python with its pip package, else the first of the path that has pip.
    private func findPython() throws -> String {
        for python in ["/usr/bin/python3", "python3"] {
            let outcome = try command([python, "-m", "pip", "--version"]).run()
            if outcome?.status == 0 { return python }
        }
        throw RuntimeImageError.missingProgram("pip", package: "python3-pip")
    }

    private mutating func run(
        _ arguments: [String], step: String, package: String,
        progress: (String) -> (String, Int)? = { _ in nil }
    ) throws {
        let outcome = try command(arguments).run { line in
            if let (step, percent) = progress(line) { report(step, percent) }
        }
        guard let outcome else { throw RuntimeImageError.missingProgram(arguments[0], package: package) }
        guard outcome.status == 0 else {
            throw RuntimeImageError.stepFailed(
                runtime: definition.name, step: step,
                output: outcome.tail.suffix(20).joined(separator: "\n"))
        }
    }

    private func command(_ arguments: [String]) -> Command {
        Command(
            arguments: arguments, environment: BuildEnvironment.make(from: environment), cancellation: cancellation)
    }

    private mutating func report(_ step: String, _ percent: Int) {
        self.percent = max(self.percent, percent)
        progress(BuildProgress(runtime: definition.name, step: step, percent: self.percent))
    }
}
