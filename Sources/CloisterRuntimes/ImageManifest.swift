import Foundation

/// What `image.json` says of an image.
public struct ImageManifest: Codable, Sendable, Equatable {
    /// The layout's version. An image of another is made anew.
    public static let currentFormat = 1

    public var format: Int
    public var runtime: String
    /// Debian's code name.
    public var suite: String
    /// Each Debian package's version, by name.
    public var packages: [String: String]
    /// Each language package's version, by name.
    public var libraries: [String: String]
    /// SHA-256 in hex over the names, types, permissions and contents of all files; equal for equal images.
    public var digest: String
    /// Of all files, in bytes.
    public var size: Int
    /// ISO 8601.
    public var builtAt: String

    static func read(_ path: String) -> ImageManifest? {
        guard let data = FileManager.default.contents(atPath: path) else { return nil }
        return try? JSONDecoder().decode(ImageManifest.self, from: data)
    }

    func write(_ path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try encoder.encode(self).write(to: URL(fileURLWithPath: path))
    }
}
