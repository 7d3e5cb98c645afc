import CloisterServiceKit

/// How much an archive may hold.
public struct CodeLimits: Sendable, Equatable {
    public var archiveBytesMax: Int
    public var unpackedBytesMax: Int
    public var entriesMax: Int

    /// Bytes and entries; the defaults are Lambda's 50 MB and 250 MB.
    public init(archiveBytesMax: Int = 52_428_800, unpackedBytesMax: Int = 262_144_000, entriesMax: Int = 50_000) {
        self.archiveBytesMax = archiveBytesMax
        self.unpackedBytesMax = unpackedBytesMax
        self.entriesMax = entriesMax
    }
}

/// What unpacking an archive will write, decided before anything is written. Pure.
///
/// Only plain files, directories and symbolic links, all inside the tree; a link's target is read while unpacking and
/// checked by `ZipLinks`. Of two entries with one path the later counts, as with other unpackers.
struct ZipPlan {
    static let pathBytesMax = 1_024
    static let depthMax = 64
    static let linkBytesMax = 1_024

    /// Every directory, parents first.
    private(set) var directories: [ZipPath] = []
    private(set) var files: [ZipPath: ZipEntry] = [:]
    private(set) var links: [ZipPath: ZipEntry] = [:]
    private(set) var unpackedBytes = 0

    private enum Kind { case file, directory, link }

    init(_ entries: [ZipEntry], limits: CodeLimits) throws(CodeError) {
        var seen: [ZipPath: Kind] = [:]
        for entry in entries {
            let path = try ZipPath(entry.name)
            let kind = try ZipPlan.kind(entry)
            if path.components.isEmpty, kind == .directory { continue }
            try ZipPlan.check(entry, path: path, kind: kind)
            unpackedBytes += entry.unpackedBytes
            guard unpackedBytes <= limits.unpackedBytesMax else {
                throw CodeError(
                    .unpackedTooLarge, "Unzipped size must be smaller than \(limits.unpackedBytesMax) bytes")
            }
            guard (seen[path] ?? kind) == kind else { throw ZipPlan.clash(path) }
            seen[path] = kind
            if kind == .file { files[path] = entry }
            if kind == .link { links[path] = entry }
        }
        try addDirectories(&seen, max: 2 * limits.entriesMax)
    }

    private mutating func addDirectories(_ seen: inout [ZipPath: Kind], max: Int) throws(CodeError) {
        var directories: Set<ZipPath> = []
        for (path, kind) in seen {
            var directory = kind == .directory ? path : path.parent
            while !directory.components.isEmpty, directories.insert(directory).inserted {
                // No entry's parent is a link or a file, so that nothing is ever written through a link.
                guard (seen[directory] ?? .directory) == .directory else { throw ZipPlan.clash(directory) }
                directory = directory.parent
            }
            guard directories.count <= max else {
                throw CodeError(.tooManyEntries, "the archive has too many directories")
            }
        }
        self.directories = directories.sorted { $0.components.count < $1.components.count }
    }

    private static func kind(_ entry: ZipEntry) throws(CodeError) -> Kind {
        let endsWithSlash = entry.name.last == UInt8(ascii: "/")
        switch entry.mode & 0o170000 {
        case 0: return endsWithSlash ? .directory : .file
        case 0o100000:
            guard !endsWithSlash else { break }
            return .file
        case 0o040000: return .directory
        case 0o120000:
            guard !endsWithSlash else { break }
            return .link
        default: break
        }
        throw CodeError(.unsafe, "the archive holds an entry that is no file, directory or symbolic link")
    }

    private static func check(_ entry: ZipEntry, path: ZipPath, kind: Kind) throws(CodeError) {
        guard !path.components.isEmpty else { throw CodeError(.unsafe, "the archive holds a file without a name") }
        guard !entry.isEncrypted else { throw CodeError(.unreadable, "the archive is encrypted") }
        guard entry.method == 0 || entry.method == 8 else {
            throw CodeError(.unreadable, "the archive uses compression method \(entry.method)")
        }
        guard entry.method == 8 || entry.compressedBytes == entry.unpackedBytes else {
            throw CodeError(.unreadable, "the archive is damaged")
        }
        guard kind != .directory || entry.unpackedBytes == 0 else {
            throw CodeError(.unreadable, "the archive holds a directory with contents of its own")
        }
        guard kind != .link || entry.unpackedBytes <= linkBytesMax else {
            throw CodeError(.unsafe, "the archive holds a symbolic link with an overlong target")
        }
    }

    private static func clash(_ path: ZipPath) -> CodeError {
        CodeError(.unsafe, "the archive holds \(path) as two different things")
    }
}

/// A path inside the tree: no `..`, no empty or `.` component, at most `ZipPlan.depthMax` deep.
struct ZipPath: Hashable, CustomStringConvertible {
    let components: [String]

    init(_ name: [UInt8]) throws(CodeError) {
        guard let text = String(validating: name, as: UTF8.self), !name.contains(0) else {
            throw CodeError(.unreadable, "the archive holds a name that isn't UTF-8")
        }
        guard !text.isEmpty, name.first != UInt8(ascii: "/") else {
            throw CodeError(.unsafe, "the archive holds an absolute path or an empty name")
        }
        let components = text.utf8.split(separator: UInt8(ascii: "/")).map(String.init).compactMap { $0 }
            .filter { $0 != "." }
        guard !components.contains("..") else {
            throw CodeError(.unsafe, "the archive holds a path with ..")
        }
        guard name.count <= ZipPlan.pathBytesMax, components.count <= ZipPlan.depthMax,
            components.allSatisfy({ $0.utf8.count <= 255 })
        else { throw CodeError(.unsafe, "the archive holds an overlong path") }
        self.components = components
    }

    private init(components: [String]) { self.components = components }

    var parent: ZipPath { ZipPath(components: Array(components.dropLast())) }
    var description: String { components.joined(separator: "/") }
}

/// Checks symbolic links: whoever follows one from inside the tree stays inside, through other links as well. Pure.
struct ZipLinks {
    /// As many as Linux follows.
    private static let followedMax = 40

    let targets: [ZipPath: String]

    func check() throws(CodeError) {
        let byComponents = Dictionary(uniqueKeysWithValues: targets.map { ($0.components, $1) })
        for (path, target) in targets {
            guard ZipLinks.staysInside(from: path.parent.components, target, links: byComponents) else {
                throw CodeError(.unsafe, "the symbolic link \(path) leaves the archive's directory")
            }
        }
    }

    /// Resolves as the kernel does, component by component.
    private static func staysInside(from start: [String], _ target: String, links: [[String]: String]) -> Bool {
        var place = start
        var rest = split(target)
        var followed = 0
        guard !target.isEmpty, !target.hasPrefix("/"), !target.utf8.contains(0) else { return false }
        while let component = rest.popLast() {
            if component == "." { continue }
            if component == ".." {
                guard place.popLast() != nil else { return false }
                continue
            }
            place.append(component)
            guard let next = links[place] else { continue }
            followed += 1
            // A circle leads nowhere, so not outside either.
            guard followed <= followedMax else { return true }
            guard !next.hasPrefix("/") else { return false }
            place.removeLast()
            rest += split(next)
        }
        return true
    }

    /// Last component first.
    private static func split(_ target: String) -> [String] {
        target.split(separator: "/").map(String.init).reversed()
    }
}
