/// A function's or layer's code as it is sent: a zip file and its digest.
public struct CodePackage: Sendable {
    public var zip: [UInt8]
    /// SHA-256 of the zip in base64, as Lambda's `CodeSha256`.
    public var sha256: String

    public init(zip: [UInt8]) {
        self.zip = zip
        self.sha256 = Base64.encode(SHA256Digest.of(zip))
    }

    /// Packages `source`. Relative paths start at `directory`. The same files give the same bytes. Throws
    /// `TemplateError` with `position` when something is missing, unreadable, too large or a link out of the folder.
    public static func make(
        _ source: CodeSource, directory: String, at position: SourcePosition
    ) throws -> CodePackage {
        switch source {
        case .inline(let fileName, let source):
            var writer = ZipWriter()
            writer.add(fileName, mode: FileStatus.regular | 0o644, contents: Array(source.utf8))
            return CodePackage(zip: writer.finished())
        case .path(let path):
            return try package(path: CodePackage.absolute(path, in: directory), position: position)
        }
    }

    /// Where `source` is on disk; nil for inline code.
    public static func location(of source: CodeSource, directory: String) -> String? {
        if case .path(let path) = source { absolute(path, in: directory) } else { nil }
    }

    private static func absolute(_ path: String, in directory: String) -> String {
        path.hasPrefix("/") ? path : directory + "/" + path
    }

    private static func package(path: String, position: SourcePosition) throws -> CodePackage {
        guard let status = FileStatus(path: path, followsLink: true) else {
            throw TemplateError(
                .code, "there is no `\(path)`", suggestion: "paths start at the template's folder", at: position)
        }
        if status.isDirectory { return CodePackage(zip: try FolderPackager.zip(path, at: position)) }
        guard status.isRegular, status.size <= PackageLimits.zipBytesMax else {
            throw TemplateError(
                .code, "`\(path)` isn't a file of at most \(PackageLimits.zipBytesMax) bytes", at: position)
        }
        let contents = try FileContents.read(path, bytesMax: PackageLimits.zipBytesMax, at: position)
        if contents.starts(with: [0x50, 0x4B, 0x03, 0x04]) { return CodePackage(zip: contents) }
        if path.hasSuffix(".zip") || path.hasSuffix(".jar") {
            throw TemplateError(.code, "`\(path)` isn't a zip file", at: position)
        }
        var writer = ZipWriter()
        let name = path.split(separator: "/").last.map(String.init) ?? "code"
        writer.add(name, mode: status.mode, contents: contents)
        return CodePackage(zip: writer.finished())
    }
}
