import CloisterOCI
import Glibc

extension KernelFile {
    private static let readBytesMax = 256 << 20

    /// A regular file's bytes; nil if it can't be read or is larger than a kernel may be.
    static func readBytes(_ path: String) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_size <= readBytesMax else { return nil }
        let size = Int(status.st_size)
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { space, filled in
            while filled < size {
                let count = Glibc.read(descriptor, space.baseAddress.map { $0 + filled }, size - filled)
                guard count > 0 else { return }
                filled += count
            }
        }
        return bytes.count == size ? bytes : nil
    }

    /// Paths of all regular files below a directory of ours; follows no link.
    static func files(below directory: String) -> [String] {
        names(in: directory).flatMap { name -> [String] in
            let path = directory + "/" + name
            var status = stat()
            guard lstat(path, &status) == 0 else { return [] }
            switch status.st_mode & S_IFMT {
            case S_IFDIR: return files(below: path)
            case S_IFREG: return [path]
            default: return []
            }
        }
    }

    /// Removes a tree of ours; follows no link.
    static func removeDeepTree(_ path: String) {
        for name in names(in: path) {
            let child = path + "/" + name
            var status = stat()
            guard lstat(child, &status) == 0 else { continue }
            if status.st_mode & S_IFMT == S_IFDIR { removeDeepTree(child) } else { unlink(child) }
        }
        rmdir(path)
    }
}
