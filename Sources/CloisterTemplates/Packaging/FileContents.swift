import Glibc

/// What the file system says about one path.
struct FileStatus {
    static let regular: UInt16 = 0o100000

    let mode: UInt16
    let size: Int

    /// Nil when there is nothing.
    init?(path: String, followsLink: Bool) {
        var status = stat()
        guard (followsLink ? stat(path, &status) : lstat(path, &status)) == 0 else { return nil }
        mode = UInt16(truncatingIfNeeded: status.st_mode)
        size = Int(status.st_size)
    }

    var isDirectory: Bool { mode & 0o170000 == 0o040000 }
    var isRegular: Bool { mode & 0o170000 == FileStatus.regular }
    var isLink: Bool { mode & 0o170000 == 0o120000 }
}

/// Reads files and folders, with bounds.
enum FileContents {
    static func read(_ path: String, bytesMax: Int, at position: SourcePosition) throws -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw unreadable(path, position) }
        defer { close(descriptor) }
        var contents: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw unreadable(path, position) }
            if count == 0 { return contents }
            contents += chunk[..<count]
            guard contents.count <= bytesMax else {
                throw TemplateError(
                    .tooLarge, "the code is larger than \(PackageLimits.zipBytesMax) bytes with `\(path)`",
                    suggestion: "move libraries into a layer, or point at a compressed zip file", at: position)
            }
        }
    }

    static func names(in directory: String, at position: SourcePosition) throws -> [String] {
        guard let stream = opendir(directory) else { throw unreadable(directory, position) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    static func realPath(_ path: String, at position: SourcePosition) throws -> String {
        guard let resolved = realpath(path, nil) else { throw unreadable(path, position) }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    private static func unreadable(_ path: String, _ position: SourcePosition) -> TemplateError {
        TemplateError(.code, "`\(path)` can't be read: \(String(cString: strerror(errno)))", at: position)
    }
}
