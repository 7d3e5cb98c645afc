import CZlib
import CloisterServiceKit

#if canImport(Glibc)
    import Glibc
#endif

/// The system calls that the code store needs, with errors that name the step. Paths are the store's own.
enum FileTree {
    /// Writes a new file; never follows or replaces anything.
    static func write(
        _ path: String, mode: mode_t, _ fill: ((ArraySlice<UInt8>) throws(CodeError) -> Void) throws(CodeError) -> Void
    ) throws(CodeError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
        guard descriptor >= 0 else { throw failure("create a file") }
        defer { close(descriptor) }
        try fill { (bytes) throws(CodeError) in try writeAll(descriptor, bytes) }
        // Not through `open`'s mode, which the process's umask would narrow.
        guard fchmod(descriptor, mode) == 0 else { throw failure("set a file's mode") }
    }

    static func makeDirectory(_ path: String, mode: mode_t = 0o755) throws(CodeError) {
        guard mkdir(path, mode) == 0, chmod(path, mode) == 0 else { throw failure("make a directory") }
    }

    /// Makes a directory unless it is there.
    static func ensureDirectory(_ path: String, mode: mode_t) throws(CodeError) {
        guard mkdir(path, mode) == 0 || errno == EEXIST else { throw failure("make \(path)") }
    }

    static func makeLink(_ path: String, target: String) throws(CodeError) {
        guard symlink(target, path) == 0 else { throw failure("make a symbolic link") }
    }

    static func exists(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    static func read(_ path: String, bytesMax: Int) throws(CodeError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw failure("open \(path)") }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_size <= bytesMax else { throw failure("read \(path)") }
        let size = Int(status.st_size)
        var count = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, initialized in
            while count < size {
                let got = Glibc.read(descriptor, buffer.baseAddress.map { $0 + count }, size - count)
                if got < 0, errno == EINTR { continue }
                if got <= 0 { break }
                count += got
            }
            initialized = count
        }
        guard count == size else { throw failure("read \(path)") }
        return bytes
    }

    /// The names in a directory, without `.` and `..`.
    static func names(_ path: String) throws(CodeError) -> [String] {
        guard let directory = opendir(path) else { throw failure("list \(path)") }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// Removes a file, a link or a whole tree; nothing there is no error. Doesn't follow links.
    static func remove(_ path: String) throws(CodeError) {
        if isDirectory(path) {
            for name in try names(path) { try remove(path + "/" + name) }
            guard rmdir(path) == 0 else { throw failure("remove a directory") }
        } else {
            guard unlink(path) == 0 || errno == ENOENT else { throw failure("remove a file") }
        }
    }

    /// Gives a finished, synchronised temporary its name, durably. What has the name already stays.
    static func publish(_ temporary: String, as path: String, in directory: String) throws(CodeError) {
        try syncFileSystem(temporary)
        guard rename(temporary, path) == 0 else {
            guard errno == ENOTEMPTY || errno == EEXIST else { throw failure("rename \(temporary)") }
            return try remove(temporary)
        }
        try sync(directory)
    }

    /// One call instead of one `fsync` for each of thousands of files.
    private static func syncFileSystem(_ path: String) throws(CodeError) {
        try withDescriptor(path) { (descriptor) throws(CodeError) in
            guard syncfs(descriptor) == 0 else { throw failure("synchronise") }
        }
    }

    private static func sync(_ path: String) throws(CodeError) {
        try withDescriptor(path) { (descriptor) throws(CodeError) in
            guard fsync(descriptor) == 0 else { throw failure("synchronise") }
        }
    }

    private static func withDescriptor(
        _ path: String, _ body: (Int32) throws(CodeError) -> Void
    ) throws(CodeError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open \(path)") }
        defer { close(descriptor) }
        try body(descriptor)
    }

    private static func writeAll(_ descriptor: Int32, _ bytes: ArraySlice<UInt8>) throws(CodeError) {
        var rest = bytes
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { throw failure("write a file") }
            rest = rest.dropFirst(written)
        }
    }

    static func failure(_ step: String) -> CodeError {
        CodeError(.unavailable, "can't \(step): \(String(cString: strerror(errno)))")
    }
}
