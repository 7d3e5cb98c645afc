import Foundation

/// Where images are kept: `<directory>/<runtime>/rootfs` and `<directory>/<runtime>/image.json`.
struct RuntimesDirectory: Sendable, Equatable {
    static let standard = "/var/cache/cloister/runtimes"

    var path: String

    /// The first that is given of: the option, `CLOISTER_RUNTIMES`, the standard place.
    init(option: String?, environment: [String: String]) {
        let chosen = [option, environment["CLOISTER_RUNTIMES"]].compactMap { $0 }.first { !$0.isEmpty }
        path = URL(fileURLWithPath: chosen ?? Self.standard).standardizedFileURL.path
    }

    func image(_ runtime: String) -> String { "\(path)/\(runtime)" }
    func rootfs(_ runtime: String) -> String { "\(path)/\(runtime)/rootfs" }
    func manifest(_ runtime: String) -> String { "\(path)/\(runtime)/image.json" }
    func lock(_ runtime: String) -> String { "\(path)/.\(runtime).lock" }
    /// Beside the image, so that a rename puts it in place. A name of this process's: programs of a killed build may
    /// still write into theirs.
    func underConstruction(_ runtime: String) -> String { "\(unfinishedPrefix(runtime))\(getpid())" }
    private func unfinishedPrefix(_ runtime: String) -> String { "\(path)/.\(runtime).building-" }
    func retired(_ runtime: String) -> String { "\(path)/.\(runtime).old" }

    /// Removes, as far as it can, what killed builds left behind. The caller holds the lock.
    func removeUnfinished(_ runtime: String) {
        let names = (try? FileTree.names(path)) ?? []
        for name in names where "\(path)/\(name)".hasPrefix(unfinishedPrefix(runtime)) {
            try? FileTree.remove("\(path)/\(name)")
        }
    }
}
