import Crypto
import Foundation

/// What an image holds, in two numbers.
struct ImageContent: Sendable, Equatable {
    /// SHA-256 in hex.
    var digest = ""
    /// Bytes in files.
    var size = 0
}

/// One walk over a finished tree: fixes owners, permissions and times, removes what may not be there, and digests
/// names, types, permissions and contents.
struct ImageSealing {
    let root: String
    let timestamp: Int
    private(set) var content = ImageContent()
    private var hash = SHA256()

    init(root: String, timestamp: Int) {
        self.root = root
        self.timestamp = timestamp
    }

    mutating func run() throws {
        try seal("")
        content.digest = hash.finalize().map { byte in
            (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
    }

    private mutating func seal(_ place: String) throws {
        let path = root + place
        var status = stat()
        guard lstat(path, &status) == 0, lchown(path, 0, 0) == 0 else { throw FileTree.failure(path) }
        switch status.st_mode & S_IFMT {
        case S_IFDIR: try sealDirectory(place, mode: status.st_mode)
        case S_IFREG: try sealFile(place, mode: status.st_mode)
        case S_IFLNK: try sealLink(place)
        default: return try FileTree.remove(path)
        }
        var times = [timespec(tv_sec: timestamp, tv_nsec: 0), timespec(tv_sec: timestamp, tv_nsec: 0)]
        guard utimensat(AT_FDCWD, path, &times, AT_SYMLINK_NOFOLLOW) == 0 else { throw FileTree.failure(path) }
    }

    private mutating func sealDirectory(_ place: String, mode: mode_t) throws {
        try restrict(place, mode: mode | 0o555)
        for name in try FileTree.names(root + place) { try seal(place + "/" + name) }
    }

    private mutating func sealFile(_ place: String, mode: mode_t) throws {
        try restrict(place, mode: mode | 0o444)
        guard let data = FileManager.default.contents(atPath: root + place) else {
            throw RuntimeImageError.file(path: root + place, reason: "can't be read")
        }
        content.size += data.count
        hash.update(data: SHA256.hash(data: data).map { $0 })
    }

    private mutating func sealLink(_ place: String) throws {
        let target = try FileManager.default.destinationOfSymbolicLink(atPath: root + place)
        record("l", place, target)
    }

    /// No setuid, setgid or sticky bit; only the owner writes.
    private mutating func restrict(_ place: String, mode: mode_t) throws {
        let type = mode & S_IFMT == S_IFDIR ? "d" : "f"
        let bits = mode & 0o755
        guard chmod(root + place, bits) == 0 else { throw FileTree.failure(root + place) }
        record(type, place, String(bits, radix: 8))
    }

    private mutating func record(_ type: String, _ place: String, _ value: String) {
        hash.update(data: Array("\(type)\0\(place)\0\(value)\0".utf8))
    }
}
