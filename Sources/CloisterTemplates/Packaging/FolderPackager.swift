import Glibc

/// Puts a folder into a zip: sorted names, fixed times, modes as on disk. Links are followed inside the folder only.
enum FolderPackager {
    /// Names that never belong to the code, at any depth.
    private static let excluded: Set<String> = [".git", "__pycache__", ".aws-sam", ".DS_Store"]

    static func isExcluded(_ name: String) -> Bool { excluded.contains(name) || name.hasSuffix(".pyc") }

    static func zip(_ folder: String, at position: SourcePosition) throws -> [UInt8] {
        let root = try FileContents.realPath(folder, at: position)
        var walk = Walk(root: root, position: position)
        try walk.enter(root, prefix: "", depth: 0)
        var writer = ZipWriter()
        for file in walk.files.sorted(by: { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }) {
            let room = max(0, PackageLimits.zipBytesMax - writer.size)
            let contents = try FileContents.read(file.path, bytesMax: room, at: position)
            writer.add(file.name, mode: file.mode, contents: contents)
        }
        guard writer.size <= PackageLimits.zipBytesMax else { throw tooLarge(folder, position) }
        return writer.finished()
    }

    private static func tooLarge(_ folder: String, _ position: SourcePosition) -> TemplateError {
        TemplateError(
            .tooLarge, "`\(folder)` holds more than \(PackageLimits.zipBytesMax) bytes",
            suggestion: "move libraries into a layer, or point at a compressed zip file", at: position)
    }
}

private struct Walk {
    struct File {
        var name: String
        var path: String
        var mode: UInt16
    }

    let root: String
    let position: SourcePosition
    var files: [File] = []
    /// Real paths of the folders being visited, against circles of links.
    private var open: [String] = []

    init(root: String, position: SourcePosition) {
        self.root = root
        self.position = position
    }

    mutating func enter(_ directory: String, prefix: String, depth: Int) throws {
        guard depth <= PackageLimits.depthMax, !open.contains(directory) else {
            throw TemplateError(.code, "folders in `\(root)` are nested without end", at: position)
        }
        open.append(directory)
        for name in try FileContents.names(in: directory, at: position) where !FolderPackager.isExcluded(name) {
            try add(directory + "/" + name, name: prefix + name, depth: depth)
        }
        open.removeLast()
    }

    private mutating func add(_ path: String, name: String, depth: Int) throws {
        var path = path
        guard var status = FileStatus(path: path, followsLink: false) else { return }
        if status.isLink {
            path = try FileContents.realPath(path, at: position)
            guard path == root || path.hasPrefix(root + "/") else {
                throw TemplateError(
                    .code, "`\(name)` links to a place outside `\(root)`", suggestion: "copy the file into the folder",
                    at: position)
            }
            guard let target = FileStatus(path: path, followsLink: true) else { return }
            status = target
        }
        if status.isDirectory {
            try enter(path, prefix: name + "/", depth: depth + 1)
        } else if status.isRegular {
            guard files.count < PackageLimits.filesMax, name.utf8.count < 65_536 else {
                throw TemplateError(
                    .tooLarge, "`\(root)` holds more than \(PackageLimits.filesMax) files", at: position)
            }
            files.append(File(name: name, path: path, mode: status.mode))
        } else {
            throw TemplateError(.code, "`\(name)` is no regular file", at: position)
        }
    }
}
