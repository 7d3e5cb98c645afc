import CloisterTemplates
import Foundation
import Glibc

/// Notices changes of files and folders by looking at them often: no limit on watched folders, the same on every
/// file system, and cheap for the sizes that code packages have.
struct SourceWatcher {
    /// Time between two looks, in milliseconds; longer where one look takes long.
    static let intervalMilliseconds = 40.0

    private var paths: [String]
    private var fingerprint: Int

    init(_ paths: [String]) {
        self.paths = paths
        self.fingerprint = CodeFingerprint.of(paths)
    }

    /// Watches `paths` from now on. What changed in paths that were watched before still counts.
    mutating func watch(_ paths: [String]) {
        guard paths != self.paths else { return }
        self.paths = paths
        fingerprint = CodeFingerprint.of(paths)
    }

    /// Returns once something has changed and is the same in two looks: editors write in several steps.
    mutating func waitForChange() {
        while true {
            let now = look()
            if now == fingerprint { continue }
            var settled = now
            while true {
                let next = look()
                if next == settled { break }
                settled = next
            }
            fingerprint = settled
            return
        }
    }

    private func look() -> Int {
        usleep(UInt32(SourceWatcher.intervalMilliseconds * 1_000))
        let start = Date()
        let result = CodeFingerprint.of(paths)
        let spent = Date().timeIntervalSince(start) * 1_000
        if spent > SourceWatcher.intervalMilliseconds / 4 { usleep(UInt32(min(spent * 3, 2_000) * 1_000)) }
        return result
    }
}
