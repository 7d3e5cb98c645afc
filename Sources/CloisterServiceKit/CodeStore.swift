/// A code archive's identity: the SHA-256 of the zip file as it was uploaded, 64 lower-case hexadecimal digits.
public struct CodeDigest: Hashable, Sendable, Codable, CustomStringConvertible {
    public let rawValue: String

    /// Nil unless `rawValue` is 64 lower-case hexadecimal digits, so that a digest is always safe in a path.
    public init?(_ rawValue: String) {
        guard rawValue.utf8.count == 64, rawValue.utf8.allSatisfy(CodeDigest.isHexadecimal) else { return nil }
        self.rawValue = rawValue
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let digest = CodeDigest(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a code digest")
        }
        self = digest
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }

    /// The 32 bytes.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        var high: UInt8?
        for digit in rawValue.utf8 {
            let value = digit < UInt8(ascii: "a") ? digit - UInt8(ascii: "0") : digit - UInt8(ascii: "a") + 10
            if let first = high {
                bytes.append(first << 4 | value)
                high = nil
            } else {
                high = value
            }
        }
        return bytes
    }

    public var description: String { rawValue }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        (byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9"))
            || (byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "f"))
    }
}

/// What the store knows about one archive.
public struct StoredCode: Hashable, Sendable, Codable {
    public var digest: CodeDigest
    /// The zip file's size.
    public var archiveBytes: Int
    /// The sum of the sizes of the files in it.
    public var unpackedBytes: Int
    /// For which machines it holds native code, as AWS spells them (`x86_64`, `arm64`); others as `elf-NUMBER`.
    public var machines: [String]

    public init(digest: CodeDigest, archiveBytes: Int, unpackedBytes: Int, machines: [String]) {
        self.digest = digest
        self.archiveBytes = archiveBytes
        self.unpackedBytes = unpackedBytes
        self.machines = machines
    }
}

/// Function and layer code: the uploaded archives and their unpacked, read-only trees, by content.
public protocol CodeStore: Sendable {
    /// Checks, unpacks and keeps a zip archive; on disk on return. Adding what is already there is cheap.
    func add(_ archive: [UInt8]) async throws(CodeError) -> StoredCode
    /// The absolute path of an added archive's unpacked tree.
    func directory(of digest: CodeDigest) -> String
    /// The zip file as it was uploaded.
    func archive(_ digest: CodeDigest) async throws(CodeError) -> [UInt8]
    /// The absolute path of one directory that holds the given trees, laid over each other in order (a later one
    /// wins). Made when it isn't there yet.
    func layersDirectory(_ digests: [CodeDigest]) async throws(CodeError) -> String
    /// Deletes everything that is neither in `codes` nor one of the lists in `layers`. Only safe while no environment
    /// runs and nothing is being added: at start.
    func removeAll(except codes: Set<CodeDigest>, layers: Set<[CodeDigest]>) async throws(CodeError)
}

/// Why code was refused or could not be kept. `message` may be shown to whoever uploaded it, except for `.unavailable`.
public struct CodeError: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Code: String, Sendable {
        /// Not a zip archive, a damaged one, or one that uses what isn't supported.
        case unreadable
        /// An entry would leave the directory, or is no plain file, directory or symbolic link.
        case unsafe
        case archiveTooLarge
        case unpackedTooLarge
        case tooManyEntries
        /// The store doesn't hold this digest.
        case missing
        /// The disk failed or is full.
        case unavailable
    }

    public let code: Code
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { "\(code.rawValue): \(message)" }
}
