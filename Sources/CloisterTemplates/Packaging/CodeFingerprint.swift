import Glibc

/// A cheap mark of what is on disk, for noticing changes: names, sizes, times and modes, no contents.
public enum CodeFingerprint {
    /// Equal for equal states of `paths`, each a file or folder. What is missing counts as such; folders are read to
    /// the limits of `PackageLimits`.
    public static func of(_ paths: [String]) -> Int {
        var hasher = Hasher()
        var filesLeft = PackageLimits.filesMax
        for path in paths { add(path, depth: 0, filesLeft: &filesLeft, to: &hasher) }
        return hasher.finalize()
    }

    private static func add(_ path: String, depth: Int, filesLeft: inout Int, to hasher: inout Hasher) {
        hasher.combine(path)
        var status = stat()
        guard stat(path, &status) == 0, depth <= PackageLimits.depthMax, filesLeft > 0 else { return }
        filesLeft -= 1
        hasher.combine(status.st_mode)
        hasher.combine(status.st_ino)
        guard status.st_mode & 0o170000 == 0o040000 else {
            hasher.combine(status.st_size)
            hasher.combine(status.st_mtim.tv_sec)
            hasher.combine(status.st_mtim.tv_nsec)
            return
        }
        let here = SourcePosition(file: path, line: 1, column: 1)
        // A folder that vanished or can't be read looks empty; packaging it will say what is wrong.
        let names = (try? FileContents.names(in: path, at: here)) ?? []
        for name in names.sorted() where !FolderPackager.isExcluded(name) {
            add(path + "/" + name, depth: depth + 1, filesLeft: &filesLeft, to: &hasher)
        }
    }
}
