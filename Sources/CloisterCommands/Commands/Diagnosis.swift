import CloisterCore
import CloisterMicroVM
import CloisterRuntimes
import Glibc

/// What `doctor` found.
struct Diagnosis: Encodable, Equatable {
    struct Level: Encodable, Equatable {
        var level: IsolationLevel
        var works: Bool
        /// The program and its version when it works, else why it doesn't.
        var detail: String
        /// What to do about it; nil when it works.
        var remedy: String?
        /// Whether `--isolation auto` may take it: not machines in software.
        var isAutomatic = true
    }

    struct Host: Encodable, Equatable {
        var kernel: String
        var architecture: String
        var isRoot: Bool
    }

    var host: Host
    /// Strongest first.
    var levels: [Level]
    /// What `--isolation auto` takes; nil when nothing works.
    var levelInForce: IsolationLevel?
    var runtimes: [RuntimeRow]

    init(host: Host, levels: [Level], runtimes: [RuntimeRow]) {
        self.host = host
        self.levels = levels.sorted { $0.level > $1.level }
        self.levelInForce = self.levels.first { $0.works && $0.isAutomatic }?.level
        self.runtimes = runtimes
    }

    static func make(
        runtimesDirectory: String?, accelerator: MicroVMAccelerator? = nil, only level: IsolationLevel? = nil
    ) async -> Diagnosis {
        let images = RuntimeImages(directory: runtimesDirectory)
        return Diagnosis(
            host: Host(), levels: await LevelProbe.all(accelerator, only: level),
            runtimes: images.available.map { RuntimeRow($0, images: images) })
    }

    var text: String {
        var levelTable = TextTable([("Isolation", .left), ("Works", .left), ("Detail", .left)])
        for level in levels { levelTable.add([level.level.rawValue, level.works ? "yes" : "no", level.detail]) }
        var parts = ["Host: Linux \(host.kernel), \(host.architecture)\(host.isRoot ? "" : ", not root")"]
        parts.append(levelTable.text)
        if levels.count > 1 {
            let inForce = levelInForce.map { "In force with --isolation auto: \($0.rawValue)" }
            parts.append(inForce ?? "No isolation level works by itself.")
        }
        let remedies = levels.compactMap { level in level.remedy.map { "  \(level.level.rawValue): \($0)" } }
        if !remedies.isEmpty { parts.append("To get the others:\n" + remedies.joined(separator: "\n")) }
        let built = runtimes.filter(\.isBuilt).map(\.runtime)
        let missing = runtimes.filter { !$0.isBuilt }.map(\.runtime)
        parts.append("Runtimes built: \(built.isEmpty ? "none" : built.joined(separator: ", "))")
        if !missing.isEmpty {
            parts.append("Not built: \(missing.joined(separator: ", ")) (cloister runtime build NAME)")
        }
        return parts.joined(separator: "\n\n")
    }
}

extension Diagnosis.Host {
    init() {
        var names = utsname()
        uname(&names)
        func text<Field>(_ field: Field) -> String {
            withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        }
        kernel = text(names.release)
        architecture = text(names.machine)
        isRoot = geteuid() == 0
    }
}
